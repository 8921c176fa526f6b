//! Log lines: one JSON object each, with the context of the request under `span`.
//!
//! Every view writes one, so the fields of a span are kept as JSON text and not serialised again for each line.

use std::fmt::Debug;
use std::io::Write;

use serde::{Serialize, Serializer};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Writes each event in one piece to the destination that `writer` returns.
pub struct Lines<F> {
    writer: F,
}

impl<F> Lines<F> {
    pub fn to(writer: F) -> Self {
        Self { writer }
    }
}

impl<S, F, W> Layer<S> for Lines<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: Fn() -> W + 'static,
    W: Write,
{
    fn on_new_span(&self, attributes: &Attributes, id: &Id, context: Context<S>) {
        let Some(span) = context.span(id) else { return };
        let mut members = Members::default();
        attributes.record(&mut members);
        span.extensions_mut().insert(members);
    }

    fn on_record(&self, id: &Id, values: &Record, context: Context<S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(members) = span.extensions_mut().get_mut::<Members>() {
            values.record(members);
        }
    }

    fn on_event(&self, event: &Event, context: Context<S>) {
        let mut members = Members::default();
        event.record(&mut members);
        let mut line = Vec::with_capacity(512);
        line.extend_from_slice(b"{\"level\":\"");
        line.extend_from_slice(event.metadata().level().as_str().as_bytes());
        line.push(b'"');
        members.write(&mut line);
        if let Some(span) = context.event_span(event) {
            line.extend_from_slice(b",\"span\":{\"name\":\"");
            line.extend_from_slice(span.name().as_bytes());
            line.push(b'"');
            if let Some(members) = span.extensions().get::<Members>() {
                members.write(&mut line);
            }
            line.push(b'}');
        }
        line.extend_from_slice(b"}\n");
        // A failure to write the log cannot be reported anywhere.
        let _ = (self.writer)().write_all(&line);
    }
}

/// Recorded fields: names, and values as JSON text.
#[derive(Default)]
struct Members(Vec<(&'static str, Vec<u8>)>);

impl Members {
    /// Adds a field, or replaces its value.
    fn put(&mut self, field: &Field, value: impl Serialize) {
        let Ok(value) = serde_json::to_vec(&value) else { return };
        match self.0.iter_mut().find(|(name, _)| *name == field.name()) {
            Some((_, earlier)) => *earlier = value,
            None => self.0.push((field.name(), value)),
        }
    }

    /// Appends the fields to a line after another member. Names are identifiers and need no escaping.
    fn write(&self, line: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            line.extend_from_slice(b",\"");
            line.extend_from_slice(name.as_bytes());
            line.extend_from_slice(b"\":");
            line.extend_from_slice(value);
        }
    }
}

impl Visit for Members {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, Told(value));
    }
}

/// Any other value, by its debug output.
struct Told<'a>(&'a dyn Debug);

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}
