//! Stoa's side: an installation on a SQLite file, with one member who may see 100 of 10,000 instances.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Extension;
use serde_json::json;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use stoa_adapters::machines::AgentMachines;
use stoa_agent::client::Client;
use stoa_agent::machine::{Agent, Options};
use stoa_agent::router;
use stoa_http::peer::Peer;
use stoa_storage::Place;
use test_kit::{Kind, World};

use crate::load;
use crate::load::Load;

pub const INSTANCES: i64 = 10_000;
pub const ALLOWED: i64 = 100;

pub struct Installation {
    world: World,
    address: SocketAddr,
    slug: String,
    owner: String,
    member: String,
    instance: stoa_domain::InstanceId,
}

/// Copies of the one instance there is. They are never run: the list is what is measured.
const COPIES: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
    INSERT INTO instances (id, workspace_id, project_id, server_id, slug, name, stage, branch, wish, status, visibility,
        is_protected, os_user, revision, created_at, sorted_as)
    SELECT randomblob(16), workspace_id, project_id, server_id, 'copy-' || i, printf('Copy %06d', (i * 7919) % 1000003),
        stage, branch, 'stopped', 'stopped', visibility, is_protected, 1000000 + i, revision, created_at,
        printf('copy %03d%d', length((i * 7919) % 1000003), (i * 7919) % 1000003)
    FROM n, (SELECT * FROM instances LIMIT 1)";

const GRANTS: &str = "INSERT INTO member_instances (workspace_id, member_id, instance_id)
    SELECT m.workspace_id, m.id, i.id FROM members m, instances i
    WHERE m.role = 'member' AND i.slug LIKE 'copy-%' AND i.os_user % ($1 / $2) = 0";

impl Installation {
    pub async fn new() -> Self {
        let world = World::on(Kind::Sqlite).await;
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let tester = workspace.member("Tess Tester").await;
        workspace
            .grant(
                &tester,
                json!({ "actions": ["restart_instances", "view_logs"], "instances": [instance.to_string()] }),
            )
            .await;
        let slug = workspace.slug.clone();
        let mut connection = connect(&world).await;
        sqlx::query(COPIES).bind(INSTANCES).execute(&mut connection).await.expect("copies");
        let granted = sqlx::query(GRANTS)
            .bind(INSTANCES)
            .bind(ALLOWED)
            .execute(&mut connection)
            .await
            .expect("grants")
            .rows_affected();
        assert_eq!(granted, 100);
        connection.close().await.expect("closed");

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let peer: SocketAddr = "127.0.0.1:40000".parse().expect("an address");
        let router = world.router.clone().layer(Extension(Peer(peer)));
        tokio::spawn(async move { axum::serve(listener, router).await });

        let cookie = |person: &test_kit::world::Person| {
            let request = person.client.request(http::Method::GET, "/", None);
            request.headers()[http::header::COOKIE].to_str().expect("text").to_owned()
        };
        let (owner, member) = (cookie(&olga), cookie(&tester.person));
        Self { address, slug, owner, member, instance, world }
    }

    /// The file of the records, for the reference to read the same rows.
    pub fn file(&self) -> &std::path::Path {
        match self.world.place() {
            Place::Sqlite(file) => file,
            Place::Postgres(_) => panic!("the bench runs on SQLite"),
        }
    }

    pub fn member_cookie(&self) -> &str {
        &self.member
    }

    /// From now on logs are those of a real agent, asked like any other: through its router. The folder of the one
    /// instance's log.
    pub async fn with_agent(&self, state: &Path) -> PathBuf {
        let options = Options {
            state: state.to_owned(),
            program: std::env::current_exe().expect("this program"),
            egress_allow: Vec::new(),
            stall: stoa_agent::machine::STALL,
            desks: stoa_agent::machine::Keeping::default(),
            version: "bench".to_owned(),
            starts_instances: false,
        };
        let router = router::router(Agent::start(options).await.expect("an agent"));
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        tokio::spawn(router::serve(router, theirs));
        let client = Client::connect(ours).await.expect("the agent answers");
        self.world.machines.read_logs_of(Arc::new(AgentMachines::new(client)));
        let folder = state.join("logs").join(self.instance.to_string());
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    /// By which a log is followed: of two accounts, since one has so many streams at most.
    pub fn follow_log(&self) -> (SocketAddr, [String; 2]) {
        let path = format!("/api/v1/workspaces/{}/instances/{}/logs?follow=true", self.slug, self.instance);
        let request =
            |cookie: &str| get(&path, cookie).replace("\r\n\r\n", "\r\naccept: text/event-stream\r\n\r\n");
        (self.address, [request(&self.owner), request(&self.member)])
    }

    pub fn get_me(&self) -> Load {
        let request = get("/api/v1/me", &self.member);
        load(self.address, move |_| request.clone())
    }

    pub fn list(&self) -> Load {
        let path = format!("/api/v1/workspaces/{}/instances?limit={ALLOWED}", self.slug);
        let request = get(&path, &self.member);
        load(self.address, move |_| request.clone())
    }

    pub fn create(&self) -> Load {
        let path = format!("/api/v1/workspaces/{}/projects", self.slug);
        let cookie = self.owner.clone();
        load(self.address, move |number| {
            post(&path, &cookie, &json!({ "name": format!("Project {number}") }).to_string())
        })
    }
}

async fn connect(world: &World) -> SqliteConnection {
    let Place::Sqlite(file) = world.place() else { panic!("the bench runs on SQLite") };
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.expect("the records")
}

pub fn get(path: &str, cookie: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost:8080\r\ncookie: {cookie}\r\n\r\n")
}

pub fn post(path: &str, cookie: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost:8080\r\norigin: http://localhost:8080\r\n\
         sec-fetch-site: same-origin\r\ncookie: {cookie}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
