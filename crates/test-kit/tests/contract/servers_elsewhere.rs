//! Servers elsewhere: who is let in, as what, and what counts of what a machine says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use stoa_agent::link::{self, Dialled, Identity, Joining, Known, LinkError, Refusal};
use stoa_domain::{InstanceId, Secret};
use test_kit::fake::machines::FakeMachines;
use test_kit::world::{Person, Workspace};
use test_kit::{Answer, World, on_both_databases};
use tokio::time::Instant;

/// What a machine says of an instance.
fn claim(instance: InstanceId) -> Value {
    json!({ "id": instance.to_string(), "state": "failed", "sentence": "It says so.", "release": null, "process": null,
        "since": 1, "fence": 0, "generation": 1 })
}

/// What a machine that is asked nothing else says, with the instances that it says it has; and what it was asked.
fn machine(instances: Value) -> (Router, Arc<Mutex<Vec<String>>>) {
    machine_with(instances, String::new())
}

/// The same of one that tells these changes, too.
fn machine_with(instances: Value, changes: String) -> (Router, Arc<Mutex<Vec<String>>>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = asked.clone();
    let router = Router::new().fallback(move |request: Request| {
        let path = request.uri().path().to_owned();
        noted.lock().unwrap().push(path.clone());
        let told = match path.as_str() {
            "/v1/hello" => json!({ "protocol": 1, "version": "0.1.0",
                "abilities": { "no_sandbox": null, "no_outgoing": null, "limits_by": "nothing" } }),
            "/v1/machine" => json!({ "processors": 2, "processor_used": 1.0, "memory": 2, "memory_used": 1,
                "disk": 2, "disk_used": 1, "uptime_seconds": 1 }),
            "/v1/instances" => json!({ "instances": instances }),
            "/v1/changes" => return std::future::ready(changes.clone().into_response()),
            _ => return std::future::ready(Vec::new().into_response()),
        };
        std::future::ready(told.to_string().into_response())
    });
    (router, asked)
}

fn identity() -> Identity {
    Identity::parse(&Identity::make("Test").unwrap()).unwrap()
}

fn joining(answer: &Value) -> Joining {
    let command = answer["join"]["command"].as_str().unwrap();
    Joining::parse(command.strip_prefix("stoa agent --join ").unwrap()).unwrap()
}

fn known(joining: &Joining) -> Known {
    let (origin, fingerprint) = (joining.origin.clone(), joining.fingerprint);
    Known { origin, fingerprint, has_joined: false, is_removed: false }
}

/// Knocks at the world's door, as this machine.
async fn knock(
    world: &World,
    known: &Known,
    identity: &Identity,
    token: Option<&Secret>,
) -> Result<Dialled, LinkError> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (app, place) = (world.app.clone(), world.app.enter_link(None).unwrap());
    tokio::spawn(async move { app.answer_link(Box::new(far), place).await });
    link::knock(near, known, identity, token).await
}

#[track_caller]
fn refused(outcome: Result<Dialled, LinkError>) -> Refusal {
    match outcome {
        Err(LinkError::Refused(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was let in"),
    }
}

async fn add(workspace: &Workspace<'_>, olga: &Person, name: &str) -> Answer {
    olga.client.post(&workspace.path("/servers"), json!({ "name": name })).await.expect(201)
}

async fn until_status(olga: &Person, path: &str, wanted: &str) -> Value {
    tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let server = olga.client.get(path).await.expect(200).json();
            if server["status"] == wanted {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the server's state")
}

on_both_databases! {
    async fn a_token_lets_one_machine_in_once(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let made = add(&workspace, &olga, "Far").await;
        assert_eq!(made.header(http::header::CACHE_CONTROL), Some("no-store"));
        let joining = joining(&made.json());
        let (one, two) = (identity(), identity());
        let linked = knock(&world, &known(&joining), &one, Some(&joining.token)).await.unwrap();
        let linked_as = linked.machine;
        let (router, _) = machine(json!([]));
        let serving = tokio::spawn(linked.serve(router));
        let path = workspace.path("/servers/far");
        let server = until_status(&olga, &path, "ready").await;
        assert_eq!(server["join"], Value::Null, "it is shown once");
        assert_eq!(refused(knock(&world, &known(&joining), &two, Some(&joining.token)).await), Refusal::TokenUsed);
        assert_eq!(refused(knock(&world, &known(&joining), &two, None).await), Refusal::Unknown);
        let conflict = olga.client.post(&workspace.path("/servers/far/join"), json!({})).await.expect(409);
        assert_eq!(conflict.code().as_deref(), Some("conflict"));
        // Who has joined needs no token any more, and has one link at a time.
        let again = knock(&world, &known(&joining), &one, None).await.unwrap();
        let (router, _) = machine(json!([]));
        let second = tokio::spawn(again.serve(router));
        tokio::time::timeout(Duration::from_secs(10), serving).await.expect("the first link ends").unwrap().ok();
        until_status(&olga, &path, "ready").await;
        // A visitor waits a moment for a link that broke, and for none of a machine that stays away.
        let (before, long) = (Instant::now(), Duration::from_secs(3600));
        let is_away = |at| world.fleet.is_away(linked_as, at);
        assert!(!is_away(before + long), "it is linked");
        second.abort();
        let away = until_status(&olga, &path, "away").await;
        assert!(!is_away(before), "it may be back in a moment");
        assert!(is_away(before + long));
        assert!(away["away_since"].is_string(), "{away}");
        let log = olga.client.get(&workspace.path("/audit")).await.expect(200).text;
        assert!(log.contains("server.joined"), "{log}");
        let kept = joining.token.reveal_text().unwrap();
        assert!(!log.contains(kept), "a token stands in no log");
    }

    async fn a_token_ends_with_its_time_and_with_the_next(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let first = joining(&add(&workspace, &olga, "Far").await.json());
        let made = olga.client.post(&workspace.path("/servers/far/join"), json!({})).await.expect(200);
        assert_eq!(made.header(http::header::CACHE_CONTROL), Some("no-store"));
        let second = joining(&made.json());
        let own = identity();
        let ask = async |joining: &Joining| refused(knock(&world, &known(joining), &own, Some(&joining.token)).await);
        assert_eq!(ask(&first).await, Refusal::TokenUnknown);
        world.clock.pass_seconds(15 * 60);
        assert_eq!(ask(&second).await, Refusal::TokenUnknown);
        let never = Joining { token: Secret::from_text("never-was".to_owned()), ..second };
        assert_eq!(ask(&never).await, Refusal::TokenUnknown);
    }

    async fn a_machine_whose_server_was_removed_is_refused_for_ever(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let joining = joining(&add(&workspace, &olga, "Far").await.json());
        let own = identity();
        let linked = knock(&world, &known(&joining), &own, Some(&joining.token)).await.unwrap();
        let (router, _) = machine(json!([]));
        let serving = tokio::spawn(linked.serve(router));
        until_status(&olga, &workspace.path("/servers/far"), "ready").await;
        let _ = olga.client.delete(&workspace.path("/servers/far"), None).await.expect(204);
        tokio::time::timeout(Duration::from_secs(10), serving).await.expect("its link ends").unwrap().ok();
        assert_eq!(refused(knock(&world, &known(&joining), &own, None).await), Refusal::Removed);
        // Nor by the token of another server.
        let other = self::joining(&add(&workspace, &olga, "Other").await.json());
        assert_eq!(refused(knock(&world, &known(&other), &own, Some(&other.token)).await), Refusal::Removed);
    }

    async fn a_machine_speaks_for_its_own_instances_alone(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let joining = joining(&add(&workspace, &olga, "Far").await.json());
        let linked = knock(&world, &known(&joining), &identity(), Some(&joining.token)).await.unwrap();
        let (router, asked) = machine(json!([claim(instance)]));
        tokio::spawn(linked.serve(router));
        tokio::time::timeout(Duration::from_secs(30), async {
            // Its changes are followed only once all that it said has been looked at.
            while asked.lock().unwrap().iter().filter(|path| *path == "/v1/instances").count() < 4 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("it is asked what it has");
        let seen = olga.client.get(&workspace.path("/instances/shop")).await.expect(200).json();
        assert_eq!(seen["status"], "running");
        let asked = asked.lock().unwrap().clone();
        assert!(!asked.iter().any(|path| path.contains("/secrets")), "no secret goes to another's machine: {asked:?}");
    }

    async fn of_what_a_machine_says_of_others_instances_nothing_is_kept(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let here = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let near = workspace.instance(&project, &here, "Near", "staging", "main").await;
        let joining = joining(&add(&workspace, &olga, "Far").await.json());
        let own = identity();
        let linked = knock(&world, &known(&joining), &own, Some(&joining.token)).await.unwrap();
        world.fleet.link(linked.machine, Arc::new(FakeMachines::default()));
        let listed = workspace.instance(&project, "far", "Listed", "staging", "main").await;
        let told = workspace.instance(&project, "far", "Told", "staging", "main").await;
        world.fleet.cut_off(linked.machine);
        let again = knock(&world, &known(&joining), &own, None).await.unwrap();
        // Ids that are nobody's, in its list and as its changes, and another's.
        let mut strangers: Vec<_> = (0..200).map(|_| InstanceId::new(uuid::Uuid::now_v7())).collect();
        strangers.push(near);
        let list: Vec<_> = strangers.iter().chain([&listed]).map(|instance| claim(*instance)).collect();
        let changes = strangers.iter().chain([&told]).map(|instance| json!({ "item": claim(*instance) }).to_string() + "\n");
        let (router, _) = machine_with(json!(list), changes.collect());
        tokio::spawn(again.serve(router));
        let knows = |instance| world.fleet.knows(linked.machine, instance);
        tokio::time::timeout(Duration::from_secs(30), async {
            // What is told last is there once everything before it was looked at.
            while !knows(told) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("its own instance is known");
        assert!(knows(listed));
        assert!(!strangers.into_iter().any(knows), "others' are kept");
    }

    async fn work_goes_to_the_machine_of_its_instance(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let joining = joining(&add(&workspace, &olga, "Far").await.json());
        let linked = knock(&world, &known(&joining), &identity(), Some(&joining.token)).await.unwrap();
        let far = Arc::new(FakeMachines::default());
        world.fleet.link(linked.machine, far.clone());
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, "far", "Shop", "staging", "main").await;
        assert_eq!(far.carried().len(), 1);
        assert!(world.machines.carried().is_empty());
        let act = async |verb: &str, body: Value| {
            olga.client.post(&workspace.path(&format!("/instances/{instance}/{verb}")), body).await
        };
        world.fleet.cut_off(linked.machine);
        for (verb, body) in [
            ("restart", json!({ "mode": "soft" })),
            ("stop", json!({})),
            ("deploy", json!({})),
            ("backups", json!({})),
        ] {
            assert_eq!(act(verb, body).await.expect(503).code().as_deref(), Some("server_away"), "{verb}");
        }
        let seen = async |person: &Person| person.client.get(&workspace.path("/instances/shop")).await.expect(200).json();
        let away = seen(&olga).await;
        assert_eq!(away["blocked"]["restart"]["code"], "server_away");
        // What is told is what was last known, and that it is no more than that; also to who may do nothing about it.
        assert_eq!((&away["status"], &away["is_server_away"]), (&json!("running"), &json!(true)));
        let erik = workspace.member("Erik Example").await;
        workspace.grant(&erik, json!({ "actions": ["view_projects"], "instances": [instance.to_string()] })).await;
        assert_eq!(seen(&erik.person).await["is_server_away"], true);
        world.fleet.link(linked.machine, far.clone());
        assert_eq!(seen(&erik.person).await["is_server_away"], false);
        let _ = act("restart", json!({ "mode": "soft" })).await.expect(202);
        // What waits while the server is away isn't done elsewhere, and says so in the end.
        world.fleet.cut_off(linked.machine);
        let jobs = workspace.path("/jobs?limit=1");
        for _ in 0..20 {
            world.drain().await;
            world.clock.pass_seconds(60);
        }
        let ended = olga.client.get(&jobs).await.expect(200).json()["items"][0].clone();
        assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("failed"), &json!("unavailable")), "{ended}");
        assert_eq!(far.carried().len(), 1);
        assert!(world.machines.carried().is_empty());
        let _: InstanceId = instance;
    }

    async fn a_server_whose_machine_never_comes_back_goes_with_its_instances(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let joining = joining(&add(&workspace, &olga, "Far").await.json());
        let own = identity();
        let linked = knock(&world, &known(&joining), &own, Some(&joining.token)).await.unwrap();
        let far = Arc::new(FakeMachines::default());
        world.fleet.link(linked.machine, far.clone());
        let project = workspace.project("Shop", &["main"]).await;
        let live = workspace.instance(&project, "far", "Live", "production", "main").await;
        let _ = workspace.instance(&project, "far", "Test", "staging", "main").await;
        let here = workspace.server().await;
        let other = workspace.instance(&project, &here, "Other", "staging", "main").await;
        let tess = workspace.member("Tess Tester").await;
        let may = json!({ "actions": ["restart_instances", "delete_instances"], "instances": [live.to_string(), other.to_string()] });
        workspace.grant(&tess, may).await;
        let forget = async |person: &test_kit::world::Person, server: &str, name: &str| {
            let path = workspace.path(&format!("/servers/{server}/forget"));
            person.client.post(&path, json!({ "confirm": name })).await
        };
        // It answers, so nothing is given up; nor is this machine.
        assert_eq!(forget(&olga, "far", "Far").await.expect(409).code().unwrap(), "conflict");
        let restart = json!({ "mode": "soft" });
        let _ = olga.client.post(&workspace.path("/instances/test/restart"), restart).await.expect(202);
        world.fleet.cut_off(linked.machine);
        let name = olga.client.get(&workspace.path(&format!("/servers/{here}"))).await.expect(200).json()["name"].clone();
        let _ = forget(&olga, &here.to_string(), name.as_str().unwrap()).await.expect(409);
        let _ = forget(&tess.person, "far", "Far").await.expect(404);
        let _ = forget(&olga, "far", "far").await.expect(422);
        // Production is protected, and is so by somebody's will.
        let refused = forget(&olga, "far", "Far").await.expect(409).json();
        assert!(refused["detail"].as_str().unwrap().contains("protected"), "{refused}");
        let _ = olga.client.get(&workspace.path("/instances/test")).await.expect(200);
        let place = workspace.path("/instances/live");
        let _ = olga.client.patch(&place, json!({ "is_protected": false })).await.expect(200);
        let _ = forget(&olga, "far", "Far").await.expect(204);

        for gone in ["/servers/far", "/instances/live", "/instances/test"] {
            let _ = olga.client.get(&workspace.path(gone)).await.expect(404);
        }
        let _ = olga.client.get(&workspace.path("/instances/other")).await.expect(200);
        let profile = workspace.path(&format!("/members/{}/permissions", tess.id));
        let left = olga.client.get(&profile).await.expect(200).json()["instances"].clone();
        assert_eq!(left, json!([other.to_string()]));
        // What waited there is over with it, and nobody takes it up again.
        let jobs = olga.client.get(&workspace.path("/jobs?limit=10")).await.expect(200).json();
        let restart = jobs["items"].as_array().unwrap().iter().find(|job| job["kind"] == "restart_soft");
        assert_eq!(restart.unwrap_or_else(|| panic!("{jobs}"))["status"], "cancelled", "{jobs}");
        world.clock.pass_seconds(600);
        world.drain().await;
        assert_eq!(far.carried().len(), 2);
        let log = olga.client.get(&workspace.path("/audit?limit=10")).await.expect(200).json();
        let told = |action: &str| log["items"].as_array().unwrap().iter().filter(|one| one["action"] == action && one["outcome"] == "done").count();
        assert_eq!((told("server.forget"), told("instance.deleted")), (1, 2), "{log}");
        assert_eq!(self::refused(knock(&world, &known(&joining), &own, None).await), Refusal::Removed);
    }

    async fn what_was_on_the_disk_of_a_removed_server_is_refused_as_that(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let joining = joining(&add(&workspace, &olga, "Far").await.json());
        let linked = knock(&world, &known(&joining), &identity(), Some(&joining.token)).await.unwrap();
        world.fleet.link(linked.machine, Arc::new(FakeMachines::default()));
        let project = workspace.project("Shop", &["main"]).await;
        let _ = workspace.instance(&project, "far", "Shop", "staging", "main").await;
        let here = workspace.server().await;
        let _ = workspace.instance(&project, &here, "Near", "staging", "main").await;
        let _ = workspace.instance(&project, &here, "Other", "staging", "main").await;
        let mut kept = Vec::new();
        let back_up = async |place: &str| {
            let begun = olga.client.post(&format!("{place}/backups"), json!({})).await.expect(202);
            world.drain().await;
            workspace.path(&format!("/backups/{}", begun.field("backup")))
        };
        let mut in_bucket = String::new();
        for instance in ["shop", "near"] {
            let place = workspace.path(&format!("/instances/{instance}"));
            kept.push(back_up(&place).await);
            if instance == "shop" {
                let wish = json!({ "endpoint": "https://s3.example.com/", "bucket": "backups", "key_id": "AKIA", "key": "a-key-of-a-bucket" });
                let _ = olga.client.put(&workspace.path("/backup-storage"), wish).await.expect(200);
                in_bucket = back_up(&place).await;
                let _ = olga.client.delete(&workspace.path("/backup-storage"), None).await.expect(204);
            }
            let name = olga.client.get(&place).await.expect(200).field("name");
            let _ = olga.client.delete(&place, Some(json!({ "confirm": name }))).await.expect(202);
            world.drain().await;
        }
        let (far, near) = (&kept[0], &kept[1]);
        let asks = async |backup: &str, server: &str| {
            let id = backup.rsplit('/').next().unwrap();
            let body = json!({ "name": "Anew", "project": project, "server": server, "stage": "staging", "branch": "main", "from_backup": id });
            let made = olga.client.post(&workspace.path("/instances"), body).await;
            let restored = olga.client.post(&format!("{backup}/restore"), json!({ "into": "other", "confirm": "Other" })).await;
            let archive = olga.client.get(&format!("{backup}/download")).await;
            [made, restored, archive]
        };
        let reachable = async |backup: &str| olga.client.get(backup).await.expect(200).json()["is_reachable"].clone();
        assert_eq!(reachable(far).await, true);
        let refused = olga.client.post(&format!("{far}/restore"), json!({ "into": "other", "confirm": "Other" })).await.expect(409);
        assert!(refused.json()["detail"].as_str().unwrap().contains("disk of another server"), "{}", refused.text);
        let _ = olga.client.delete(&workspace.path("/servers/far"), None).await.expect(204);
        assert_eq!((reachable(far).await, reachable(near).await), (json!(false), json!(true)));
        let list = olga.client.get(&workspace.path("/backups?deleted=true")).await.expect(200).json();
        let listed: Vec<_> = list["items"].as_array().unwrap().iter().map(|one| one["is_reachable"].clone()).collect();
        assert_eq!(listed, [json!(true), json!(true), json!(false)]);
        for refused in asks(far, &here).await {
            let problem = refused.expect(409).json();
            assert!(problem["detail"].as_str().unwrap().contains("a server that was removed"), "{problem}");
        }
        assert_eq!(olga.client.get(&workspace.path("/instances?limit=10")).await.expect(200).json()["items"].as_array().unwrap().len(), 1);
        // What is in a bucket was made there, and goes to any: this machine is asked, which here knows its own alone.
        assert_eq!(reachable(&in_bucket).await, true);
        let _ = olga.client.get(&format!("{in_bucket}/download")).await.expect(404);
        let _ = olga.client.post(&format!("{in_bucket}/restore"), json!({ "into": "other", "confirm": "Other" })).await.expect(202);
        world.drain().await;
        assert_eq!(olga.client.get(&workspace.path("/instances/other")).await.expect(200).field("status"), "running");
        let _ = olga.client.delete(far, None).await.expect(204);
        world.app.keep_backups().await.unwrap();
        assert!(world.store.list_removing_backups().await.unwrap().is_empty(), "nobody is asked to be rid of it");

        // What this machine's disk holds is there whatever server it is: until it is one again nothing runs on it, but what
        // it holds is read.
        let _ = olga.client.delete(&workspace.path("/instances/other"), Some(json!({ "confirm": "Other" }))).await.expect(202);
        world.drain().await;
        let _ = olga.client.delete(&workspace.path(&format!("/servers/{here}")), None).await.expect(204);
        assert_eq!(reachable(near).await, true);
        let _ = olga.client.get(&format!("{near}/download")).await.expect(200);
        let again = workspace.server().await;
        let _ = workspace.instance(&project, &again, "Other", "staging", "main").await;
        let [made, restored, archive] = asks(near, &again).await;
        let _ = (made.expect(202), restored.expect(202), archive.expect(200));
        world.drain().await;
        assert_eq!(olga.client.get(&workspace.path("/instances/anew")).await.expect(200).field("status"), "running");
    }

    async fn no_more_links_are_set_up_than_there_are_places(world: World) {
        // One address has four of them, all of its network with it; a replica has its own.
        let from = |address: &str| world.app.enter_link(Some(address.parse().unwrap()));
        let mut held: Vec<_> = (0..4).map(|_| from("203.0.113.7").unwrap()).collect();
        assert!(from("203.0.113.7").is_err() && from("::ffff:203.0.113.7").is_err(), "the fifth");
        held.pop();
        held.push(from("203.0.113.7").unwrap());
        held.extend((0..28).map(|n| from(&format!("203.0.113.{}", 100 + n)).unwrap()));
        assert!(world.app.enter_link(None).is_err() && from("203.0.113.8").is_err(), "the 33rd");
        assert!(world.app.enter_replica().is_ok());
        drop(held);
        // Whoever says nothing gives the place back in the end; so does whoever says rubbish, at once.
        let (mut near, far) = tokio::io::duplex(1024);
        let place = world.app.enter_link(None).unwrap();
        let answering = world.app.answer_link(Box::new(far), place);
        tokio::io::AsyncWriteExt::write_all(&mut near, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), answering).await.expect("rubbish is no greeting");
        let (_near, far) = tokio::io::duplex(1024);
        let place = world.app.enter_link(None).unwrap();
        let answering = world.app.answer_link(Box::new(far), place);
        tokio::time::timeout(Duration::from_secs(20), answering).await.expect("ten seconds are enough");
        assert!((0..32).map(|_| world.app.enter_link(None)).collect::<Vec<_>>().iter().all(Result::is_ok));
    }

    async fn a_server_that_is_away_before_it_has_the_commit_is_tried_so_often(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let joining = joining(&add(&workspace, &olga, "Far").await.json());
        let linked = knock(&world, &known(&joining), &identity(), Some(&joining.token)).await.unwrap();
        world.fleet.link(linked.machine, Arc::new(FakeMachines::default()));
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, "far", "Shop", "staging", "main").await;
        let ended = async |step: &str| {
            let path = workspace.path(&format!("/instances/{instance}/deploy"));
            let begun = olga.client.post(&path, json!({})).await.expect(202);
            let claim = world.store.claim_job().await.unwrap().unwrap();
            let _ = world.store.begin_job(&claim).await.unwrap().unwrap();
            assert!(world.store.step_job(&claim, step.to_owned(), None).await.unwrap());
            world.fleet.cut_off(linked.machine);
            for _ in 0..20 {
                world.clock.pass_seconds(60);
                world.drain().await;
            }
            olga.client.get(begun.header("location").unwrap()).await.expect(200).field("status")
        };
        assert_eq!(ended("bring").await, "failed");
        world.fleet.link(linked.machine, Arc::new(FakeMachines::default()));
        assert_eq!(ended("fetch").await, "running", "what it has begun is followed when it is back");
    }

    async fn a_machine_that_says_nothing_keeps_no_other_from_its_turn(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let joining = joining(&add(&workspace, &olga, "Far").await.json());
        let linked = knock(&world, &known(&joining), &identity(), Some(&joining.token)).await.unwrap();
        let far = Arc::new(FakeMachines::default());
        world.fleet.link(linked.machine, far.clone());
        let project = workspace.project("Shop", &["main"]).await;
        let _ = workspace.instance(&project, "far", "Shop", "staging", "main").await;
        let here = workspace.server().await;
        let _ = workspace.instance(&project, &here, "Near", "staging", "main").await;
        for instance in ["shop", "shop", "near"] {
            let place = workspace.path(&format!("/instances/{instance}"));
            let begun = olga.client.post(&format!("{place}/backups"), json!({})).await.expect(202);
            world.drain().await;
            let backup = workspace.path(&format!("/backups/{}", begun.field("backup")));
            let _ = olga.client.delete(&backup, None).await.expect(204);
        }
        far.lose_metrics();
        world.app.keep_backups().await.unwrap();
        assert_eq!((far.asked_to_forget(), world.machines.asked_to_forget()), (1, 1));
        assert_eq!((far.backups().len(), world.machines.backups().len()), (2, 0));
    }
}
