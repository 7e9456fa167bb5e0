//! A batch of the events queue at the gate: which of its records are messages to deliver, and which of them are twins,
//! records of one event that have come together.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::join_all;
use hookbell_aws::AwsError;
use hookbell_domain::message::Message;
use jiff::Timestamp;

use crate::admission::{Admission, Admitted, enter, read};
use crate::lines;
use crate::records::Record;
use crate::sender::Sender;

/// What the records of a batch turned out to be, by their positions.
#[derive(Default)]
pub(crate) struct Admissions {
    /// Messages to deliver, each once.
    pub(crate) admitted: Vec<(usize, Admitted)>,
    /// No events: why not, for whoever sent them.
    pub(crate) poison: Vec<(usize, String)>,
    /// Those that have to come again.
    pub(crate) again: BTreeSet<usize>,
    pub(crate) twins: Twins,
}

/// Records whose event an earlier one of the batch is dealing with: that one does the work, and they end as it does.
#[derive(Default)]
pub(crate) struct Twins(Vec<(usize, usize)>);

impl Twins {
    /// Those that come again because the one that does their work does.
    pub(crate) fn of(&self, again: &BTreeSet<usize>) -> BTreeSet<usize> {
        self.0.iter().filter(|(_, first)| again.contains(first)).map(|&(twin, _)| twin).collect()
    }
}

/// Admits the records of a batch side by side, all at the gate by one request. Where one of a FIFO queue has to come again,
/// none behind it is admitted.
pub(crate) async fn admit_all(sender: &Sender, records: &[&Record], began_at: Timestamp) -> Admissions {
    let mut all = Admissions::default();
    let readings = join_all(records.iter().map(|record| read(sender, record, began_at))).await;
    let (mut first_of, mut applicants) = (HashMap::new(), Vec::new());
    for (position, reading) in readings.into_iter().enumerate() {
        match reading {
            Ok(Ok(applicant)) => match *first_of.entry(applicant.message.id).or_insert(position) {
                first if first == position => applicants.push((position, applicant)),
                first => all.twins.0.push((position, first)),
            },
            Ok(Err(reason)) => all.poison.push((position, reason)),
            Err(error) => all.come_again(position, &error),
        }
    }
    all.again.extend(lines::behind(records, &all.again));
    applicants.retain(|(position, _)| !all.again.contains(position));

    let messages: Vec<&Message> = applicants.iter().map(|(_, applicant)| &applicant.message).collect();
    let gates = sender.table.accept_messages(&messages).await;
    let entering = applicants.into_iter().zip(gates).filter_map(|((position, applicant), gate)| {
        let record = records.get(position)?;
        Some(async move { (position, async { enter(sender, record, applicant, gate?).await }.await) })
    });
    for (position, admission) in join_all(entering).await {
        match admission {
            Ok(Admission::Deliver(event)) => all.admitted.push((position, event)),
            Ok(Admission::Duplicate) => {}
            Ok(Admission::Undecided) => drop(all.again.insert(position)),
            Err(error) => all.come_again(position, &error),
        }
    }
    all.again.extend(lines::behind(records, &all.again));
    all.admitted.retain(|(position, _)| !all.again.contains(position));
    all
}

impl Admissions {
    fn come_again(&mut self, position: usize, error: &AwsError) {
        tracing::error!(%error, "an event was not admitted");
        self.again.insert(position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_comes_again_when_the_one_that_does_its_work_does() {
        let twins = Twins(vec![(2, 0), (3, 1), (4, 0)]);
        assert_eq!(twins.of(&BTreeSet::from([0, 5])), BTreeSet::from([2, 4]));
        assert_eq!(twins.of(&BTreeSet::from([2])), BTreeSet::new());
    }
}
