//! Records every event of the project's crates: its row of the table, and all of its text.

use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::Row;

#[derive(Debug)]
pub(crate) struct Emitted {
    pub(crate) row: Row,
    pub(crate) text: String,
    session: Option<String>,
}

static EMITTED: Mutex<Vec<Emitted>> = Mutex::new(Vec::new());

pub(crate) fn install() {
    tracing::subscriber::set_global_default(Recorder).unwrap();
}

pub(crate) fn take() -> Vec<Emitted> {
    std::mem::take(&mut emitted())
}

/// Returns the names of sessions in the events so far.
pub(crate) fn names() -> Vec<String> {
    emitted().iter().filter_map(|emitted| emitted.session.clone()).collect()
}

fn emitted() -> MutexGuard<'static, Vec<Emitted>> {
    EMITTED.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Recorder;

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("session_")
    }

    fn event(&self, event: &Event<'_>) {
        let mut seen = Seen::default();
        event.record(&mut seen);
        let metadata = event.metadata();
        let name = metadata.target().split("::").next().unwrap_or_default().to_owned();
        let mut fields: Vec<_> =
            metadata.fields().iter().map(|field| field.name().to_owned()).collect();
        fields.retain(|field| field != "message");
        fields.sort();
        let row = (name, metadata.level().to_string(), seen.message, fields);
        emitted().push(Emitted { row, text: seen.text, session: seen.session });
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Seen {
    message: String,
    session: Option<String>,
    text: String,
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        writeln!(self.text, "{field}={value}").unwrap();
        match field.name() {
            "message" => self.message = value,
            "session" => self.session = Some(value),
            _ => {}
        }
    }
}
