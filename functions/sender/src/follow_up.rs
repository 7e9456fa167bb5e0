//! What follows from a delivery's state: a retry on the deliveries queue, or its end on the dead-letter queue.

use std::time::Duration;

use hookbell_aws::metrics::Metric;
use hookbell_aws::queues::{DeliveryTask, Ended, EndedBecause, ReplayTask, Task};
use hookbell_domain::delivery::{Delivery, DeliveryStatus, Trigger, Turn};
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId, OrganizationId};
use hookbell_domain::retry::{Decision, Directive, Next};
use hookbell_domain::time::until;
use jiff::Timestamp;

use crate::attempt::Job;
use crate::gate::Wait;
use crate::sender::Sender;

/// Which delivery something follows for.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) organization_id: OrganizationId,
    pub(crate) endpoint_id: EndpointId,
    pub(crate) message_id: MessageId,
    pub(crate) delivery_id: DeliveryId,
    /// When the endpoint had changed last, as far as its attempt knows, where there is one.
    pub(crate) endpoint_as_of: Option<Timestamp>,
}

/// What is to be put on a queue.
#[derive(Debug)]
pub(crate) enum FollowUp {
    Attempt(DeliveryTask),
    /// The same of an ordered endpoint: behind those that stand in its line.
    InLine(DeliveryTask),
    /// A replay's next step, after that wait.
    Step(ReplayTask, Duration),
    End(Ended),
}

impl FollowUp {
    /// The same, for an ordered endpoint.
    pub(crate) fn in_line(self) -> Self {
        match self {
            Self::Attempt(task) => Self::InLine(task),
            other => other,
        }
    }
}

impl Subject {
    /// A delivery as it stands.
    pub(crate) fn of(delivery: &Delivery) -> Self {
        Self {
            organization_id: delivery.organization_id.clone(),
            endpoint_id: delivery.endpoint_id,
            message_id: delivery.message_id,
            delivery_id: delivery.id,
            endpoint_as_of: None,
        }
    }

    /// The delivery of an attempt.
    pub(crate) fn of_job(job: &Job) -> Self {
        Self {
            organization_id: job.organization.record.id.clone(),
            endpoint_id: job.target.endpoint.id,
            message_id: job.message.id,
            delivery_id: job.delivery_id,
            endpoint_as_of: Some(job.target.endpoint.updated_at),
        }
    }

    /// The first attempt, after that wait.
    pub(crate) fn first_attempt(self, wait: Wait) -> FollowUp {
        FollowUp::Attempt(DeliveryTask {
            slot: wait.slot,
            first_due_at: wait.first_due_at,
            ..self.task(1, wait.due_at)
        })
    }

    /// Attempt `number`, due at that time.
    pub(crate) fn attempt(self, number: u32, due_at: Timestamp) -> FollowUp {
        FollowUp::Attempt(self.task(number, due_at))
    }

    fn task(self, number: u32, due_at: Timestamp) -> DeliveryTask {
        DeliveryTask {
            organization_id: self.organization_id,
            endpoint_id: self.endpoint_id,
            message_id: self.message_id,
            delivery_id: self.delivery_id,
            attempt: number,
            manual: None,
            makes: None,
            due_at: due_at.as_millisecond(),
            first_due_at: None,
            revision: None,
            slot: None,
            held_since: None,
            hops: 0,
            redrives: 0,
        }
    }

    fn end(self, because: EndedBecause, at: Timestamp) -> FollowUp {
        FollowUp::End(Ended {
            organization_id: self.organization_id,
            endpoint_id: self.endpoint_id,
            delivery_id: self.delivery_id,
            ended_because: because,
            ended_at: at.as_millisecond(),
            endpoint_as_of: self.endpoint_as_of.map(Timestamp::as_millisecond),
        })
    }

    /// What follows from an attempt that ended at `at`.
    pub(crate) fn follow(self, decision: &Decision, turn: Turn, at: Timestamp) -> Option<FollowUp> {
        match (decision.directive, decision.next, turn) {
            (None, Next::RetryAt(due), Turn::Scheduled(number)) => Some(self.attempt(number + 1, due)),
            (None, Next::Exhausted, Turn::Scheduled(_)) => Some(self.end(EndedBecause::Exhausted, at)),
            _ => self.follow_directive(decision, at),
        }
    }

    /// What the receiver's wish alone brings about.
    pub(crate) fn follow_directive(self, decision: &Decision, at: Timestamp) -> Option<FollowUp> {
        match decision.directive? {
            Directive::Gone => Some(self.end(EndedBecause::Gone, at)),
            Directive::Disable => Some(self.end(EndedBecause::Disable, at)),
            Directive::AbortMessage => None,
        }
    }
}

/// What follows from a delivery as it stands: for a repeated record, whose first try may have died before this.
///
/// Doing it twice is harmless: a retry is claimed once and an end is counted once.
pub(crate) fn of_state(delivery: &Delivery) -> Option<FollowUp> {
    let (subject, at) = (Subject::of(delivery), delivery.updated_at);
    match (delivery.directive, delivery.status) {
        (Some(_), _) => of_directive(delivery),
        (None, DeliveryStatus::Pending) => Some(subject.attempt(1, at)),
        (None, DeliveryStatus::Failed) => {
            delivery.next_retry_at.map(|due| subject.attempt(delivery.scheduled + 1, due))
        }
        // After an attempt that somebody asked for the row no longer says what ended its schedule.
        (None, DeliveryStatus::Exhausted) if delivery.skipped.is_none() && !ends_by_hand(delivery) => {
            Some(subject.end(EndedBecause::Exhausted, at))
        }
        (None, DeliveryStatus::Delivered | DeliveryStatus::Exhausted) => None,
    }
}

fn ends_by_hand(delivery: &Delivery) -> bool {
    delivery.attempts.last().is_some_and(|attempt| attempt.trigger == Trigger::Manual)
}

/// What the receiver's wish that a delivery notes brings about.
pub(crate) fn of_directive(delivery: &Delivery) -> Option<FollowUp> {
    let noted = Decision { next: Next::Unchanged, directive: delivery.directive };
    Subject::of(delivery).follow_directive(&noted, delivery.updated_at)
}

/// Puts follow-ups of the records at those positions on their queues, in batches; returns the positions of those that
/// could not be.
pub(crate) async fn send(sender: &Sender, follow_ups: Vec<(usize, FollowUp)>) -> Vec<usize> {
    let now = Timestamp::now();
    let (mut tasks, mut task_at, mut ends, mut end_at) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut lines, mut line_at) = (Vec::new(), Vec::new());
    for (position, follow_up) in follow_ups {
        match follow_up {
            FollowUp::Attempt(task) => {
                let delay: Duration = until(now, task.due_at());
                tasks.push((Task::Delivery(task), delay));
                task_at.push(position);
            }
            FollowUp::InLine(task) => {
                lines.push(task);
                line_at.push(position);
            }
            FollowUp::Step(task, delay) => {
                tasks.push((Task::Replay(task), delay));
                task_at.push(position);
            }
            FollowUp::End(end) => {
                ends.push(end);
                end_at.push(position);
            }
        }
    }
    let (sent_tasks, sent_lines, sent_ends) = tokio::join!(
        sender.queues.send_tasks(&sender.config.deliveries_queue, &tasks),
        sender.queues.send_in_order(&sender.config.deliveries_fifo_queue, &lines),
        sender.queues.send_ended(&sender.config.deliveries_dead_letter_queue, &ends),
    );
    let waiting = tasks.iter().enumerate().filter(|&(index, (task, delay))| {
        matches!(task, Task::Delivery(_)) && !delay.is_zero() && sent_tasks.failure(index).is_none()
    });
    sender.metrics.count(Metric::RetriesWaiting, waiting.count());
    let mut failed = Vec::new();
    for (sent, positions) in [(sent_tasks, task_at), (sent_lines, line_at), (sent_ends, end_at)] {
        for (index, position) in positions.into_iter().enumerate() {
            if let Some(error) = sent.failure(index) {
                if failed.is_empty() {
                    tracing::error!(%error, "follow-ups were not sent");
                }
                failed.push(position);
            }
        }
    }
    failed
}

#[cfg(test)]
mod tests {
    use hookbell_domain::delivery::Attempt;
    use hookbell_domain::outcome::{Answer, Outcome};

    use super::*;

    /// A delivery whose attempts were answered so.
    fn delivery(status: DeliveryStatus, answers: &[u16], next_retry_at: Option<Timestamp>) -> Delivery {
        let at = Timestamp::from_second(1_000).unwrap();
        let attempts = answers.iter().zip(1..).map(|(&status, number)| {
            let outcome = Outcome::Answered(Answer { status, ..Answer::default() });
            Attempt::record(number, at, Duration::ZERO, &outcome, Trigger::Scheduled)
        });
        Delivery {
            id: DeliveryId::new(at, 1),
            message_id: MessageId::new(at, 2),
            endpoint_id: EndpointId::new(at, 3),
            organization_id: "org_1".parse().unwrap(),
            event_type: "environment.started".to_owned(),
            status,
            attempts: attempts.collect(),
            scheduled: u32::try_from(answers.len()).unwrap(),
            next_retry_at,
            skipped: None,
            directive: None,
            tries: 0,
            claim: None,
            manual: None,
            updated_at: at,
        }
    }

    /// A delivery whose receiver has asked for something.
    fn directed(status: DeliveryStatus, directive: Directive) -> Delivery {
        Delivery { directive: Some(directive), ..delivery(status, &[500], None) }
    }

    #[track_caller]
    fn check(delivery: &Delivery, expected: &str) {
        let follows = match of_state(delivery) {
            None => "nothing".to_owned(),
            Some(FollowUp::Attempt(task)) => format!("attempt {} at {}", task.attempt, task.due_at),
            Some(FollowUp::InLine(task)) => format!("in line: attempt {}", task.attempt),
            Some(FollowUp::Step(task, _)) => format!("step {}", task.step),
            Some(FollowUp::End(end)) => format!("end {:?}", end.ended_because),
        };
        assert_eq!(follows, expected);
    }

    #[test]
    fn a_repeated_record_sends_again_what_its_first_try_may_not_have_sent() {
        let due = Some(Timestamp::from_second(2_000).unwrap());
        check(&delivery(DeliveryStatus::Pending, &[], None), "attempt 1 at 1000000");
        check(&delivery(DeliveryStatus::Failed, &[500], due), "attempt 2 at 2000000");
        check(&delivery(DeliveryStatus::Exhausted, &[500, 500, 500], None), "end Exhausted");
        check(&directed(DeliveryStatus::Exhausted, Directive::Gone), "end Gone");
        check(&directed(DeliveryStatus::Delivered, Directive::Disable), "end Disable");
    }

    #[test]
    fn what_is_over_for_good_has_no_follow_up() {
        check(&delivery(DeliveryStatus::Delivered, &[200], None), "nothing");
        check(&directed(DeliveryStatus::Exhausted, Directive::AbortMessage), "nothing");
        let skipped = Delivery { skipped: Some("x".to_owned()), ..delivery(DeliveryStatus::Exhausted, &[], None) };
        check(&skipped, "nothing");
        let mut asked = delivery(DeliveryStatus::Exhausted, &[500, 500], None);
        asked.attempts[1].trigger = Trigger::Manual;
        check(&asked, "nothing");
    }
}
