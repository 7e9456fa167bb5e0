//! What the owners of a deployment hear: a queue that is subscribed to their topic.

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use crate::queue::Queue;
use crate::stack::Stack;

/// A queue that hears what the owners hear.
#[derive(Debug)]
pub struct Owners {
    queue: Queue,
}

impl Owners {
    /// Listens from now on.
    pub async fn listen(stack: &Stack) -> Self {
        let queue = Queue::create(stack, "owners", None).await;
        let arn = queue.arn().await;
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "sns.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }],
        });
        queue.set(QueueAttributeName::Policy, policy.to_string()).await;
        let subscribe = stack.sns().subscribe().topic_arn(&stack.owners_topic_arn).protocol("sqs").endpoint(arn);
        subscribe.send().await.unwrap();
        Self { queue }
    }

    /// Waits for the message whose text holds those words, and gives subject and text.
    pub async fn hear(&self, words: &str) -> (String, String) {
        let heard = self.queue.find(words, 1, |message| message.body().is_some_and(|body| body.contains(words))).await;
        let notification: Value = serde_json::from_str(heard[0].body().unwrap()).unwrap();
        let text = |key: &str| notification[key].as_str().unwrap_or_default().to_owned();
        (text("Subject"), text("Message"))
    }
}
