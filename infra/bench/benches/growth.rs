//! What an event costs as everything grows around it.

use serde_json::{Value, json};

use crate::load::Parameters;
use crate::plan::Plan;
use crate::report::{Report, Run};
use crate::rig::{Organization, Rig};
use crate::sender::repeats;
use crate::steps::note;

/// Measures each kind of growth.
pub(crate) async fn measure(rig: &Rig, plan: &Plan, report: &mut Report) {
    if !plan.wants("growth") {
        return;
    }
    let usual = Parameters::plain();
    let mut made: Vec<Organization> = Vec::new();
    for organizations in [1, 100, plan.organizations] {
        let more = organizations - made.len();
        made.extend(rig.organizations(more, 1, &usual.receiver(rig)).await);
        let parameters = Parameters { organizations, ..usual.clone() };
        let name = if organizations == 1 {
            "1 organization".to_owned()
        } else {
            format!("{organizations} organizations, one of them busy")
        };
        report.add_run(Run::new("growth", &name, &parameters, repeats(rig, plan, &parameters, &made[..1]).await));
        if organizations > 1 {
            let name = format!("{organizations} organizations, all equally busy");
            report.add_run(Run::new("spread", &name, &parameters, repeats(rig, plan, &parameters, &made).await));
        }
    }
    for endpoints in [10, 50] {
        let parameters = Parameters { endpoints, ..usual.clone() };
        let organization = one_of_many_listens(rig, &parameters).await;
        let name = format!("{endpoints} endpoints, one of them subscribed");
        report.add_run(Run::new("growth", &name, &parameters, repeats(rig, plan, &parameters, &[organization]).await));
    }
    stored(rig, plan, report, &usual).await;
}

/// An organization of whose endpoints one wants what is sent.
async fn one_of_many_listens(rig: &Rig, parameters: &Parameters) -> Organization {
    let organization = rig.organizations(1, parameters.endpoints, &parameters.receiver(rig)).await.remove(0);
    let (api, _) = rig.start("api", None).await;
    for endpoint in &organization.endpoint_ids[1..] {
        let path = format!("/organizations/{}/webhooks/{endpoint}", organization.id);
        rig.call(&api, "PATCH", &path, &json!({ "eventTypes": ["billing.active"] })).await;
    }
    organization
}

/// The same endpoint, with ever more deliveries of it stored.
async fn stored(rig: &Rig, plan: &Plan, report: &mut Report, usual: &Parameters) {
    let organization = rig.organizations(1, 1, &usual.receiver(rig)).await.remove(0);
    for stored_deliveries in [10, 10_000, plan.backlog] {
        let parameters = Parameters { stored_deliveries, ..usual.clone() };
        let partition = format!("DLV#{}", organization.endpoint_ids[0]);
        if stored_deliveries > 10 {
            let arguments = json!({ "partition": partition, "number": stored_deliveries });
            let there: Value = rig.cloud.control("multiply", &arguments).await;
            note(&format!("{there} deliveries are stored"));
        }
        let name = format!("{stored_deliveries} stored deliveries");
        let repeats = repeats(rig, plan, &parameters, std::slice::from_ref(&organization)).await;
        report.add_run(Run::new("growth", &name, &parameters, repeats));
    }
}
