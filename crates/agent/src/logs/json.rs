//! Lines of JSON, as `[logs] format = "json"` says they are: their message, their level, their time, and then the rest.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::level::Level;

/// How far a line's own time may lie from when it was written: beyond, the clock of the machine holds.
pub(super) const APART: i64 = 3_600_000_000;

/// Fields of one line that are shown.
const MOST_FIELDS: usize = 200;

/// By which names a line says what. What isn't named is looked for by the usual ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fields {
    pub level: Option<String>,
    pub message: Option<String>,
    pub time: Option<String>,
}

/// What a line said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub level: Option<Level>,
    /// Microseconds of UTC.
    pub at: Option<i64>,
    pub text: String,
}

/// In the order in which they are written.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Object;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if fields.len() < MOST_FIELDS {
                        fields.push((name, map.next_value()?));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Fields {
    /// `None` where the line isn't an object: then it is text.
    pub(super) fn read(&self, text: &[u8]) -> Option<Said> {
        if !text.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        let Object(mut fields) = serde_json::from_slice(text).ok()?;
        let mut take = |named: &Option<String>, usual: &[&str]| {
            let is = |name: &str| match named {
                Some(named) => name == named,
                None => usual.contains(&name),
            };
            let at = fields.iter().position(|(name, _)| is(name))?;
            Some(fields.remove(at).1)
        };
        let level =
            take(&self.level, &["level", "severity", "lvl"]).and_then(|value| Level::of_value(&value));
        let message = take(&self.message, &["message", "msg", "event"]);
        let at =
            take(&self.time, &["time", "timestamp", "ts", "@timestamp"]).and_then(|value| moment(&value));
        let mut out = message.map(|value| written(&value)).unwrap_or_default();
        for (name, value) in &fields {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(name);
            out.push('=');
            out.push_str(&written(value));
        }
        Some(Said { level, at, text: out.replace('\r', "").replace('\n', " ⏎ ") })
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A time as RFC 3339 has it, or seconds, milliseconds, micro- or nanoseconds since 1970.
fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond),
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| *number > 0.0)?;
            let scale = match number {
                ..1e11 => 1e6,
                ..1e14 => 1e3,
                ..1e17 => 1.0,
                _ => 1e-3,
            };
            // Far below what an i64 holds.
            #[allow(clippy::cast_possible_truncation)]
            Some((number * scale) as i64)
        }
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_tells_its_message_first() {
        let usual = Fields::default();
        let said =
            usual.read(br#"{"level":"warn","ts":1.5,"user":"kim","msg":"late\nby","n":{"a":1}}"#).unwrap();
        assert_eq!(said.text, r#"late ⏎ by user=kim n={"a":1}"#);
        assert_eq!((said.level, said.at), (Some(Level::Warn), Some(1_500_000)));
        let own = Fields { level: Some("s".into()), message: Some("m".into()), time: Some("t".into()) };
        let said = own.read(br#"{"s":30,"m":"x","t":"2026-11-26T00:00:00Z","level":"y"}"#).unwrap();
        assert_eq!(said.text, "x level=y");
        assert_eq!((said.level, said.at), (Some(Level::Info), Some(1_795_651_200_000_000)));
        assert_eq!(usual.read(b"not an object"), None);
        assert_eq!(usual.read(b"{broken"), None);
        assert_eq!(usual.read(b"[1]"), None);
    }
}
