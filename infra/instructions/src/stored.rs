//! What is kept of an event on the queues and in the table.

use std::hint::black_box;

use hookbell_domain::ids::DeliveryId;
use hookbell_domain::message::{AcceptedEvent, Audience};

use crate::inputs::{self, EVENT_TYPE, Size, endpoint_id, message_id, now};
use crate::queues::records::{DeliveryTask, ReservedSlot, Task, read_accepted};
use crate::queues::{write, write_accepted};
use crate::table::{Packer, unpack};
use crate::{Path, repeat};

pub(crate) const PATHS: [(&str, Path); 7] = [
    ("queue/write-event", write_event),
    ("queue/read-event", read_event),
    ("queue/write-task", write_task),
    ("queue/read-task", read_task),
    ("table/pack-body", |times| pack_body(times, Size::Usual)),
    ("table/pack-body-10k", |times| pack_body(times, Size::Large)),
    ("table/unpack-body", unpack_body),
];

fn write_event(times: u32) {
    let event = event();
    repeat(times, || write_accepted(black_box(&event)));
}

fn read_event(times: u32) {
    let record = write_accepted(&event());
    repeat(times, || read_accepted(black_box(&record)).expect("an event"));
}

fn write_task(times: u32) {
    let task = task();
    repeat(times, || write(black_box(&task)));
}

fn read_task(times: u32) {
    let record = write(&task());
    repeat(times, || black_box(&record).parse::<Task>().expect("a task"));
}

fn pack_body(times: u32, size: Size) {
    let (packer, body) = (Packer::default(), inputs::body(size));
    repeat(times, || {
        let (stored, compressed) = packer.pack(black_box(&body));
        assert!(compressed);
        stored
    });
}

fn unpack_body(times: u32) {
    let (stored, compressed) = Packer::default().pack(&inputs::body(Size::Usual));
    repeat(times, || unpack(black_box(&stored).clone(), compressed));
}

fn event() -> AcceptedEvent {
    AcceptedEvent {
        message_id: message_id(),
        organization_id: "org_demo".parse().expect("an id"),
        event_type: EVENT_TYPE.to_owned(),
        occurred_at: now(),
        event_id: Some("evt-1001".parse().expect("an id")),
        payload: inputs::payload(Size::Usual),
        audience: Audience::Subscribers,
        revision: Some(7),
    }
}

fn task() -> Task {
    Task::Delivery(DeliveryTask {
        organization_id: "org_demo".parse().expect("an id"),
        endpoint_id: endpoint_id(1),
        message_id: message_id(),
        delivery_id: DeliveryId::first(message_id(), endpoint_id(1)),
        attempt: 2,
        manual: None,
        makes: None,
        due_at: now().as_millisecond(),
        first_due_at: None,
        revision: Some(7),
        slot: Some(ReservedSlot { at: now().as_millisecond(), limit: 10 }),
        held_since: None,
        hops: 1,
        redrives: 0,
    })
}
