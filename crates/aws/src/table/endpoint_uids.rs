//! The uids of endpoints: each is an item of its own, put on condition that it is not there, so an organization has it
//! once. It is put and deleted in the transactions that make, change and delete its endpoint.

use aws_sdk_dynamodb::types::builders::TransactWriteItemBuilder;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use hookbell_domain::ids::{EndpointId, EndpointUid, OrganizationId};

use super::keys::Key;
use super::{Table, text};
use crate::AwsError;

impl Table {
    /// The part of a transaction that gives an endpoint its uid, on condition that no other one has it.
    pub(super) fn take_uid(
        &self,
        organization: &OrganizationId,
        uid: &EndpointUid,
        endpoint: EndpointId,
    ) -> Result<TransactWriteItemBuilder, AwsError> {
        let mut item = Key::endpoint_uid(organization, uid).into_item();
        item.insert("endpoint".to_owned(), text(endpoint.to_string()));
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(PK)")
            .build()
            .map_err(AwsError::sdk("TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().put(put))
    }

    /// The part of a transaction that leaves a uid to whoever takes it next.
    pub(super) fn leave_uid(
        &self,
        organization: &OrganizationId,
        uid: &EndpointUid,
    ) -> Result<TransactWriteItemBuilder, AwsError> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(Key::endpoint_uid(organization, uid).into_item()))
            .build()
            .map_err(AwsError::sdk("TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().delete(delete))
    }
}
