//! Whatever goes wrong, what was accepted comes to its end, once: a short run of what `make chaos` does at length.

use hookbell_testkit::chaos::{Plan, run};
use hookbell_testkit::stack::Stack;

#[tokio::test]
async fn what_was_accepted_comes_to_its_end_whatever_goes_wrong() {
    let plan = Plan {
        seed: 1,
        kills: 12,
        deliveries: 400,
        endpoints: 20,
        again_after: 2,
        // Among so few deliveries each kill weighs more.
        most_duplicates: 25.0,
    };
    let report = run(Stack::load(), plan, "short.log").await;
    println!("{report}");
    assert!(report.violations().is_empty(), "{report}");
}
