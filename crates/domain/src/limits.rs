//! The limits that an operator may set.

/// How large things may get. Each is a parameter of the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Endpoints of one organization.
    pub endpoints_per_organization: u32,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Characters of an endpoint's description.
    pub description_length: usize,
    /// Characters of an endpoint's URL.
    pub url_length: usize,
    /// Headers that an owner adds to an endpoint's requests.
    pub custom_headers: usize,
    /// Bytes of their names and values together.
    pub custom_header_bytes: usize,
    /// Old secrets of one endpoint that still sign.
    pub old_secrets: usize,
    /// Entries of one page of a list.
    pub page_size: usize,
    /// Calls of one key in a minute.
    pub calls_per_minute: u32,
}
