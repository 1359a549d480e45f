//! A server elsewhere, through the real program: a second folder on this machine is another machine, which dials.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::desk::{Terminal, is_running};
use crate::support::ground::{Ground, TOKEN, give_key};
use crate::support::machine::{Between, Machine};
use crate::support::{Answer, Installation, PASSWORD, git, push_files, until};

const W: &str = "/workspaces/acme";

struct Scene {
    stoa: Installation,
    owner: String,
    between: Between,
}

impl Scene {
    fn new() -> Self {
        let stoa = Installation::start();
        let account = json!({ "token": stoa.setup_token, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
        let owner = stoa.send("", "POST", "/setup", Some(account)).expect(201).cookie();
        let _ = stoa.send(&owner, "POST", "/workspaces", Some(json!({ "name": "Acme" }))).expect(201);
        let between = Between::new(stoa.port);
        Self { stoa, owner, between }
    }

    fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.stoa.send(&self.owner, method, &format!("{W}{path}"), body)
    }

    fn get(&self, path: &str) -> Value {
        self.send("GET", path, None).expect(200).json()
    }

    fn address(&self, join: &Value) -> String {
        self.between.address(join)
    }

    fn server(&self, wanted: &str) -> Value {
        until(&format!("the server {wanted}"), || {
            Some(self.get("/servers/far")).filter(|server| server["status"] == wanted)
        })
    }

    fn visit(&self) -> Answer {
        self.stoa.try_send("", "GET", "/", None, "guestbook-acme.localhost").expect("an answer")
    }

    fn is_served(&self) {
        until("the page", || Some(self.visit()).filter(|answer| answer.status == 200));
    }

    fn job(&self, answer: &Answer) {
        let path = format!("/jobs/{}", answer.json()["job"]["id"].as_str().unwrap());
        until("the work", || {
            let job = self.get(&path);
            assert!(!matches!(job["status"].as_str(), Some("failed" | "cancelled")), "{job}");
            (job["status"] == "succeeded").then_some(())
        });
    }

    fn act(&self, path: &str, body: Value) {
        self.job(&self.send("POST", path, Some(body)).expect(202));
    }
}

#[test]
fn a_machine_elsewhere_is_a_server_until_it_is_removed() {
    let mut scene = Scene::new();
    let made = scene.send("POST", "/servers", Some(json!({ "name": "Far" }))).expect(201).json();
    assert_eq!((&made["status"], &made["machine"]), (&json!("waiting"), &Value::Null));
    let first = scene.address(&made["join"]);
    let anew = scene.send("POST", "/servers/far/join", None).expect(200).json();
    let address = scene.address(&anew["join"]);
    assert_ne!(first, address);

    let mut machine = Machine::new();
    // Without all of it nothing is begun.
    assert!(machine.refused(&[], "").contains("joined no installation"));
    let (whole, fingerprint) = address.split_once('#').unwrap();
    assert!(machine.refused(&["--join", whole], "").contains("isn't whole"));
    let other: String = fingerprint.chars().map(|letter| if letter == '0' { '1' } else { '0' }).collect();
    let said = machine.refused(&["--join", &format!("{whole}#{other}")], "");
    assert!(said.contains("its certificate is another. Nothing was sent to it"), "{said}");
    assert!(machine.refused(&["--join", &first], "").contains("counts no more"));
    assert_eq!(scene.get("/servers/far")["status"], "waiting", "none of them used the token up");

    machine.start(&["--join", &address]);
    let server = scene.server("ready");
    assert!(server["machine"]["processors"].as_i64().unwrap() > 0);
    assert!(!server["is_local"].as_bool().unwrap());
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(machine.state().join("link.key")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    // The token has let one in, and nobody else; once one is in, there is no other.
    let second = Machine::new();
    let said = second.refused(&["--join", "-"], &format!("{address}\n"));
    assert!(said.contains("another machine has joined"), "{said}");
    assert_eq!(scene.send("POST", "/servers/far/join", None).expect(409).field("code"), "conflict");

    // An application, by all that is done to one.
    let _ = scene.send("POST", "/projects", Some(json!({ "name": "Guestbook" }))).expect(201);
    let token = scene.stoa.send(&scene.owner, "POST", "/me/tokens", Some(json!({ "name": "git" })));
    let remote = format!(
        "http://git:{}@localhost:{}/git/acme/guestbook.git",
        token.expect(201).field("token"),
        scene.stoa.port
    );
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/guestbook");
    let read = |name: &str| std::fs::read_to_string(example.join(name)).unwrap();
    let names: Vec<String> = std::fs::read_dir(&example)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let texts: Vec<(String, String)> = names.into_iter().map(|name| (read(&name), name)).collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(text, name)| (name.as_str(), text.as_str())).collect();
    push_files(&scene.stoa.folder.path().join("guestbook"), &files, &remote);
    let body = json!({
        "name": "Guestbook", "project": "guestbook", "server": "far", "stage": "production", "branch": "main",
        "environment": [{ "name": "GREETING", "value": "Hello from afar", "secret": false }],
    });
    scene.act("/instances", body);
    assert!(scene.visit().expect(200).text.contains("Hello from afar"));
    assert_eq!(machine.sandboxes().len(), 1);
    assert!(scene.stoa.sandboxes().is_empty(), "nothing of it runs where Stoa stands");
    for mode in ["soft", "hard"] {
        scene.act("/instances/guestbook/restart", json!({ "mode": mode }));
        assert!(scene.visit().expect(200).text.contains("Hello from afar"));
    }
    let lines = scene.send("GET", "/instances/guestbook/logs?limit=10", None).expect(200).text;
    assert!(lines.contains("\"text\""), "{lines}");
    until("a visitor in the proxy's log", || {
        let lines = scene.send("GET", "/instances/guestbook/logs?source=proxy", None).expect(200).text;
        lines.contains("GET /").then_some(())
    });
    assert_eq!(scene.get("/instances/guestbook/processes")["processes"][0]["is_running"], true);
    let _ = scene.send("GET", "/servers/far/metrics?range=hour", None).expect(200);
    let _ = scene.send("GET", "/instances/guestbook/metrics?range=hour", None).expect(200);
    let _ = scene.send("POST", "/instances/guestbook/desk", None).expect(200);
    let files = scene.send("GET", "/instances/guestbook/files?path=", None).expect(200).text;
    assert!(files.contains("stoa.toml"), "{files}");
    let _ = scene.send("DELETE", "/instances/guestbook/desk", None).expect(204);
    scene.act("/instances/guestbook/backups", json!({}));
    let backup = scene.get("/instances/guestbook/backups")["items"][0]["id"].as_str().unwrap().to_owned();
    let archive = scene.send("GET", &format!("/backups/{backup}/download"), None).expect(200);
    assert!(archive.text.len() > 100);
    scene.act(&format!("/backups/{backup}/restore"), json!({ "confirm": "Guestbook" }));
    scene.is_served();
    // What lies on that machine's disk is brought back there alone.
    let local = scene.send("POST", "/servers", Some(json!({ "name": "here", "local": true }))).expect(201);
    assert_eq!(local.field("status"), "ready");
    let body = json!({
        "name": "Copy", "project": "guestbook", "server": "here", "stage": "staging", "branch": "main",
        "from_backup": backup,
    });
    assert!(scene.send("POST", "/instances", Some(body)).expect(409).text.contains("disk of another server"));

    // The agent dies: the application doesn't.
    let before = machine.sandboxes();
    machine.kill();
    let away = scene.server("away");
    assert!(away["away_since"].is_string(), "{away}");
    assert_eq!(machine.sandboxes(), before);
    for (path, body) in [
        ("/instances/guestbook/restart", json!({ "mode": "soft" })),
        ("/instances/guestbook/stop", json!({})),
        ("/instances/guestbook/deploy", json!({})),
        ("/instances/guestbook/backups", json!({})),
    ] {
        assert_eq!(scene.send("POST", path, Some(body)).expect(503).field("code"), "server_away", "{path}");
    }
    for path in
        ["/instances/guestbook/logs", "/instances/guestbook/processes", "/servers/far/metrics?range=hour"]
    {
        assert_eq!(scene.send("GET", path, None).expect(503).field("code"), "server_away", "{path}");
    }
    let seen = scene.get("/instances/guestbook");
    assert_eq!(seen["blocked"]["restart"]["code"], "server_away", "{seen}");
    assert_eq!((&seen["status"], &seen["is_server_away"]), (&json!("running"), &json!(true)));
    assert_eq!(scene.visit().status, 502);
    machine.start(&[]);
    scene.server("ready");
    scene.is_served();
    assert_eq!(machine.sandboxes(), before, "taken up again, not started anew");

    // Stoa dies: neither does the application, and the agent comes back by itself.
    scene.stoa.kill();
    assert_eq!(machine.sandboxes(), before);
    scene.stoa.run();
    scene.server("ready");
    scene.is_served();
    assert_eq!(machine.sandboxes(), before);

    // Cut off without a word: it is noticed on both sides, and over when the way is there again.
    scene.between.cut();
    scene.server("away");
    assert_eq!(machine.sandboxes(), before);
    let refused = scene.send("POST", "/instances/guestbook/stop", Some(json!({}))).expect(503);
    assert_eq!(refused.field("code"), "server_away");
    scene.between.join();
    scene.server("ready");
    scene.is_served();
    assert_eq!(machine.sandboxes(), before, "what was refused isn't done later");

    // Asked to end, it says what goes on.
    machine.signal(nix::sys::signal::Signal::SIGTERM);
    machine.ended();
    assert!(
        machine.said().contains("1 instance goes on running. Stop with: stoa instances stop --all --state")
    );
    machine.start(&[]);
    scene.server("ready");

    // Removed, it is refused for ever.
    for under in ["/servers/far", "/projects/guestbook"] {
        assert_eq!(scene.send("DELETE", under, None).expect(409).field("code"), "conflict", "{under}");
        assert_eq!(machine.sandboxes(), before, "{under}");
        scene.is_served();
    }
    let gone = scene.send("DELETE", "/instances/guestbook", Some(json!({ "confirm": "Guestbook" })));
    if gone.status == 409 {
        let lifted = json!({ "is_protected": false });
        let _ = scene.send("PATCH", "/instances/guestbook", Some(lifted)).expect(200);
        let _ =
            scene.send("DELETE", "/instances/guestbook", Some(json!({ "confirm": "Guestbook" }))).expect(202);
    }
    until("its deletion", || (scene.send("GET", "/instances/guestbook", None).status == 404).then_some(()));
    let _ = scene.send("DELETE", "/servers/far", None).expect(204);
    machine.ended();
    let times = |said: String| said.matches("was removed: it takes no work any more").count();
    assert_eq!(times(machine.said()), 1, "{}", machine.said());
    machine.start(&[]);
    machine.ended();
    assert_eq!(times(machine.said()), 2, "and again at its next start");
    let again = scene.send("POST", "/servers", Some(json!({ "name": "Far again" }))).expect(201).json();
    let said = machine.refused(&["--join", &scene.address(&again["join"])], "");
    assert!(said.contains("was removed"), "{said}");
}

/// Waits where a build does, while it is to.
const WAITS: &[(&str, &str)] = &[
    (
        "stoa.toml",
        "[build]\ncommands = [[\"sh\", \"-c\", \"if [ -e /cache/wait ]; then touch /cache/here; sleep 600; fi\"]]\n\
         [run]\ncommand = [\"sh\", \"-c\", \"exec python3 -m http.server --bind 127.0.0.1 $PORT\"]\nstop_time = \"1s\"\n",
    ),
    ("index.html", "version 0"),
];

#[test]
fn an_agent_that_dies_at_work_goes_on_with_it_and_a_desk_elsewhere_ends_with_its_right() {
    let scene = Scene::new();
    let made = scene.send("POST", "/servers", Some(json!({ "name": "Far" }))).expect(201).json();
    let mut machine = Machine::new();
    machine.start(&["--join", &scene.address(&made["join"])]);
    scene.server("ready");
    let _ = scene.send("POST", "/projects", Some(json!({ "name": "Guestbook" }))).expect(201);
    let token = scene.stoa.send(&scene.owner, "POST", "/me/tokens", Some(json!({ "name": "git" })));
    let token = token.expect(201).field("token");
    let remote = format!("http://git:{token}@localhost:{}/git/acme/guestbook.git", scene.stoa.port);
    let files = scene.stoa.folder.path().join("guestbook");
    push_files(&files, WAITS, &remote);
    let body = json!({
        "name": "Guestbook", "project": "guestbook", "server": "far", "stage": "staging", "branch": "main",
    });
    scene.act("/instances", body);
    assert_eq!(scene.visit().expect(200).text, "version 0");
    let instance = scene.get("/instances/guestbook")["id"].as_str().unwrap().to_owned();
    let state = machine.state();
    let of = |folder: &str| state.join(folder).join(&instance);
    let (cache, copies) = (of("cache"), of("copies"));
    let (locks, before) = (of("backups").join("locks"), machine.sandboxes());

    // While a build waits: it goes with the agent, and is done anew when that is back.
    std::fs::write(cache.join("wait"), "").unwrap();
    std::fs::write(files.join("index.html"), "version 1").unwrap();
    for arguments in [&["commit", "--quiet", "-am", "Version 1"][..], &["push", "--quiet", "stoa", "main"]] {
        let (succeeded, said) = git(&files, arguments);
        assert!(succeeded, "{said}");
    }
    until("the build", || cache.join("here").exists().then_some(()));
    machine.kill();
    scene.server("away");
    assert_eq!(machine.sandboxes(), before, "the old one goes on");
    let deployed = || scene.get("/instances/guestbook/deployments?limit=1")["items"][0].clone();
    assert!(deployed()["ended_at"].is_null(), "its job waits: {}", deployed());
    for name in ["wait", "here"] {
        std::fs::remove_file(cache.join(name)).unwrap();
    }
    machine.start(&[]);
    let ended = until("the deployment", || Some(deployed()).filter(|one| one["ended_at"].is_string()));
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(scene.visit().expect(200).text, "version 1");
    let before = machine.sandboxes();
    assert_eq!(before.len(), 1);

    // While a backup is made.
    let note = of("data").join("note");
    std::fs::write(&note, "as it was").unwrap();
    let begun = scene.send("POST", "/instances/guestbook/backups", Some(json!({}))).expect(202);
    until("the backup", || copies.exists().then_some(()));
    machine.kill();
    scene.server("away");
    assert_eq!(machine.sandboxes(), before);
    machine.start(&[]);
    scene.job(&begun);
    let all = scene.get("/instances/guestbook/backups")["items"].clone();
    assert_eq!((all.as_array().unwrap().len(), &all[0]["status"]), (1, &json!("ready")), "{all}");
    assert!(!copies.exists());
    assert_eq!(std::fs::read_dir(&locks).unwrap().count(), 0);
    assert_eq!(machine.sandboxes(), before);

    // While one is restored.
    std::fs::write(&note, "later").unwrap();
    let path = format!("/backups/{}/restore", all[0]["id"].as_str().unwrap());
    let begun = scene.send("POST", &path, Some(json!({ "confirm": "Guestbook" }))).expect(202);
    let aside = of("restores");
    until("the restore", || aside.exists().then_some(()));
    machine.kill();
    scene.server("away");
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "later", "not before it is whole");
    machine.start(&[]);
    scene.job(&begun);
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "as it was");
    scene.is_served();
    assert!(!aside.exists() && !copies.exists());
    let before = machine.sandboxes();
    assert_eq!(before.len(), 1);

    // A desk there: what runs in it in the background ends with its member's right to it.
    let link = scene.send("POST", "/invitations", Some(json!({ "email": "erik@example.com" })));
    let link = link.expect(201).field("link");
    let path = format!("/invitations/{}/accept", link.rsplit('/').next().unwrap());
    let person = json!({ "name": "Erik", "password": PASSWORD });
    let editor = scene.stoa.send("", "POST", &path, Some(person)).expect(200).cookie();
    let member = scene.get("/members?q=erik")["items"][0]["id"].as_str().unwrap().to_owned();
    let grant = |actions: Value| {
        let body = json!({ "actions": actions, "projects": [], "instances": [instance], "servers": [] });
        let _ = scene.send("PUT", &format!("/members/{member}/permissions"), Some(body)).expect(200);
    };
    grant(json!(["use_ide"]));
    let desk = format!("{W}/instances/guestbook");
    let _ = scene.stoa.send(&editor, "POST", &format!("{desk}/desk"), None).expect(200);
    let mut terminal = Terminal::open(&scene.stoa, &editor, &desk);
    // One in the terminal's session, and one that has left it.
    let (near, far) = ("8640043", "8640047");
    terminal.run(&format!("sleep {near} &"));
    terminal.run(&format!("setsid sleep {far} < /dev/null > /dev/null 2>&1 &"));
    until("both", || (is_running(near) && is_running(far)).then_some(()));
    grant(json!(["view_logs"]));
    terminal.ended();
    until("nothing of the desk to run", || (!is_running(near) && !is_running(far)).then_some(()));
    let refused = scene.stoa.send(&editor, "POST", &format!("{desk}/desk"), None).expect(403);
    assert_eq!(refused.field("code"), "permission_denied");
    assert_eq!(machine.sandboxes(), before, "the application goes on");

    // While it is deleted, behind a last backup.
    let whole = json!({ "confirm": "Guestbook", "backup": true });
    let begun = scene.send("DELETE", "/instances/guestbook", Some(whole)).expect(202);
    until("the last backup", || copies.exists().then_some(()));
    machine.kill();
    scene.server("away");
    machine.start(&[]);
    scene.job(&begun);
    let _ = scene.send("GET", "/instances/guestbook", None).expect(404);
    for folder in ["data", "run", "releases", "copies"] {
        assert!(!of(folder).exists(), "{folder}");
    }
    assert_eq!((machine.sandboxes(), std::fs::read_dir(locks).unwrap().count()), (Vec::new(), 0));
    let kept = scene.get("/backups?deleted=true")["items"].clone();
    let kept: Vec<_> = kept.as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(kept, ["ready"; 3], "by hand, before the restore, the last");
}

#[test]
fn a_machine_is_reached_by_every_replica_and_goes_over_to_another() {
    let ground = Ground::new();
    let mut first = ground.replica(None, &[]);
    // What the public address leads to stands before both.
    let between = Between::new(first.port);
    first.public_port = between.port;
    first.environment.push(("STOA_PUBLIC_URL".to_owned(), format!("http://localhost:{}", between.port)));
    first.run();
    let mut second = ground.replica(Some(between.port), &[]);
    give_key(&first, &second);
    second.run();
    let account =
        json!({ "token": TOKEN, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
    let owner = first.send("", "POST", "/setup", Some(account)).expect(201).cookie();
    let _ = first.send(&owner, "POST", "/workspaces", Some(json!({ "name": "Acme" }))).expect(201);
    let send = |stoa: &Installation, method: &str, path: &str, body: Option<Value>| {
        stoa.send(&owner, method, &format!("{W}{path}"), body)
    };
    let made = send(&first, "POST", "/servers", Some(json!({ "name": "Far" }))).expect(201).json();
    let mut machine = Machine::new();
    machine.start(&["--join", &between.address(&made["join"])]);
    let is = |stoa: &Installation, wanted: &str| {
        until(&format!("the server {wanted}"), || {
            let server = send(stoa, "GET", "/servers/far", None);
            (server.status == 200 && server.field("status") == wanted).then_some(())
        });
    };
    is(&first, "ready");
    // The first has its link; the second asks by way of it.
    is(&second, "ready");
    let _ = send(&second, "POST", "/projects", Some(json!({ "name": "Site" }))).expect(201);
    let token =
        first.send(&owner, "POST", "/me/tokens", Some(json!({ "name": "git" }))).expect(201).field("token");
    let app = [("Procfile", "web: exec python3 -m http.server --bind 127.0.0.1 $PORT\n")];
    let remote = format!("http://git:{token}@localhost:{}/git/acme/site.git", second.port);
    push_files(&second.folder.path().join("site"), &app, &remote);
    let body =
        json!({ "name": "Site", "project": "site", "server": "far", "stage": "staging", "branch": "main" });
    let begun = send(&second, "POST", "/instances", Some(body)).expect(202).json();
    let job = format!("/jobs/{}", begun["job"]["id"].as_str().unwrap());
    until("the deployment", || {
        (send(&second, "GET", &job, None).field("status") == "succeeded").then_some(())
    });
    let served = |stoa: &Installation| {
        until("the page", || {
            stoa.try_send("", "GET", "/", None, "site-acme.localhost").filter(|answer| answer.status == 200)
        });
    };
    served(&first);
    served(&second);
    let lines = send(&second, "GET", "/instances/site/logs?limit=5", None).expect(200);
    assert!(lines.text.contains("\"text\""), "{}", lines.text);
    let before = machine.sandboxes();
    assert_eq!(before.len(), 1);
    // Who isn't a replica gets nothing there.
    let stranger =
        first.try_send("", "GET", &format!("/internal/agents/{NOBODYS}"), None, "127.0.0.1").unwrap();
    assert_eq!(stranger.status, 422, "{}", stranger.text);

    // The one that has the link dies: the agent comes to the other, and so does all that is asked.
    first.kill();
    between.lead_to(second.port);
    is(&second, "ready");
    served(&second);
    let path = "/instances/site/restart";
    let begun = send(&second, "POST", path, Some(json!({ "mode": "soft" }))).expect(202).json();
    let job = format!("/jobs/{}", begun["job"]["id"].as_str().unwrap());
    until("the restart", || (send(&second, "GET", &job, None).field("status") == "succeeded").then_some(()));
    assert_eq!(machine.sandboxes(), before);
    first.run();
    is(&first, "ready");
    served(&first);
}

/// An id that is no machine's.
const NOBODYS: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
