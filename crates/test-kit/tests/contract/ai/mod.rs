//! AI settings and explanations, through the API: with a provider in memory, with a scripted one that misbehaves, and
//! with a real model server in both forms.

mod describe;
mod edit;
mod explain;
mod faults;
mod profile;
mod real;
mod scripted;
mod settings;

use http::Method;
use serde_json::{Value, json};
use stoa_app::ports::LogLine;
use stoa_domain::{InstanceId, Timestamp};
use test_kit::world::{Person, World};
use test_kit::{Answer, Client, Stream};

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
    async fn explain(&self, client: &Client) -> Stream {
        let body = json!({ "deployment": self.deployment });
        let request = client.request(Method::POST, &self.of_instance("/ai/explain"), Some(&body));
        Stream::open(client, request).await
    }

    async fn usage(&self) -> Value {
        self.olga.client.get(&self.path("/ai/usage")).await.expect(200).json()
    }
}
