//! AI settings and explanations, through the API: with a provider in memory, with a scripted one that misbehaves, and
//! with a real model server in both forms.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod explain;
mod faults;
mod real;
mod scripted;
mod settings;

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use stoa_app::ports::LogLine;
use stoa_domain::{InstanceId, Timestamp};
use test_kit::world::{Person, World};
use test_kit::{Answer, Client};

/// A workspace with an instance, and somebody who may read its logs.
struct Scene {
    world: World,
    olga: Person,
    slug: String,
    instance: InstanceId,
    deployment: String,
    reader: Person,
    reader_member: String,
}

impl Scene {
    async fn new(world: World) -> Self {
        let olga = world.set_up().await;
        let (slug, instance, reader, reader_member);
        {
            let workspace = world.workspace(&olga, "Acme").await;
            let server = workspace.server().await;
            let project = workspace.project("Shop", &["main"]).await;
            instance = workspace.instance(&project, &server, "Staging", "staging", "main").await;
            let member = workspace.member("Rita Reader").await;
            let profile = json!({ "actions": ["view_logs"], "instances": [instance.to_string()] });
            workspace.grant(&member, profile).await;
            (slug, reader, reader_member) = (workspace.slug.clone(), member.person, member.id);
        }
        let mut scene =
            Self { world, olga, slug, instance, deployment: String::new(), reader, reader_member };
        let list = scene.olga.client.get(&scene.of_instance("/deployments")).await.expect(200).json();
        scene.deployment = list["items"][0]["id"].as_str().unwrap().to_owned();
        scene
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/workspaces/{}{rest}", self.slug)
    }

    fn of_instance(&self, rest: &str) -> String {
        self.path(&format!("/instances/{}{rest}", self.instance))
    }

    async fn set(&self, body: Value) -> Answer {
        self.olga.client.put(&self.path("/ai"), body).await
    }

    async fn set_openai(&self) {
        let body = json!({ "provider": "openai", "model": "gpt", "api_key": "sk-0123456789abcdef" });
        let _ = self.set(body).await.expect(200);
    }

    /// The application writes lines, a second apart.
    fn write(&self, texts: &[&str]) {
        for (at, text) in texts.iter().enumerate() {
            let seconds = i64::try_from(at).unwrap();
            self.world.machines.write_line(
                self.instance,
                LogLine {
                    position: format!("1-{}", at * 100),
                    at: Timestamp::from_micros(1_700_000_000_000_000).plus_seconds(seconds),
                    stream: "stdout".to_owned(),
                    level: None,
                    text: (*text).to_owned(),
                },
            );
        }
    }

    /// The explanation of the deployment, open.
    async fn explain(&self, client: &Client) -> Explanation {
        let body = json!({ "deployment": self.deployment });
        let request = client.request(Method::POST, &self.of_instance("/ai/explain"), Some(&body));
        let response = client.open(request).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Explanation { body: response.into_body(), text: String::new() }
    }

    async fn usage(&self) -> Value {
        self.olga.client.get(&self.path("/ai/usage")).await.expect(200).json()
    }
}

/// An open event stream.
struct Explanation {
    body: Body,
    text: String,
}

impl Explanation {
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
                    let kind = kind.unwrap_or_else(|| "message".into());
                    return Some((kind, serde_json::from_str(&data).unwrap()));
                }
            }
            let frame = self.body.frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    async fn rest(mut self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }
}
