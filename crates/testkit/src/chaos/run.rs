//! A run: the parts put together, the load, the faults, the end of the faults, and the look at what has become of it.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::dice::Dice;
use super::faults::Faults;
use super::findings;
use super::instances::{Clocks, Instances};
use super::kills::Kills;
use super::load::{Event, Load};
use super::poison::{Parked, Poison};
use super::receivers::Receivers;
use super::report::{Plan, Report};
use super::scene::Scene;
use super::source::{Feed, Kind, Source};
use super::tally::{EVENTS, EVENTS_IN_ORDER, Tally};
use crate::function::target;
use crate::proxy::Upstream;
use crate::queue::Queue;
use crate::stack::Stack;

/// How many instances of the sender there are at once, and of the dead-letter function.
const SENDERS: usize = 6;
const DLQS: usize = 1;

/// By how much all clocks are put forward when the load is over: more than a claim lasts, as if that time had passed.
const FORWARD_MS: i64 = 60_000;

/// How long the queues may take to be empty once the load is over.
const DRAINED_WITHIN: Duration = Duration::from_mins(10);

struct Run {
    plan: Plan,
    dice: Dice,
    scene: Arc<Scene>,
    faults: Arc<Faults>,
    clocks: Arc<Clocks>,
    tally: Arc<Tally>,
    log: Arc<Mutex<File>>,
    events: Vec<Event>,
}

/// Runs what a plan asks for, on that stack. What the functions log goes to that file of `target/chaos/`.
pub async fn run(stack: Stack, plan: Plan, log: &str) -> Report {
    let began = Instant::now();
    let run = Run::prepare(stack, plan, log).await;
    let mut phases = vec![("preparing", began.elapsed())];
    let sources = run.sources().await;
    let mut workers = JoinSet::new();
    for (source, count) in &sources {
        (0..*count).for_each(|slot| drop(workers.spawn(Arc::clone(source).work(slot))));
    }
    let load = run.load();
    let mut poison = Poison::default();
    let put_poison = async {
        sleep(Duration::from_millis(500)).await;
        poison.put(&run.scene, 4).await;
    };
    tokio::join!(load.by_queue(), load.by_api(), put_poison, run.jump_clocks());
    phases.push(("under load", began.elapsed()));
    let put = poison.count();
    let mut parked = Parked::default();
    run.clocks.jump(run.dice, u64::MAX, FORWARD_MS);
    run.faults.end();
    run.drain().await;
    phases.push(("until the queues were empty", began.elapsed()));
    for _ in 0..3 {
        if poison.look(&run.scene, &mut parked).await == 0 {
            break;
        }
        run.drain().await;
    }
    phases.push(("until what was parked was dealt with", began.elapsed()));
    // The other functions are at work too seldom for all of theirs.
    let left = sources[0].0.kills.left();
    if left > 0 {
        run.tally.violation(format!("{left} kills of the sender were not made"));
    }
    run.tally.stop();
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    parked.violations.extend(poison.missing());
    let mut found = findings::look(&run.scene, &run.events, &run.tally, &parked).await;
    if found.unexplained_duplicates > 0 || found.duplicate_percent > plan.most_duplicates {
        found.violations.push(format!("{} duplicates, {} unexplained", found.duplicates, found.unexplained_duplicates));
    }
    phases.push(("looking at it all", began.elapsed()));
    Report {
        plan,
        outages: run.faults.planned(),
        faults: run.faults.injected(),
        counts: run.tally.counts(),
        poison: put,
        poison_parked: parked.poison,
        put_back: parked.put_back,
        found,
        seconds: phases.into_iter().map(|(phase, end)| (phase, end.as_secs_f64())).collect(),
    }
}

impl Run {
    async fn prepare(stack: Stack, plan: Plan, log: &str) -> Self {
        let dice = Dice::new(plan.seed);
        let receivers = Receivers::start(&stack, dice, plan.endpoints).await;
        let scene = Arc::new(Scene::new(stack, receivers, plan.endpoints).await);
        let (mut events, mut deliveries) = (Vec::new(), 0);
        while deliveries < plan.deliveries {
            let event = Event { number: events.len(), party: events.len() % scene.parties.len() };
            deliveries += scene.parties[event.party].endpoints.len();
            events.push(event);
        }
        let folder = target().join("chaos");
        std::fs::create_dir_all(&folder).unwrap();
        let log = Arc::new(Mutex::new(File::create(folder.join(log)).unwrap()));
        let outages = 2 + plan.deliveries as u64 / 2_000;
        let faults = Arc::new(Faults::new(dice, outages, events.len() as u64));
        Self { plan, dice, scene, faults, clocks: Arc::default(), tally: Arc::default(), log, events }
    }

    fn instances(&self, name: &'static str) -> Instances {
        Instances {
            name,
            environment: self.scene.bench.environment_of(name).clone(),
            upstream: Upstream::at(&self.scene.stack.aws_endpoint_url),
            faults: Arc::clone(&self.faults),
            dice: self.dice,
            clocks: Arc::clone(&self.clocks),
            log: Arc::clone(&self.log),
            started: AtomicU64::new(0),
        }
    }

    fn kills(&self, name: &str, kills: u64) -> Kills {
        Kills::new(self.dice, name, kills, self.events.len() as u64)
    }

    /// The event sources of the sender and of the dead-letter function, and how many instances each feeds.
    async fn sources(&self) -> [(Arc<Source>, usize); 2] {
        let bench = &self.scene.bench;
        let feed = async |name, queue: &Queue, kind| Feed { name, queue: queue.clone(), arn: queue.arn().await, kind };
        let source = |name, feeds, kills| {
            Arc::new(Source {
                feeds,
                instances: self.instances(name),
                kills: self.kills(name, kills),
                tally: Arc::clone(&self.tally),
                again_after: self.plan.again_after,
                echoes: Mutex::new(VecDeque::new()),
                batches: AtomicU64::new(0),
            })
        };
        let feeds = vec![
            feed(EVENTS, &bench.events, Kind::Repeated).await,
            feed("deliveries", &bench.deliveries, Kind::Copied).await,
            feed(EVENTS_IN_ORDER, &bench.events_fifo, Kind::InOrder).await,
            feed("deliveries in line", &bench.lines, Kind::InLine).await,
        ];
        let dead = feed("dead letters", &bench.deliveries_dead_letters, Kind::Copied).await;
        let few = self.plan.kills.div_ceil(20);
        [(source("sender", feeds, self.plan.kills), SENDERS), (source("dlq", vec![dead], few), DLQS)]
    }

    fn load(&self) -> Load {
        Load {
            scene: Arc::clone(&self.scene),
            events: self.events.clone(),
            dice: self.dice,
            tally: Arc::clone(&self.tally),
            api: self.instances("api"),
            api_kills: self.kills("api", self.plan.kills.div_ceil(20)),
        }
    }

    /// Gives clocks other errors, four times while the load lasts.
    async fn jump_clocks(&self) {
        for part in 1..5 {
            while self.tally.events() < self.events.len() as u64 * part / 5 {
                sleep(Duration::from_millis(50)).await;
            }
            self.clocks.jump(self.dice, part, 0);
            println!("{} of {} events are put", self.tally.events(), self.events.len());
            self.tally.count("times that all clocks jumped", 1);
        }
    }

    /// Waits until the queues hold nothing, not even later.
    async fn drain(&self) {
        let (bench, end) = (&self.scene.bench, Instant::now() + DRAINED_WITHIN);
        // What goes from one queue to another can escape a look at one after the other, but not several.
        let mut looks = 0;
        while looks < 3 {
            let mut left = BTreeMap::new();
            for (name, queue) in [
                (EVENTS, &bench.events),
                (EVENTS_IN_ORDER, &bench.events_fifo),
                ("deliveries", &bench.deliveries),
                ("deliveries in line", &bench.lines),
                ("dead letters", &bench.deliveries_dead_letters),
            ] {
                left.insert(name, queue.len().await);
            }
            looks = if left.values().all(|left| *left == 0) { looks + 1 } else { 0 };
            if Instant::now() > end {
                self.tally.violation(format!("the queues still hold {left:?}"));
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}
