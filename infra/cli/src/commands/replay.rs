//! Delivering a range of time once more.

use std::time::Duration;

use clap::Args;

use super::Context;
use super::deliveries::STATUSES;
use crate::client::wire::Replay as State;
use crate::client::{Explain as _, Range, Seen};
use crate::failure::{Failure, Kind};
use crate::output::{Progress, note, status};
use crate::times::{When, shown};

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Which range.
#[derive(Args)]
pub(crate) struct Replay {
    /// The organization's id
    #[arg(value_name = "ORG")]
    organization: String,
    /// The endpoint's id: whe_…
    #[arg(value_name = "ENDPOINT")]
    endpoint: String,
    /// Deliveries made then or later: 2026-05-30T14:23:00Z, or how long ago, as 15m, 2h or 3d
    #[arg(long, value_name = "TIME")]
    after: When,
    /// Deliveries made before then; without it, until now
    #[arg(long, value_name = "TIME")]
    before: Option<When>,
    /// Only deliveries of this status
    #[arg(long, value_parser = STATUSES)]
    status: Option<String>,
    /// Begin it, and do not wait for its end
    #[arg(long)]
    no_wait: bool,
}

pub(crate) async fn run(context: &Context<'_>, replay: Replay) -> Result<(), Failure> {
    let client = context.connection.client().await?;
    let range = Range {
        after: Some(replay.after.0),
        before: replay.before.map(|before| before.0),
        status: replay.status,
        event_type: None,
    };
    let begun = client.begin_replay(&replay.organization, &replay.endpoint, &range).await;
    let mut state: Seen<State> = begun.explain(|| format!("No replay was begun for {}.", replay.endpoint))?;
    let (from, to) = (shown(state.it.after), shown(state.it.before));
    let begins = if state.it.state == "finished" {
        "it was asked for within a day and has ended, so nothing is sent now."
    } else {
        "it goes on, whether it is watched or not."
    };
    note(&format!("{} from {from} to {to}: {begins}", state.it.replay_id));
    if !replay.no_wait {
        let progress = Progress::of(Some(1_000));
        while state.it.state == "running" {
            progress.at(far(&state.it), format!("{} sent once more", state.it.redelivered));
            tokio::time::sleep(INTERVAL).await;
            let now = client.replay(&replay.organization, &replay.endpoint, &state.it.replay_id).await;
            state = now.explain(|| format!("It is not known how far {} is; it goes on.", state.it.replay_id))?;
        }
    }
    context.output.raw(&state.raw)?;
    let counted = format!("{} sent once more", state.it.redelivered);
    if state.it.state != "stopped" {
        return context.output.line(&format!("{}: {counted}", status(&state.it.state)));
    }
    let again = format!("hookbell replay {} {}{}", replay.organization, replay.endpoint, options(&range));
    Err(Failure::new(Kind::Unwell, format!("The replay stopped: {counted}."))
        .because(state.it.stopped_reason.unwrap_or_else(|| "the API does not say why".to_owned()))
        .try_this(format!("{again}, which starts the same replay again: what has arrived is not sent twice")))
}

/// The options of a range as it was understood: so long ago is another time by now. An end that was not asked for is not
/// named either, for that would be another replay.
fn options(range: &Range) -> String {
    let Range { after, before, status, .. } = range;
    let named = [
        after.map(|at| format!(" --after {at}")),
        before.map(|at| format!(" --before {at}")),
        status.as_ref().map(|status| format!(" --status {status}")),
    ];
    named.into_iter().flatten().collect()
}

/// How far a replay is between the ends of its range, in thousandths.
fn far(replay: &State) -> u64 {
    let Some(reached) = replay.reached else { return 0 };
    let whole = replay.before.duration_since(replay.after).as_millis().max(1);
    let done = reached.duration_since(replay.after).as_millis().clamp(0, whole);
    u64::try_from(done * 1_000 / whole).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_is_started_again_by_what_it_was_asked_for_and_nothing_else() {
        let after = "2026-05-30T14:23:00.5Z".parse().ok();
        let open = Range { after, ..Range::default() };
        assert_eq!(options(&open), " --after 2026-05-30T14:23:00.5Z");
        let whole = Range { before: "2026-05-30T15:00:00Z".parse().ok(), status: Some("failed".to_owned()), ..open };
        assert_eq!(options(&whole), " --after 2026-05-30T14:23:00.5Z --before 2026-05-30T15:00:00Z --status failed");
    }
}
