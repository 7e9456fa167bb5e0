//! From a record of the events queue to an event.

use std::hint::black_box;

use serde_json::value::RawValue;

use crate::inputs::{self, Size};
use crate::sender::shapes::{Payload, ProducedEvent, ShapeError, read};
use crate::{Path, repeat};

pub(crate) const PATHS: [(&str, Path); 6] = [
    ("event/own", |times| enveloped(times, &inputs::own(Size::Usual))),
    ("event/own-10k", |times| enveloped(times, &inputs::own(Size::Large))),
    ("event/flat", |times| parse(times, &inputs::flat(), |payload| Ok(payload.flat()))),
    ("event/event-bridge", |times| enveloped(times, &inputs::event_bridge())),
    ("event/sns", |times| enveloped(times, &inputs::sns())),
    ("event/cloud-events", |times| enveloped(times, &inputs::cloud_event())),
];

fn enveloped(times: u32, record: &str) {
    parse(times, record, Payload::enveloped);
}

fn parse(times: u32, record: &str, payload: fn(Payload) -> Result<Box<RawValue>, ShapeError>) {
    repeat(times, || {
        let ProducedEvent { organization_id, event_type, event_id, occurred_at, payload: told } =
            read(black_box(record)).expect("an event");
        (organization_id, event_type, event_id, occurred_at, payload(told).expect("a payload"))
    });
}
