//! Everything goes wrong: instances are killed, AWS fails in all its ways, queues repeat themselves, clocks jump, and
//! records come that are none. Afterwards everything that was accepted must have come to its end.
//!
//! The real binaries run behind a stand-in for Lambda and its event sources ([`source`]), with queues of their own and
//! the deployed table. Between them and the local AWS is a proxy that injects faults ([`door`]). What is injected is
//! decided by a seed: which calls fail, and at which moments of which invocations instances die. What differs between
//! two runs of one seed is which record such a moment meets.

mod dice;
mod door;
mod faults;
mod findings;
mod instances;
mod kills;
mod load;
mod poison;
mod receivers;
mod report;
mod rows;
mod run;
mod scene;
mod source;
mod tally;

pub use findings::Found;
pub use report::{Plan, Report};
pub use run::run;
