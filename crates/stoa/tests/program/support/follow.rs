//! Streams that are read to their end beside the test.

use std::io::{BufRead as _, BufReader};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use super::{Installation, micros_of, until};

/// What has come so far.
#[derive(Default)]
struct Seen {
    values: Vec<Value>,
    /// The problem with which an event stream ends.
    end: Option<Value>,
    is_over: bool,
}

/// An open stream of lines of JSON, or of events.
pub struct Following {
    pub name: String,
    seen: Arc<Mutex<Seen>>,
    _reader: JoinHandle<()>,
}

impl Following {
    /// Opens it. `path` is one of the API's.
    #[track_caller]
    pub fn open(stoa: &Installation, name: &str, credential: &str, path: &str) -> Self {
        let stream = stoa.connect(credential, "GET", &format!("/api/v1{path}"), None, "localhost").unwrap();
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        assert!(first.contains(" 200 "), "{name}: {first}");
        let seen = Arc::<Mutex<Seen>>::default();
        let told = seen.clone();
        let reader = std::thread::spawn(move || {
            let mut is_end = false;
            for line in reader.lines().map_while(Result::ok) {
                is_end |= line.starts_with("event: end");
                let text = line.strip_prefix("data: ").unwrap_or(&line);
                // Heads and lengths of chunks aren't of the stream.
                let Ok(value @ Value::Object(_)) = serde_json::from_str(text) else { continue };
                let mut seen = told.lock().unwrap();
                if is_end {
                    seen.end = Some(value);
                } else {
                    seen.values.push(value);
                }
            }
            told.lock().unwrap().is_over = true;
        });
        Self { name: name.to_owned(), seen, _reader: reader }
    }

    pub fn values(&self) -> Vec<Value> {
        self.seen.lock().unwrap().values.clone()
    }

    /// Until one comes of which that is true.
    #[track_caller]
    pub fn wait_for(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        until(&format!("{}: {what}", self.name), || {
            self.seen.lock().unwrap().values.iter().find(|value| is_it(value)).cloned()
        })
    }

    /// Until it has ended; the problem that it told, where it is of events.
    #[track_caller]
    pub fn end(&self) -> Option<Value> {
        until(&format!("the end of {}", self.name), || {
            let seen = self.seen.lock().unwrap();
            seen.is_over.then(|| seen.end.clone())
        })
    }

    pub fn is_over(&self) -> bool {
        self.seen.lock().unwrap().is_over
    }

    /// What was made after a moment, in microseconds since 1970.
    pub fn made_after(&self, moment: i64) -> Vec<Value> {
        self.values().into_iter().filter(|value| micros_of(value) > moment).collect()
    }
}
