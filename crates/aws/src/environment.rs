//! Reading a function's configuration from its environment, with errors that name the variable.

use std::str::FromStr;
use std::time::Duration;

use hookbell_domain::address::AddressPolicyError;
use hookbell_domain::target::TargetPolicy;

/// A variable that is missing or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// It is not set, or empty.
    #[error("environment variable {name} is not set: template.yaml sets it for this function")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// Its value is not what it should be.
    #[error("environment variable {name} is invalid: {cause}")]
    Invalid {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        cause: String,
    },
}

/// The text of a variable that must not be empty.
///
/// # Errors
/// When it is not set or empty.
pub fn required(name: &'static str) -> Result<String, EnvironmentError> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or(EnvironmentError::Missing { name })
}

/// The value of a variable that must be set.
///
/// # Errors
/// When it is not set, or is no such value.
pub fn parsed<T: FromStr<Err: std::fmt::Display>>(name: &'static str) -> Result<T, EnvironmentError> {
    let text = required(name)?;
    text.parse().map_err(|error: T::Err| EnvironmentError::Invalid { name, cause: error.to_string() })
}

/// How long messages and deliveries are kept: `RETENTION_DAYS`.
///
/// # Errors
/// When it is not set, or no whole number.
pub fn retention() -> Result<Duration, EnvironmentError> {
    Ok(Duration::from_hours(24) * parsed::<u32>("RETENTION_DAYS")?)
}

/// Where endpoints may be: `ALLOWED_CIDRS` and `EXTRA_PORTS`, both lists with commas, both empty by default.
///
/// # Errors
/// When an entry of either is no such thing.
pub fn target_policy() -> Result<TargetPolicy, EnvironmentError> {
    let invalid = |name, cause: &dyn std::fmt::Display| EnvironmentError::Invalid { name, cause: cause.to_string() };
    let addresses =
        optional("ALLOWED_CIDRS").parse().map_err(|error: AddressPolicyError| invalid("ALLOWED_CIDRS", &error))?;
    let ports = optional("EXTRA_PORTS");
    let ports = ports.split(',').map(str::trim).filter(|port| !port.is_empty()).map(str::parse);
    let extra_ports = ports.collect::<Result<_, _>>().map_err(|error| invalid("EXTRA_PORTS", &error))?;
    Ok(TargetPolicy { addresses, extra_ports })
}

/// The text of a variable that may be empty or absent.
#[must_use]
pub fn optional(name: &'static str) -> String {
    std::env::var(name).unwrap_or_default()
}
