//! What an audit event keeps of a change, as JSON: what there was before, and what there is now. Never a secret.

use std::fmt::Write as _;

use stoa_domain::Timestamp;

/// A JSON object that grows field by field. Empty ones are `{}`.
#[derive(Debug, Default, Clone)]
pub(crate) struct Detail(String);

impl Detail {
    /// A field whose value is JSON already.
    pub(crate) fn json(mut self, name: &str, json: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        let _ = write!(self.0, "{}:{json}", quoted(name));
        self
    }

    pub(crate) fn text(self, name: &str, text: &str) -> Self {
        let text = quoted(text);
        self.json(name, &text)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn finish(&self) -> String {
        format!("{{{}}}", self.0)
    }
}

/// The difference of two sets of fields: only those that aren't alike.
#[derive(Debug, Default, Clone)]
pub(crate) struct Difference {
    before: Detail,
    after: Detail,
}

impl Difference {
    pub(crate) fn of(mut self, name: &str, before: &str, after: &str) -> Self {
        if before != after {
            self.before = self.before.text(name, before);
            self.after = self.after.text(name, after);
        }
        self
    }

    /// `{"before":{…},"after":{…}}`, or `{}` where nothing differs.
    pub(crate) fn finish(self) -> String {
        if self.before.is_empty() {
            return "{}".to_owned();
        }
        let (before, after) = (self.before.finish(), self.after.finish());
        Detail::default().json("before", &before).json("after", &after).finish()
    }
}

/// A text as JSON writes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            letter if u32::from(letter) < 0x20 => {
                let _ = write!(json, "\\u{:04x}", u32::from(letter));
            }
            letter => json.push(letter),
        }
    }
    json.push('"');
    json
}

/// A moment as the API tells it: RFC 3339 in UTC with milliseconds.
pub(crate) fn written(at: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(at.micros()) {
        Ok(at) => format!("{at:.3}"),
        // Outside of the calendar's years: nothing that can be asked for.
        Err(_) => at.micros().to_string(),
    }
}

/// Texts as a JSON list.
pub(crate) fn list(texts: impl IntoIterator<Item: AsRef<str>>) -> String {
    let texts: Vec<_> = texts.into_iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", texts.join(","))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_moment_is_written_as_the_api_tells_it() {
        for (micros, told) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_790_000_000_123_456, "2026-09-21T14:13:20.123Z"),
            (4_102_444_799_999_999, "2099-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(written(Timestamp::from_micros(micros)), told);
        }
    }

    #[test]
    fn any_text_is_read_back_as_it_was() {
        for text in ["", "Acme \"Studio\"", "a\\b", "line\nbreak\u{1}", "Ünïcode 東京 😀", "</script>"]
        {
            let detail = Difference::default().of("name", "x", text).of("same", text, text).finish();
            let read: Value = serde_json::from_str(&detail).unwrap();
            assert_eq!(read, json!({ "before": { "name": "x" }, "after": { "name": text } }));
        }
        assert_eq!(Difference::default().of("name", "x", "x").finish(), "{}");
        assert_eq!(list(["a", "b\""]), r#"["a","b\""]"#);
    }
}
