//! The way that must work, through the real program: a push becomes an application that answers, a member sees and
//! does exactly what was granted, and the application goes on when Stoa is killed.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Answer, Installation, PASSWORD, git, until};

const W: &str = "/workspaces/unicode-gmbh";

struct Way {
    stoa: Installation,
    owner: String,
    shop: PathBuf,
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

impl Way {
    /// Up to a production and a staging instance that run.
    fn new() -> Self {
        let stoa = Installation::start();
        let account = json!({ "token": stoa.setup_token, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
        let owner = stoa.send("", "POST", "/setup", Some(account)).expect(201).cookie();
        let send = |method: &str, path: &str, body: Value| stoa.send(&owner, method, path, Some(body));
        assert_eq!(
            send("POST", "/workspaces", json!({ "name": "Ünïcode GmbH" })).expect(201).field("slug"),
            "unicode-gmbh"
        );
        let server = send("POST", &format!("{W}/servers"), json!({ "name": "local", "local": true }))
            .expect(201)
            .field("id");
        let project =
            send("POST", &format!("{W}/projects"), json!({ "name": "Guestbook" })).expect(201).field("id");
        let token = send("POST", "/me/tokens", json!({ "name": "git" })).expect(201).field("token");
        let shop = stoa.folder.path().join("shop");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/guestbook"), &shop);
        let remote = format!("http://git:{token}@localhost:{}/git/unicode-gmbh/guestbook.git", stoa.port);
        for arguments in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "."],
            &["commit", "--quiet", "-m", "A guestbook"],
            &["branch", "staging"],
            &["remote", "add", "stoa", &remote],
            &["push", "--quiet", "stoa", "main", "staging"],
        ] {
            let (succeeded, said) = git(&shop, arguments);
            assert!(succeeded, "{said}");
        }
        for (name, stage, branch) in [("Shop", "production", "main"), ("Preview", "staging", "staging")] {
            let body = json!({
                "name": name, "project": project, "server": server, "stage": stage, "branch": branch,
                "environment": [{ "name": "GREETING", "value": format!("Hello from {stage}"), "secret": false }],
            });
            let _ = send("POST", &format!("{W}/instances"), body).expect(202);
        }
        let way = Self { stoa, owner, shop };
        way.status("shop", "running");
        way.status("preview", "running");
        way
    }

    fn get(&self, path: &str) -> Answer {
        self.stoa.send(&self.owner, "GET", &format!("{W}{path}"), None).expect(200)
    }

    fn status(&self, instance: &str, wanted: &str) {
        let path = format!("/instances/{instance}");
        until(&format!("{instance} {wanted}"), || (self.get(&path).field("status") == wanted).then_some(()));
    }

    /// The instance's own page, by its address.
    fn visit(&self, instance: &str) -> Option<Answer> {
        self.stoa.try_send("", "GET", "/", None, &format!("{instance}-unicode-gmbh.localhost"))
    }

    fn newest_deployment(&self, instance: &str) -> Value {
        self.get(&format!("/instances/{instance}/deployments?limit=1")).json()["items"][0].clone()
    }

    fn push(&self, message: &str) {
        for arguments in [&["commit", "--quiet", "-am", message][..], &["push", "--quiet", "stoa", "main"]] {
            let (succeeded, said) = git(&self.shop, arguments);
            assert!(succeeded, "{said}");
        }
    }

    fn restart_softly(&self, instance: &str) {
        let path = format!("{W}/instances/{instance}/restart");
        let job =
            self.stoa.send(&self.owner, "POST", &path, Some(json!({ "mode": "soft" }))).expect(202).json();
        let job = format!("/jobs/{}", job["job"]["id"].as_str().unwrap());
        until("the restart", || (self.get(&job).field("status") == "succeeded").then_some(()));
    }
}

#[test]
fn a_push_becomes_an_application_and_a_bad_one_leaves_the_earlier() {
    let mut way = Way::new();
    let page = way.visit("shop").unwrap().expect(200).text;
    assert!(page.contains("Hello from production"), "{page}");
    assert!(way.visit("preview").unwrap().text.contains("Hello from staging"));
    assert_eq!(way.visit("nobody").unwrap().status, 421);

    let toml = std::fs::read_to_string(way.shop.join("stoa.toml")).unwrap();
    let broken =
        toml.replace("commands = [[", "commands = [[\"sh\", \"-c\", \"echo no such thing >&2; exit 3\"], [");
    std::fs::write(way.shop.join("stoa.toml"), broken).unwrap();
    way.push("break the build");
    let failed =
        until("the failure", || Some(way.newest_deployment("shop")).filter(|one| one["status"] == "failed"));
    assert_eq!(failed["step"], "build");
    assert!(failed["reason"].as_str().unwrap().contains("ended with status 3"), "{failed}");
    assert_eq!(failed["quote"], "no such thing");
    assert!(way.visit("shop").unwrap().expect(200).text.contains("Hello from production"));

    std::fs::write(way.shop.join("stoa.toml"), format!("{toml}\n[helth]\n")).unwrap();
    way.push("break the file");
    let failed = until("the failure", || {
        Some(way.newest_deployment("shop")).filter(|one| one["step"] == "read" && one["status"] == "failed")
    });
    assert!(
        failed["reason"].as_str().unwrap().contains("`helth` isn't known at the top; did you mean `health`?"),
        "{failed}"
    );

    // By the agent of the Stoa that runs, which sees it and starts them again when asked.
    assert!(way.stoa.stop_all().contains("2 instances are stopped"));
    assert_eq!(way.stoa.sandboxes(), Vec::<i32>::new());
    way.status("shop", "stopped");
    way.status("preview", "stopped");
    for instance in ["shop", "preview"] {
        let path = format!("{W}/instances/{instance}/start");
        let _ = way.stoa.send(&way.owner, "POST", &path, Some(json!({}))).expect(202);
        way.status(instance, "running");
    }

    let said = way.stoa.end();
    assert!(said.contains("2 instances go on running. Stop with: stoa instances stop --all"), "{said}");
    assert_eq!(way.stoa.sandboxes().len(), 2);
    assert!(way.stoa.stop_all().contains("2 instances are stopped"));
    assert_eq!(way.stoa.sandboxes(), Vec::<i32>::new());
}

#[test]
fn a_member_sees_and_does_exactly_what_was_granted() {
    let way = Way::new();
    let invited = way.stoa.send(
        &way.owner,
        "POST",
        &format!("{W}/invitations"),
        Some(json!({ "email": "tester@example.com" })),
    );
    let link = invited.expect(201).field("link");
    let token = link.rsplit('/').next().unwrap().to_owned();
    let person = json!({ "name": "Tess", "password": PASSWORD });
    let tester =
        way.stoa.send("", "POST", &format!("/invitations/{token}/accept"), Some(person)).expect(200).cookie();
    let get = |path: &str| way.stoa.send(&tester, "GET", &format!("{W}{path}"), None);
    for list in ["instances", "servers"] {
        assert_eq!(get(&format!("/{list}")).expect(200).json()["items"], json!([]));
    }
    assert_eq!(get("/projects").expect(403).json()["missing"], json!(["view_projects"]));

    let members = way.get("/members?q=tess").json();
    let member = members["items"][0]["id"].as_str().unwrap().to_owned();
    let staging = way.get("/instances/preview").field("id");
    let grant = |actions: Value| {
        let body = json!({ "actions": actions, "projects": [], "instances": [staging], "servers": [] });
        let _ = way
            .stoa
            .send(&way.owner, "PUT", &format!("{W}/members/{member}/permissions"), Some(body))
            .expect(200);
    };
    grant(json!(["restart_instances", "view_logs"]));
    let seen = get("/instances").expect(200).json();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1);
    assert_eq!(seen["items"][0]["slug"], "preview");
    assert_eq!(seen["items"][0]["server"], Value::Null);
    assert_eq!(get("/instances/shop").status, 404);
    for mode in ["soft", "hard"] {
        let path = format!("{W}/instances/preview/restart");
        let job = way.stoa.send(&tester, "POST", &path, Some(json!({ "mode": mode }))).expect(202).json();
        let job = format!("/jobs/{}", job["job"]["id"].as_str().unwrap());
        until("the restart", || (get(&job).expect(200).field("status") == "succeeded").then_some(()));
    }
    let refused = way
        .stoa
        .send(&tester, "POST", &format!("{W}/instances/preview/stop"), Some(json!({})))
        .expect(403)
        .json();
    assert_eq!(
        (&refused["missing"], &refused["ask"][0]["name"]),
        (&json!(["stop_instances"]), &json!("Olga"))
    );

    // The log is followed; the permission is taken away; the stream says so and ends, and carries nothing made later.
    let path = format!("/api/v1{W}/instances/preview/logs?follow=true");
    let stream = way.stoa.connect(&tester, "GET", &path, None, "localhost").unwrap();
    let mut lines = BufReader::new(stream).lines();
    let first = lines.by_ref().map(Result::unwrap).find(|line| line.contains("\"stream\""));
    assert!(first.is_some());
    grant(json!(["restart_instances"]));
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(rest.iter().all(|line| !line.contains("after the end")), "{rest:?}");
    let again = way.stoa.try_send(&tester, "GET", &path, None, "localhost").unwrap();
    assert_eq!(again.status, 403);

    let _ = way.stoa.send(&way.owner, "DELETE", &format!("{W}/members/{member}"), None).expect(204);
    assert_eq!(get("").status, 404);
}

#[test]
fn nobody_is_turned_away_while_an_application_restarts() {
    let way = Way::new();
    let way = Arc::new(way);
    let counts: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let visitors: Vec<_> = (0..8)
        .map(|_| {
            let (way, counts, over) = (way.clone(), counts.clone(), over.clone());
            std::thread::spawn(move || {
                while !over.load(std::sync::atomic::Ordering::SeqCst) {
                    let status =
                        way.visit("shop").map_or("nothing".to_owned(), |answer| answer.status.to_string());
                    *counts.lock().unwrap().entry(status).or_default() += 1;
                }
            })
        })
        .collect();
    for _ in 0..5 {
        way.restart_softly("shop");
    }
    over.store(true, std::sync::atomic::Ordering::SeqCst);
    for visitor in visitors {
        visitor.join().unwrap();
    }
    let counts = counts.lock().unwrap();
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["200"], "{counts:?}");
    assert!(counts["200"] > 50, "{counts:?}");
}

#[test]
fn applications_go_on_when_stoa_is_killed() {
    let mut way = Way::new();
    let before = way.stoa.sandboxes();
    assert_eq!(before.len(), 2);
    for round in 0..5 {
        let name = json!({ "name": format!("Shop {round}") });
        let _ = way.stoa.send(&way.owner, "PATCH", &format!("{W}/instances/shop"), Some(name)).expect(200);
        way.stoa.kill();
        assert_eq!(way.stoa.sandboxes(), before, "the same processes");
        way.stoa.run();
        until("the address", || way.visit("shop").filter(|answer| answer.status == 200));
        assert_eq!(way.stoa.sandboxes(), before, "taken up again, not started anew");
        assert_eq!(
            way.get("/instances/shop").field("name"),
            format!("Shop {round}"),
            "what was acknowledged is there"
        );
    }
    // In the middle of a deployment too: it is finished or undone, never both.
    std::fs::write(way.shop.join("new"), "x").unwrap();
    assert!(git(&way.shop, &["add", "new"]).0);
    way.push("one more");
    way.stoa.kill();
    way.stoa.run();
    let done = until("the deployment", || {
        Some(way.newest_deployment("shop")).filter(|one| one["ended_at"].is_string())
    });
    assert_eq!(done["status"], "succeeded", "{done}");
    until("the address", || way.visit("shop").filter(|answer| answer.status == 200));
    assert_eq!(way.stoa.sandboxes().len(), 2);
}
