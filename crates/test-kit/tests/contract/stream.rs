//! A stream of events as a test reads it.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use test_kit::Client;

/// An open stream, of which nothing has been read yet.
pub struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    pub async fn open(client: &Client, request: Request<Body>) -> Self {
        let response = client.open(request).await;
        assert_eq!(response.status(), 200);
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
            let frame = self.body.frame().await?.ok()?;
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    /// Reads on to an event of this type.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            let (_, event) = self.next().await.expect("the stream goes on");
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// Reads to the end: the problem that it ended with.
    pub async fn end(&mut self) -> Value {
        let mut last = None;
        while let Some(next) = self.next().await {
            last = Some(next);
        }
        let (name, problem) = last.expect("a last word");
        assert_eq!(name, "end");
        problem
    }
}
