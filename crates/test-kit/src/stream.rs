//! A stream of events as a test reads it.

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::Client;

/// An open stream, of which nothing has been read yet.
pub struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    pub async fn open(client: &Client, request: Request<Body>) -> Self {
        Self::of(client.open(request).await)
    }

    /// The stream that an answer is.
    pub fn of(response: Response<Body>) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next event's name (`message` where it has none) and data; `None` at the end.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
                };
                let (kind, data) = (field("event"), field("data"));
                self.text = rest.to_owned();
                if let Some(data) = data {
                    let kind = kind.unwrap_or_else(|| "message".into());
                    return Some((kind, serde_json::from_str(&data).unwrap()));
                }
            }
            let frame = self.body.frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    /// Reads on to an event that is looked for.
    pub async fn find(&mut self, is_looked_for: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (kind, event) = self.next().await.expect("the stream goes on");
            assert_ne!(kind, "end", "the stream goes on: {event}");
            if is_looked_for(&event) {
                return event;
            }
        }
    }

    /// Reads on to an event of this type.
    pub async fn until(&mut self, kind: &str) -> Value {
        self.find(|event| event["type"] == kind).await
    }

    /// All that is still to come.
    pub async fn rest(mut self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }

    /// Reads to the end: the problem that it ended with.
    pub async fn end(self) -> Value {
        let (name, problem) = self.rest().await.pop().expect("a last word");
        assert_eq!(name, "end");
        problem
    }
}
