//! The event stream: what it tells, to whom, and when it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use test_kit::{Client, on_both_databases};

/// An open stream, of which nothing has been read yet.
struct Stream {
    body: Body,
    text: String,
}

async fn open(client: &Client, path: &str) -> Stream {
    let response = client.open(client.request(Method::GET, path, None)).await;
    assert_eq!(response.status(), 200);
    Stream { body: response.into_body(), text: String::new() }
}

impl Stream {
    /// The next event's name (`message` where it has none) and data; `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
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
                    return Some((
                        kind.unwrap_or_else(|| "message".into()),
                        serde_json::from_str(&data).unwrap(),
                    ));
                }
            }
            let frame = self.body.frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    /// Reads on to an event of this type about this thing.
    async fn until(&mut self, kind: &str, id: &str) {
        loop {
            let (_, event) = self.next().await.expect("the stream goes on");
            if event["type"] == kind && event["resource"]["id"] == id {
                return;
            }
        }
    }
}

on_both_databases! {
    async fn what_is_written_after_the_answer_is_told_however_late_it_is_read(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let mut stream = open(&olga.client, &workspace.path("/events")).await;
        // Before a byte of the stream was asked for.
        let made = olga.client.post(&workspace.path("/projects"), json!({ "name": "Shop" })).await.expect(201);
        stream.until("created", &made.field("id")).await;
    }

    async fn a_stream_goes_on_from_the_event_it_is_given(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let first = olga.client.post(&workspace.path("/projects"), json!({ "name": "One" })).await.expect(201);
        let path = workspace.path(&format!("/events?after={}", first.field("id")));
        world.clock.pass_seconds(60);
        let second = olga.client.post(&workspace.path("/projects"), json!({ "name": "Two" })).await.expect(201);
        let mut stream = open(&olga.client, &path).await;
        stream.until("created", &second.field("id")).await;
    }

    async fn it_ends_with_the_membership_and_says_so(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await;
        let mut stream = open(&tess.person.client, &workspace.path("/events")).await;
        let _ = olga.client.delete(&workspace.path(&format!("/members/{}", tess.id)), None).await.expect(204);
        let mut said = Vec::new();
        while let Some((name, data)) = stream.next().await {
            said.push((name, data));
        }
        let (name, problem) = said.last().expect("a last word");
        assert_eq!((name.as_str(), &problem["code"]), ("end", &json!("not_found")));
    }
}
