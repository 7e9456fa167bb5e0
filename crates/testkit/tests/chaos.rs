//! Whatever goes wrong, what was accepted comes to its end, once: a short run of what `make chaos` does at length.

use hookbell_testkit::chaos::{Plan, run};
use hookbell_testkit::stack::Stack;

#[tokio::test]
async fn what_was_accepted_comes_to_its_end_whatever_goes_wrong() {
    // With so few deliveries each kill weighs more.
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    let plan = Plan { seed, kills: 12, deliveries: 600, endpoints: 20, again_after: 2, most_duplicates: 8.0 };
    let report = run(Stack::load(), plan).await;
    println!("{report}");
    assert!(report.violations().is_empty(), "{report}");
}
