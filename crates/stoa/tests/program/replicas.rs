//! Two real processes on one PostgreSQL: a session of the one counts at the other, and what is taken away at the one
//! ends what is open at the other, whether or not they hear of each other's writes.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::follow::Following;
use crate::support::ground::{Ground, TOKEN, give_key};
use crate::support::{Installation, PASSWORD, now_micros, push_files, until};

const W: &str = "/workspaces/acme";
const SECOND: i64 = 1_000_000;

fn set_up(stoa: &Installation) -> String {
    let account =
        json!({ "token": TOKEN, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
    stoa.send("", "POST", "/setup", Some(account)).expect(201).cookie()
}

const TICKER: &[(&str, &str)] = &[
    ("stoa.toml", "[run]\ncommand = [\"python3\", \"app.py\"]\n"),
    (
        "app.py",
        r#"
import http.server, os, threading, time
def tick():
    number = 0
    while True:
        print("tick", number, flush=True)
        number += 1
        time.sleep(0.05)
threading.Thread(target=tick, daemon=True).start()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#,
    ),
];

/// A member, made at the first replica, whose streams are open at the second.
struct Member {
    id: String,
    email: String,
    cookie: String,
    log: Following,
    events: Following,
}

/// Two processes. The application runs at the second.
struct Two {
    ground: Ground,
    first: Installation,
    second: Installation,
    owner: String,
    instance: String,
}

impl Two {
    fn new(ground: Ground) -> Self {
        let mut first = ground.replica(None, &[]);
        first.run();
        let mut second = ground.replica(Some(first.port), &[("STOA_LOCAL_SERVER", "true")]);
        give_key(&first, &second);
        second.run();
        let owner = set_up(&first);
        let _ = first.send(&owner, "POST", "/workspaces", Some(json!({ "name": "Acme" }))).expect(201);
        let refused = first.send(
            &owner,
            "POST",
            &format!("{W}/servers"),
            Some(json!({ "name": "here", "local": true })),
        );
        assert_eq!(refused.status, 403, "the first stands on no machine: {}", refused.text);
        let server = second
            .send(&owner, "POST", &format!("{W}/servers"), Some(json!({ "name": "here", "local": true })))
            .expect(201)
            .field("id");
        let project = first
            .send(&owner, "POST", &format!("{W}/projects"), Some(json!({ "name": "Clock" })))
            .expect(201)
            .field("id");
        let token = first
            .send(&owner, "POST", "/me/tokens", Some(json!({ "name": "git" })))
            .expect(201)
            .field("token");
        let remote = format!("http://git:{token}@localhost:{}/git/acme/clock.git", first.port);
        push_files(&first.folder.path().join("clock"), TICKER, &remote);
        let body = json!({ "name": "Clock", "project": project, "server": server, "stage": "staging", "branch": "main" });
        let _ = first.send(&owner, "POST", &format!("{W}/instances"), Some(body)).expect(202);
        let two = Self { ground, first, second, owner, instance: String::new() };
        let instance = until("the application", || {
            let instance = two.get(&two.first, "/instances/clock");
            (instance["status"] == "running").then(|| instance["id"].as_str().unwrap().to_owned())
        });
        Self { instance, ..two }
    }

    fn get(&self, at: &Installation, path: &str) -> Value {
        at.send(&self.owner, "GET", &format!("{W}{path}"), None).expect(200).json()
    }

    /// Done at the first replica by the owner; the moment at which it was acknowledged.
    fn act(&self, method: &str, path: &str, body: Option<Value>, status: u16) -> i64 {
        let _ = self.first.send(&self.owner, method, &format!("{W}{path}"), body).expect(status);
        now_micros()
    }

    fn profile(&self, actions: Value, instances: Value) -> Value {
        json!({ "actions": actions, "projects": [], "instances": instances, "servers": [] })
    }

    fn logs(&self) -> String {
        format!("{W}/instances/{}/logs?follow=true", self.instance)
    }

    /// Invites somebody, grants the log, and opens both streams at the second replica.
    fn member(&self, name: &str) -> Member {
        let email = format!("{name}@example.com");
        let link = self
            .first
            .send(&self.owner, "POST", &format!("{W}/invitations"), Some(json!({ "email": email })))
            .expect(201)
            .field("link");
        let token = link.rsplit('/').next().unwrap();
        let person = json!({ "name": name, "password": PASSWORD });
        let cookie = self
            .first
            .send("", "POST", &format!("/invitations/{token}/accept"), Some(person))
            .expect(200)
            .cookie();
        let found = self.get(&self.first, &format!("/members?q={name}"));
        let id = found["items"][0]["id"].as_str().unwrap().to_owned();
        self.act(
            "PUT",
            &format!("/members/{id}/permissions"),
            Some(self.profile(json!(["view_logs"]), json!([self.instance]))),
            200,
        );
        let log = Following::open(&self.second, &format!("the log of {name}"), &cookie, &self.logs());
        let events =
            Following::open(&self.second, &format!("the events of {name}"), &cookie, &format!("{W}/events"));
        Member { id, email, cookie, log, events }
    }
}

fn what_is_taken_away_at_one_ends_at_the_other(ground: Ground) {
    let two = Two::new(ground);
    let (first, second) = (&two.first, &two.second);

    // The session was begun at the first and counts at the second.
    assert_eq!(second.send(&two.owner, "GET", "/me", None).expect(200).field("email"), "olga@example.com");

    let names = [
        "action", "list", "removed", "sign-out", "ended", "password", "token", "demoted", "disabled", "stays",
    ];
    let [action, list, removed, signed_out, ended, password, by_token, demoted, disabled, stays] =
        names.map(|name| two.member(name));
    let token =
        first.send(&by_token.cookie, "POST", "/me/tokens", Some(json!({ "name": "script" }))).expect(201);
    let (token_id, token) = (token.field("id"), token.field("token"));
    let token_log = Following::open(second, "the log by token", &token, &two.logs());
    let token_events = Following::open(second, "the events by token", &token, &format!("{W}/events"));
    two.act("PATCH", &format!("/members/{}", demoted.id), Some(json!({ "role": "owner" })), 200);
    let demoted_log = Following::open(second, "the log of one more owner", &demoted.cookie, &two.logs());

    // Events of the instance are made all the while.
    let goes_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let _ends = crate::support::GoesOn(&goes_on);
        scope.spawn(|| {
            let mut number = 0;
            while goes_on.load(Ordering::SeqCst) {
                number += 1;
                let path = format!("{W}/instances/{}", two.instance);
                let _ = first
                    .send(&two.owner, "PATCH", &path, Some(json!({ "name": format!("Clock {number}") })))
                    .expect(200);
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        });
        let is_of_instance = |event: &Value| event["resource"]["id"] == two.instance.as_str();
        for member in [&action, &list, &removed, &signed_out, &ended, &password, &demoted, &disabled, &stays]
        {
            member.log.wait_for("a line", |line| line["text"].as_str().unwrap().starts_with("tick"));
            member.events.wait_for("what the first replica changed", is_of_instance);
        }
        token_log.wait_for("a line", |_| true);
        token_events.wait_for("an event", is_of_instance);
        demoted_log.wait_for("a line", |_| true);

        let permissions = |member: &Member| format!("/members/{}/permissions", member.id);
        let of_action =
            two.act("PUT", &permissions(&action), Some(two.profile(json!([]), json!([two.instance]))), 200);
        let of_list =
            two.act("PUT", &permissions(&list), Some(two.profile(json!(["view_logs"]), json!([]))), 200);
        let of_removed = two.act("DELETE", &format!("/members/{}", removed.id), None, 204);
        let _ = first.send(&signed_out.cookie, "DELETE", "/session", None).expect(204);
        let of_sign_out = now_micros();
        let again = json!({ "email": ended.email, "password": PASSWORD });
        let other = first.send("", "POST", "/session", Some(again)).expect(200).cookie();
        let sessions = first.send(&other, "GET", "/me/sessions", None).expect(200).json();
        let earlier = sessions["items"].as_array().unwrap().iter().find(|one| one["is_current"] != true);
        let earlier = earlier.unwrap_or_else(|| panic!("{sessions}"))["id"].as_str().unwrap();
        let _ = first.send(&other, "DELETE", &format!("/me/sessions/{earlier}"), None).expect(204);
        let of_ended = now_micros();
        let again = json!({ "email": password.email, "password": PASSWORD });
        let other = first.send("", "POST", "/session", Some(again)).expect(200).cookie();
        let change = json!({ "old_password": PASSWORD, "new_password": "another horse battery" });
        let _ = first.send(&other, "POST", "/me/password", Some(change)).expect(204);
        let of_password = now_micros();
        let _ = first.send(&by_token.cookie, "DELETE", &format!("/me/tokens/{token_id}"), None).expect(204);
        let of_token = now_micros();
        let of_demoted =
            two.act("PATCH", &format!("/members/{}", demoted.id), Some(json!({ "role": "member" })), 200);
        // No command does this yet: it is done to the records, and nobody is told.
        two.ground.sql(&["UPDATE accounts SET status = 'disabled', revision = revision + 1 WHERE email = 'disabled@example.com'"]);
        let of_disabled = now_micros();

        // The application writes on, and the instance is changed on: who may sees it.
        let later = |value: &Value| crate::support::micros_of(value) > of_disabled + SECOND;
        stays.log.wait_for("a line made a second later", later);
        stays.events.wait_for("an event made a second later", |event| is_of_instance(event) && later(event));

        for (stream, moment) in [
            (&action.log, of_action),
            (&list.log, of_list),
            (&removed.log, of_removed),
            (&removed.events, of_removed),
            (&signed_out.log, of_sign_out),
            (&signed_out.events, of_sign_out),
            (&ended.log, of_ended),
            (&ended.events, of_ended),
            (&password.log, of_password),
            (&password.events, of_password),
            (&token_log, of_token),
            (&token_events, of_token),
            (&demoted_log, of_demoted),
            (&disabled.log, of_disabled),
            (&disabled.events, of_disabled),
        ] {
            let _ = stream.end();
            let late = stream.made_after(moment + SECOND);
            assert!(late.is_empty(), "{} brought what was made too late: {late:?}", stream.name);
        }
        for (stream, code) in [(&removed.events, "not_found"), (&signed_out.events, "unauthenticated")] {
            assert_eq!(stream.end().expect("a problem")["code"], code, "{}", stream.name);
        }
        // Who may still follow the workspace does, and hears nothing more of an instance that was taken away.
        assert!(!action.events.is_over() && !list.events.is_over());
        let late: Vec<Value> =
            list.events.made_after(of_list + SECOND).into_iter().filter(is_of_instance).collect();
        assert!(late.is_empty(), "{late:?}");
        action.events.wait_for("an event made a second later", |event| is_of_instance(event) && later(event));
        goes_on.store(false, Ordering::SeqCst);
    });

    // The instance goes, and then its workspace: it ends for whom nothing was taken from.
    let name = two.get(first, &format!("/instances/{}", two.instance))["name"].as_str().unwrap().to_owned();
    two.act("DELETE", &format!("/instances/{}", two.instance), Some(json!({ "confirm": name })), 202);
    let _ = stays.log.end();
    until("the instance's end", || {
        let path = format!("{W}/instances/{}", two.instance);
        (first.send(&two.owner, "GET", &path, None).status == 404).then_some(())
    });
    assert!(!stays.events.is_over());
    two.act("DELETE", "", Some(json!({ "confirm": "acme" })), 204);
    for member in [&stays, &action] {
        assert_eq!(member.events.end().expect("a problem")["code"], "not_found", "{}", member.events.name);
    }
}

#[test]
fn what_is_taken_away_at_one_replica_ends_at_the_other() {
    let ground = Ground::new();
    let hints = ground.count_hints();
    what_is_taken_away_at_one_ends_at_the_other(ground);
    assert!(hints.load(Ordering::SeqCst) > 0, "they told each other");
}

#[test]
fn what_is_taken_away_at_one_replica_ends_at_the_other_when_they_hear_nothing() {
    let ground = Ground::new();
    ground.silence();
    let hints = ground.count_hints();
    what_is_taken_away_at_one_ends_at_the_other(ground);
    assert_eq!(hints.load(Ordering::SeqCst), 0, "nobody told anybody anything");
}

#[test]
fn a_replica_that_the_others_cannot_reach_refuses_to_start() {
    let ground = Ground::new();
    let mut first = ground.replica(None, &[]);
    first.run();
    let without = ground.replica(Some(first.port), &[("STOA_INTERNAL_URL", "")]);
    give_key(&first, &without);
    let said = without.refused();
    assert!(said.contains("STOA_INTERNAL_URL has to be set: another replica, "), "{said}");
    // One that has ended is nobody any more.
    let _ = first.end();
    let mut alone = without;
    alone.run();
    assert!(!first.data().join("stoa.sqlite").exists());
    let said = first.refused();
    assert!(said.contains("runs on these records without STOA_INTERNAL_URL"), "{said}");
    // One that was killed is the same replica again, at once.
    alone.kill();
    alone.run();
}

#[test]
fn replicas_have_one_key_one_folder_of_repositories_and_one_setup_token() {
    let ground = Ground::new();
    let alone = ground.replica(None, &[("STOA_SETUP_TOKEN", "")]);
    let said = alone.refused();
    assert!(said.contains("STOA_SETUP_TOKEN has to be set"), "{said}");

    let mut first = ground.replica(None, &[]);
    give_key(&alone, &first);
    first.run();
    let without_key = ground.replica(Some(first.port), &[]);
    let said = without_key.refused();
    assert!(said.contains("is missing, and the records were made with one"), "{said}");

    let other_key = ground.replica(Some(first.port), &[]);
    give_key(&first, &other_key);
    let mut key = std::fs::read(other_key.data().join("master.key")).unwrap();
    key[0] = if key[0] == b'A' { b'B' } else { b'A' };
    std::fs::write(other_key.data().join("master.key"), key).unwrap();
    let said = other_key.refused();
    assert!(said.contains("isn't the one that these records were sealed with"), "{said}");

    let other_token = "another-setup-token-that-is-long-enough";
    let other_token = ground.replica(Some(first.port), &[("STOA_SETUP_TOKEN", other_token)]);
    give_key(&first, &other_token);
    let said = other_token.refused();
    assert!(said.contains("STOA_SETUP_TOKEN isn't the one"), "{said}");

    // A folder of its own, and one that is a copy of the others' from before.
    for copied in [false, true] {
        let own = ground.shared.path().join(format!("own-{copied}"));
        if copied {
            let words = own.join(".replicas");
            std::fs::create_dir_all(&words).unwrap();
            for entry in std::fs::read_dir(ground.shared.path().join("repositories/.replicas")).unwrap() {
                let name = entry.unwrap().file_name();
                std::fs::write(words.join(name), "what stood there before").unwrap();
            }
        }
        let elsewhere = ground.replica(Some(first.port), &[("STOA_REPOSITORIES_DIR", own.to_str().unwrap())]);
        give_key(&first, &elsewhere);
        let said = elsewhere.refused();
        assert!(said.contains("isn't the folder that the replica"), "{said}");
    }

    let mut second = ground.replica(Some(first.port), &[]);
    give_key(&first, &second);
    second.run();
    let _ = set_up(&second);
    assert_eq!(first.send("", "GET", "/me", None).status, 401, "set up at the one, it is at the other");
}

#[test]
fn a_copy_of_a_replica_s_data_takes_its_place() {
    let ground = Ground::new();
    let mut first = ground.replica(None, &[]);
    first.run();
    let mut copy = ground.replica(Some(first.port), &[]);
    give_key(&first, &copy);
    std::fs::copy(first.data().join("replica"), copy.data().join("replica")).unwrap();
    copy.run();
    assert!(!first.ended(), "the earlier one ends");
    assert!(first.log().contains("Each replica needs a data directory of its own"), "{}", first.log());
}

#[test]
fn a_second_process_on_one_data_directory_refuses_to_start() {
    let first = Installation::start();
    let mut second = Installation::prepare(&[]);
    let _ = std::mem::replace(&mut second.folder, tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(first.data(), second.data()).unwrap();
    let said = second.refused();
    assert!(said.contains("another process of Stoa already runs on"), "{said}");
    assert_eq!(first.send("", "GET", "/health", None).status, 200);
    assert!(Path::new(&first.data().join("stoa.sqlite")).exists());
}
