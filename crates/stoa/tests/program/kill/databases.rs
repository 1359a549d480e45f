//! Killed at each step of what a backup and a restore do to an instance's PostgreSQL database.

use std::path::Path;

use serde_json::json;

use super::shop::Ground;
use crate::support::owners::{until_all_is_owned, until_quiet};
use crate::support::tracer::{Call, Moment};
use crate::support::until;

/// Says to PostgreSQL what a path says. What `holds` is in a session of its own.
const APP: &str = r#"
import glob, http.server, os, subprocess, urllib.parse
PSQL = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        if "holds" in asked:
            subprocess.Popen([PSQL, os.environ["DATABASE_URL"], "-XAtc", asked["holds"][0]])
            body = b"held"
        elif "q" in asked:
            said = subprocess.run([PSQL, os.environ["DATABASE_URL"], "-XAtqc", asked["q"][0]], capture_output=True)
            body = (said.stdout + said.stderr).strip()
        else: body = b"version 0"
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

const TOML: &str = r#"
[run]
command = ["python3", "app.py"]
stop_time = "1s"
[health]
start_time = "30s"
[database]
kind = "postgresql"
"#;

pub fn lacks_postgresql() -> bool {
    test_kit::need::lacks("postgresql", Path::new("/usr/lib/postgresql").is_dir())
}

impl Ground {
    pub fn with_database() -> Self {
        let ground = Self::new("Shop");
        for (name, text) in [("app.py", APP), ("stoa.toml", TOML)] {
            std::fs::write(ground.files.join(name), text).unwrap();
        }
        let commit = ground.push(0);
        let deployed = until("the database", || {
            Some(ground.newest_deployment("shop"))
                .filter(|newest| newest["commit"] == commit.as_str() && newest["ended_at"].is_string())
        });
        assert_eq!(deployed["status"], "succeeded", "{deployed}");
        assert_eq!(ground.says("CREATE TABLE notes (text text)"), "");
        ground
    }

    fn asks(&self, name: &str, text: &str) -> String {
        let quoted = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
        until("an answer of the application", || {
            let path = format!("/run?{name}={quoted}");
            let answer = self.stoa.try_send("", "GET", &path, None, "shop-acme.localhost")?;
            (answer.status == 200).then_some(answer.text)
        })
    }

    fn says(&self, text: &str) -> String {
        self.asks("q", text)
    }

    fn notes(&self) -> String {
        self.says("SELECT string_agg(text, ' ' ORDER BY text) FROM notes")
    }

    /// Its databases and roles, all that were ever made for it.
    fn made(&self) -> String {
        self.says(
            "SELECT string_agg(name, ' ' ORDER BY name) FROM (SELECT datname AS name FROM pg_database \
             UNION ALL SELECT rolname FROM pg_roles) AS both_of_them WHERE name LIKE current_user || '%'",
        )
    }

    /// The databases and roles of all instances.
    pub fn made_by_all(&self) -> String {
        self.says(
            "SELECT string_agg(name, ' ' ORDER BY name) FROM (SELECT datname AS name FROM pg_database \
             UNION ALL SELECT rolname FROM pg_roles) AS both_of_them",
        )
    }

    fn is_whole_again(&self, instance: &str, step: &str, made: &str) {
        until(&format!("{step}: nothing stands aside"), || (self.made() == made).then_some(()));
        self.nothing_is_orphaned(instance, step);
        until_all_is_owned(&self.stoa);
    }
}

#[test]
fn a_restore_that_is_cut_off_at_any_step_leaves_the_old_database_or_the_new() {
    if lacks_postgresql() {
        return;
    }
    let mut ground = Ground::with_database();
    let instance = ground.id("shop");
    let data = ground.stoa.data().join("agent/data").join(&instance);
    std::fs::write(data.join("note"), "as it was").unwrap();
    assert_eq!(ground.says("INSERT INTO notes VALUES ('kept')"), "");
    ground.back_up();
    let made = ground.made();
    let backup = ground.backups()[0]["id"].as_str().unwrap().to_owned();
    let (copies, aside) = (format!("/copies/{instance}/"), format!("/restores/{instance}"));
    let state = format!("/restores/{instance}.json");
    let (run, base) = (format!("/run/{instance}/"), format!("/databases/{instance}."));
    let exchange = || Moment::at(Call::Rename, &[&format!("/data/{instance}")], false);
    let about = || Moment::at(Call::Open, &[&aside, "/about.json"], false);
    let moments = [
        (
            "the dump before it",
            Moment::at(Call::MakeFolder, &[&run], true).after(Moment::at(
                Call::MakeFolder,
                &[&copies],
                false,
            )),
        ),
        ("filled", Moment::at(Call::MakeFolder, &[&run], true).after(about())),
        ("switch", Moment::at(Call::Rename, &[&state], true)),
        ("exchange of the databases", Moment::at(Call::Rename, &[&base], false).after(exchange())),
        ("exchange of the databases, its end", Moment::at(Call::Rename, &[&base], true).after(exchange())),
        ("settle", Moment::at(Call::Rename, &["/current/"], true)),
    ];
    for (step, moment) in moments {
        std::fs::write(data.join("note"), "later").unwrap();
        assert_eq!(ground.says("INSERT INTO notes VALUES ('later')"), "");
        assert_eq!(ground.notes(), "kept later", "{step}");
        ground.cut_off(step, moment, &format!("/backups/{backup}/restore"), r#"{"confirm":"Shop"}"#);
        ground.stoa.run();
        // Until it is over nobody sees the one's data with the other's database.
        until_quiet(&ground.stoa);
        let deployed = ground.newest_deployment("shop");
        assert_eq!(
            (&deployed["cause"], &deployed["status"]),
            (&json!("restore"), &json!("succeeded")),
            "{step}"
        );
        assert_eq!(std::fs::read_to_string(data.join("note")).unwrap(), "as it was", "{step}");
        assert_eq!(ground.notes(), "kept", "{step}");
        ground.is_whole_again(&instance, step, &made);
    }
}

#[test]
fn what_dumps_or_fills_a_database_ends_with_the_program_and_is_done_anew() {
    if lacks_postgresql() {
        return;
    }
    let mut ground = Ground::with_database();
    let instance = ground.id("shop");
    // Whoever fills it aside waits at its first line.
    for text in [
        "CREATE FUNCTION waits(text text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN \
         IF current_database() LIKE '%aside' AND NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nobody') \
         THEN PERFORM pg_sleep(3600); END IF; RETURN true; END $$",
        "INSERT INTO notes VALUES ('kept')",
    ] {
        assert_eq!(ground.says(text), "");
    }
    let is_at_work = "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user || '_work' AND datname IS NOT NULL";
    let is_filling = format!("{is_at_work} AND datname LIKE '%aside'");
    ground.back_up();
    let made = ground.made();

    // In the middle of a dump.
    assert_eq!(ground.asks("holds", "BEGIN; LOCK TABLE notes; SELECT pg_sleep(3600)"), "held");
    let locked =
        "SELECT count(*) FROM pg_locks WHERE relation = 'notes'::regclass AND mode = 'AccessExclusiveLock'";
    until("it is locked", || (ground.says(locked) == "1").then_some(()));
    let asking = ground.asking();
    let _ = asking.ask("POST", "/instances/shop/backups", Some(json!({}))).unwrap().expect(202);
    until("it is being copied", || (ground.says(is_at_work) == "1").then_some(()));
    ground.stoa.kill();
    ground.stoa.run();
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE usename = current_user AND pid <> pg_backend_pid()";
    let _ = ground.says(end);
    until_quiet(&ground.stoa);
    assert_eq!(ground.backups().len(), 2, "it is made anew");
    ground.is_whole_again(&instance, "dump", &made);

    // In the middle of filling what stands aside: the one in use is as it was.
    assert_eq!(ground.says("ALTER TABLE notes ADD CHECK (waits(text))"), "");
    ground.back_up();
    let waiting = ground.backups()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/backups/{waiting}/restore");
    let _ = ground.asking().ask("POST", &path, Some(json!({ "confirm": "Shop" }))).unwrap().expect(202);
    until("it is being filled", || (ground.says(&is_filling) == "1").then_some(()));
    ground.stoa.kill();
    assert_eq!(ground.on_own_socket(&instance).as_deref(), Some("version 0"), "the old one goes on");
    ground.stoa.run();
    until("it is being filled again", || (ground.says(&is_filling) == "1").then_some(()));
    assert_eq!(ground.notes(), "kept");
    let job = ground.get("/jobs?status=running")["items"][0]["id"].as_str().unwrap().to_owned();
    let cancelled = ground.asking().ask("POST", &format!("/jobs/{job}/cancel"), Some(json!({}))).unwrap();
    let _ = cancelled.expect(200);
    until_quiet(&ground.stoa);
    assert_eq!(ground.notes(), "kept");
    ground.is_whole_again(&instance, "fill", &made);
}
