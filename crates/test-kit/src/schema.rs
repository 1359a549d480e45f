//! Whether an answer is as the API's description says it is. Stricter than the description: a field that isn't
//! described is a mistake too.

use serde_json::Value;

/// What of `value` isn't as `schema` says, each with where it stands. `document` is the whole description.
#[must_use]
pub fn differences(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Look { document, found: &mut found }.compare("", schema, value);
    found
}

struct Look<'a> {
    document: &'a Value,
    found: &'a mut Vec<String>,
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

/// `2026-11-24T12:00:00.000Z`, and nothing else.
fn is_time(text: &str) -> bool {
    let form = "dddd-dd-ddTdd:dd:dd.dddZ";
    text.len() == form.len()
        && text.chars().zip(form.chars()).all(|(letter, wanted)| match wanted {
            'd' => letter.is_ascii_digit(),
            wanted => letter == wanted,
        })
}

impl Look<'_> {
    fn differs(&mut self, at: &str, why: impl std::fmt::Display) {
        self.found.push(format!("{at}: {why}"));
    }

    fn compare(&mut self, at: &str, schema: &Value, value: &Value) {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let named = reference.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer));
            return match named.cloned() {
                Some(named) => self.compare(at, &named, value),
                None => self.differs(at, format!("{reference} is described nowhere")),
            };
        }
        if let Some(any) = schema.get("oneOf").and_then(Value::as_array) {
            let fits = |one: &&Value| differences(self.document, one, value).is_empty();
            if any.iter().filter(fits).count() != 1 {
                self.differs(at, format!("{value} is none of {any:?}"));
            }
            return;
        }
        if !self.is_of_its_type(at, schema, value) {
            return;
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array)
            && !words.contains(value)
        {
            self.differs(at, format!("{value} is none of the words {words:?}"));
        }
        match (value, schema.get("format").and_then(Value::as_str)) {
            (Value::String(text), Some("uuid")) if uuid::Uuid::try_parse(text).is_err() => {
                self.differs(at, format!("{text} isn't an id"));
            }
            (Value::String(text), Some("date-time")) if !is_time(text) => {
                self.differs(at, format!("{text} isn't a time"));
            }
            _ => {}
        }
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.compare(&format!("{at}/{index}"), &schema["items"], item);
                }
            }
            Value::Object(fields) => self.compare_fields(at, schema, fields),
            _ => {}
        }
    }

    fn is_of_its_type(&mut self, at: &str, schema: &Value, value: &Value) -> bool {
        let kinds: Vec<&str> = match schema.get("type") {
            // Anything at all.
            None => return true,
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            Some(other) => vec![other.as_str().unwrap_or("a type")],
        };
        let fits = kinds.iter().any(|kind| is_of(kind, value));
        if !fits {
            self.differs(at, format!("{value} isn't {kinds:?}"));
        }
        fits
    }

    fn compare_fields(&mut self, at: &str, schema: &Value, fields: &serde_json::Map<String, Value>) {
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            if !name.as_str().is_some_and(|name| fields.contains_key(name)) {
                self.differs(at, format!("{name} is missing"));
            }
        }
        let described = schema.get("properties").and_then(Value::as_object);
        for (name, field) in fields {
            let at = format!("{at}/{name}");
            match (described.and_then(|described| described.get(name)), schema.get("additionalProperties")) {
                (Some(schema), _) => self.compare(&at, schema, field),
                (None, Some(schema)) if schema.is_object() => self.compare(&at, schema, field),
                (None, _) if described.is_none() => {}
                (None, _) => self.differs(&at, "nothing is said of it"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;

    #[test]
    fn what_isnt_described_so_is_found() {
        let document =
            json!({ "components": { "schemas": { "Word": { "type": "string", "enum": ["a", "b"] } } } });
        let schema = json!({ "type": "object", "required": ["id", "word"], "properties": {
            "id": { "type": "string", "format": "uuid" },
            "word": { "$ref": "#/components/schemas/Word" },
            "at": { "type": ["string", "null"], "format": "date-time" },
            "other": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Word" }] },
        } });
        let good =
            json!({ "id": "01890a5d-ac96-774b-bcce-b302099a8057", "word": "a", "at": null, "other": null });
        assert_eq!(differences(&document, &schema, &good), Vec::<String>::new());
        for (field, wrong) in [
            ("id", json!("x")),
            ("word", json!("c")),
            ("at", json!("2026-11-24")),
            ("other", json!("c")),
            ("more", json!(1)),
            ("id", json!(1)),
        ] {
            let mut bad = good.clone();
            bad[field] = wrong;
            assert_eq!(differences(&document, &schema, &bad).len(), 1, "{field}");
        }
        assert_eq!(differences(&document, &schema, &json!({ "word": "a" })).len(), 1);
    }
}
