//! The client, as it is typed: against the real program, and against a server of the test's own that looks at each
//! request.

mod answers;
mod pieces;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pieces::{branches_are_merged, logs_become_files};
use serde_json::{Value, json};

use crate::support::terminal::{Terminal, address, ground};
use crate::support::{PASSWORD, SECRET, push_files, until};

#[test]
fn signing_in_keeps_a_token_of_its_own_and_nothing_else_and_signing_out_ends_it() {
    let (stoa, terminal, cookie) = ground();
    let kept = std::fs::read_to_string(terminal.kept()).unwrap();
    assert_eq!(std::fs::metadata(terminal.kept()).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!kept.contains(PASSWORD) && kept.contains("stoa_pat_"), "{kept}");
    let tokens = stoa.send(&cookie, "GET", "/me/tokens", None).expect(200).json();
    assert!(tokens["items"][0]["name"].as_str().unwrap().starts_with("stoa on "), "{tokens}");
    let sessions = stoa.send(&cookie, "GET", "/me/sessions", None).expect(200).json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1, "its session has ended: {sessions}");

    // The same place as another user: nobody is signed in there.
    Terminal::new().stoa(&["workspace", "list"]).refused(2, "Sign in: stoa login URL");
    terminal.with(&["login", &address(&stoa)], "olga@example.com\nanother password\n").refused(1, "is wrong");
    std::fs::set_permissions(terminal.kept(), std::fs::Permissions::from_mode(0o644)).unwrap();
    terminal.stoa(&["workspace", "list"]).refused(1, "may be read by others: run chmod 600");
    std::fs::set_permissions(terminal.kept(), std::fs::Permissions::from_mode(0o600)).unwrap();

    let said = terminal.with(&["logout"], &format!("{PASSWORD}\n")).well();
    assert!(said.contains("Signed out") && !said.contains("still counts"), "{said}");
    let tokens = stoa.send(&cookie, "GET", "/me/tokens", None).expect(200).json();
    assert_eq!(tokens["items"], json!([]));
    assert!(!std::fs::read_to_string(terminal.kept()).unwrap().contains("stoa_pat_"));
    terminal.stoa(&["workspace", "list"]).refused(2, "Sign in");

    // A token that was made on the page, by standard input; and by the environment alone.
    stoa.send(&cookie, "POST", "/session/confirm", Some(json!({ "password": PASSWORD }))).expect(204);
    let token = stoa
        .send(&cookie, "POST", "/me/tokens", Some(json!({ "name": "by hand" })))
        .expect(201)
        .field("token");
    let said = terminal.with(&["login", &address(&stoa), "--with-token"], &format!("{token}\n")).well();
    assert!(said.contains("as Olga."), "{said}");
    let said = terminal.stoa(&["logout"]).well();
    assert!(said.contains("The access token still counts"), "{said}");
    let mut script = Terminal::new();
    script.more = vec![("STOA_URL", address(&stoa)), ("STOA_TOKEN", token)];
    assert!(script.stoa(&["workspace", "list"]).well().contains("You are in no workspace"));
    script.more[1].1 = "stoa_pat_nothing".to_owned();
    let told = script.stoa(&["workspace", "list"]);
    assert!(!told.complaint.contains("Sign in"), "{}", told.complaint);
    told.refused(
        1,
        "This token isn't valid: it is wrong, has ended or was deleted. Make another under Account",
    );
}

#[test]
fn people_and_what_they_may_is_seen_to_from_a_terminal() {
    let (stoa, terminal, cookie) = ground();
    let said = terminal.stoa(&["workspace", "create", "東京支社 Works", "--slug", "works"]).well();
    assert!(said.contains("stoa workspace use works"), "{said}");
    terminal.stoa(&["member", "list"]).refused(2, "which workspace?");
    terminal
        .stoa(&["workspace", "use", "nothing"])
        .refused(1, "No workspace nothing. See stoa workspace list");
    terminal.stoa(&["workspace", "use", "works"]).well();
    let listed = terminal.stoa(&["workspace", "list"]).well();
    let lines: Vec<&str> = listed.lines().collect();
    // Letters of East Asia are two columns wide.
    let head = "SLUG   NAME            ROLE   MEMBERS  PROJECTS  INSTANCES";
    assert_eq!(lines, [head, "works  東京支社 Works  owner  1        0         0          *"], "{listed}");
    assert_eq!(terminal.json(&["workspace", "list"])["items"][0]["slug"], "works");
    terminal
        .stoa(&["workspace", "change", "works"])
        .refused(2, "say what to change: --name, --slug, --color");
    assert!(terminal.stoa(&["workspace", "change", "works", "--name", "Works"]).well().contains("Name"));

    let invited = terminal.stoa(&["invite", "create", "tess@example.com", "nonsense", "otto@example.com"]);
    assert!(
        invited.complaint.contains("nonsense: ") && invited.complaint.contains("one address wasn't invited")
    );
    let link = invited.said.lines().find(|line| line.contains("/invitations/")).unwrap().to_owned();
    assert_eq!(invited.code, 1);
    assert!(terminal.stoa(&["invite", "list"]).well().contains("otto@example.com"));
    terminal.stoa(&["invite", "create", "tess@example.com"]).refused(1, "has an invitation that waits");
    terminal.stoa(&["invite", "revoke", "otto@example.com"]).well();
    terminal
        .stoa(&["invite", "revoke", "otto@example.com"])
        .refused(1, "no invitation of otto@example.com waits");
    let token = link.rsplit('/').next().unwrap();
    let accept = json!({ "name": "Tess", "password": PASSWORD });
    stoa.send("", "POST", &format!("/invitations/{token}/accept"), Some(accept)).expect(200);

    assert!(terminal.stoa(&["project", "create", "Shop"]).well().contains("git remote add stoa http"));
    let shown = terminal.stoa(&["permission", "show", "tess@example.com"]).well();
    assert!(shown.contains("Actions    none") && shown.contains("Projects   none"), "{shown}");
    let set = terminal.stoa(&[
        "permission",
        "set",
        "Tess",
        "--actions",
        "view_projects,view_logs",
        "--add",
        "project:shop",
    ]);
    assert!(
        set.complaint.contains("+ actions: view_logs") && set.complaint.contains("+ projects: shop"),
        "{}",
        set.complaint
    );
    assert!(set.well().contains("Projects   shop"));
    let set = terminal.stoa(&["permission", "set", "Tess", "--remove", "view_logs"]);
    assert!(set.complaint.contains("- actions: view_logs"), "{}", set.complaint);
    for flag in ["--add", "--remove", "--actions"] {
        let refused = terminal.stoa(&["permission", "set", "Tess", flag, "fly"]);
        refused.refused(2, "fly isn't an action. There are: view_projects, restart_instances");
    }
    let same = terminal.stoa(&["permission", "set", "Tess", "--add", "project:shop"]);
    assert!(same.complaint.is_empty(), "{}", same.complaint);
    assert_eq!(same.well(), "Nothing changes.\n");
    terminal
        .stoa(&["permission", "set", "Tess", "--add", "project:nothing"])
        .refused(1, "there is no project nothing");
    let saved = terminal.json(&["permission", "show", "Tess"]);
    assert_eq!(saved["actions"], json!(["view_projects"]));
    let ends = ["permission", "set", "Tess", "--until", "project:shop=2099-01-01T00:00:00Z"];
    assert!(terminal.stoa(&ends).well().contains("shop until 2099-01-01"));
    assert_eq!(
        terminal.json(&["permission", "set", "Tess", "--until", "project:shop="])["until"],
        Value::Null
    );
    assert!(terminal.stoa(&["permission", "presets"]).well().contains("Tester"));
    assert!(
        terminal.stoa(&["permission", "set", "Tess", "--preset", "support"]).well().contains("view_logs")
    );
    terminal.stoa(&["permission", "set", "Tess", "--preset", "king"]).refused(1, "there is no preset king");
    assert!(terminal.stoa(&["permission", "who", "--action", "view_logs"]).well().contains("Olga"));
    terminal.stoa(&["permission", "set", "Tess", "--actions", "view_projects"]).well();
    let why = terminal.stoa(&["permission", "explain", "Tess", "--action", "view_logs"]).well();
    assert!(why.starts_with("Not allowed: "), "{why}");

    // Tess herself: what she may not is refused by a sentence that says whom to ask.
    let hers = Terminal::new();
    hers.with(&["login", &address(&stoa)], &format!("tess@example.com\n{PASSWORD}\n")).well();
    assert!(hers.stoa(&["project", "list"]).well().contains("shop"));
    hers.stoa(&["project", "create", "Another"]).refused(1, "Ask Olga");
    hers.stoa(&["instance", "logs", "nothing"]).refused(1, "No instance nothing");
    assert!(hers.stoa(&["server", "list"]).well().starts_with("You may see no server."));

    assert!(terminal.stoa(&["member", "change", "Tess", "--role", "owner"]).well().contains("owner"));
    terminal.stoa(&["member", "change", "Tess", "--role", "king"]).refused(2, "owner, member");
    terminal.stoa(&["member", "remove", "Tess"]).refused(2, "Say --yes if that is meant");
    terminal.stoa(&["member", "remove", "Tess", "--yes"]).well();
    assert!(!terminal.stoa(&["member", "list"]).well().contains("tess@example.com"));
    terminal.stoa(&["project", "delete", "shop"]).refused(2, "Say --yes");
    terminal.stoa(&["project", "delete", "shop", "--yes"]).well();
    terminal.stoa(&["workspace", "delete", "works", "--yes"]).well();
    assert_eq!(stoa.send(&cookie, "GET", "/workspaces", None).expect(200).json()["items"], json!([]));
    drop(stoa);
}

const TICKER: &[(&str, &str)] = &[
    ("stoa.toml", "[run]\ncommand = [\"python3\", \"-u\", \"app.py\"]\n"),
    (
        "app.py",
        "import http.server, os, threading, time\ndef tick():\n    number = 0\n    while True:\n        print('tick', number)\n        number += 1\n        time.sleep(0.05)\nthreading.Thread(target=tick, daemon=True).start()\nclass H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()\n    def log_message(self, *_): pass\nhttp.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), H).serve_forever()\n",
    ),
];

/// What runs, what is run at its times; a backup, what is made of it, what opens it, and its end.
fn what_runs_and_backups_are_seen_to(terminal: &Terminal, place: &[&str]) {
    let runs = terminal.stoa(&["instance", "processes", "ticker"]).well();
    assert!(runs.contains("RUNS SINCE") && runs.contains("(the application)"), "{runs}");
    assert_eq!(terminal.json(&["instance", "processes", "ticker"])[0]["is_running"], true);
    let at_times = terminal.stoa(&["instance", "schedules", "ticker"]).well();
    assert!(at_times.contains("names none"), "{at_times}");
    let made = terminal.json(&["instance", "backup", "ticker"]);
    let backup = made["backup"].as_str().unwrap();
    assert_eq!(
        (&made["id"], &made["status"], &made["job"]["status"]),
        (&json!(backup), &json!("ready"), &json!("succeeded"))
    );
    let key = terminal.stoa(&["instance", "backup-key", backup]).well();
    assert!(key.contains("Password") && key.contains("restic --repo") && key.contains(backup), "{key}");
    let copy = [&["instance", "create", "Copy", "--from-backup", backup][..], place].concat();
    let copied = terminal.stoa(&copy);
    assert!(copied.complaint.contains("restore"), "{}", copied.complaint);
    copied.well();
    // One that is there takes over what another one held.
    let into = ["instance", "restore", "copy", "--backup", backup];
    terminal.stoa(&into).refused(2, "This replaces what the instance Copy holds");
    assert!(terminal.stoa(&[&into[..], &["--yes"]].concat()).well().contains("It is restored"));
    terminal.stoa(&["instance", "delete", "copy", "--backup", "--yes"]).well();
    // Of an instance that is gone, by the backup alone.
    let last = terminal.json(&["instance", "backups"])["items"][0]["id"].as_str().unwrap().to_owned();
    let file = terminal.folder.path().join("last.tar.zst");
    terminal.stoa(&["instance", "download", "--backup", &last, "--to", file.to_str().unwrap()]).well();
    assert!(file.metadata().unwrap().len() > 0);
    terminal.stoa(&["instance", "download"]).refused(2, "INSTANCE");
    terminal.stoa(&["instance", "backup-delete", backup]).refused(2, "Say --yes");
    assert!(terminal.stoa(&["instance", "backup-delete", backup, "--yes"]).well().contains("is deleted"));
    terminal.stoa(&["instance", "backup-key", backup]).refused(1, "");
}

/// Seen, set, listed and reverted; domains claimed, looked for and given up.
fn settings_are_set(terminal: &Terminal) {
    let settings = |words: &[&str]| terminal.stoa(&[&["instance", "settings"][..], words].concat());
    let shown = settings(&["get", "ticker"]).well();
    assert!(shown.contains("Branch") && shown.contains("as the application says"), "{shown}");
    let set = [
        "set",
        "ticker",
        "--memory",
        "512MiB",
        "--processor",
        "1.5",
        "--backup-at",
        "03:00",
        "--set",
        "COLOUR=red",
    ];
    let shown = settings(&set).well();
    assert!(
        shown.contains("512 MiB") && shown.contains("1.5") && shown.contains("every day at 03:00"),
        "{shown}"
    );
    assert!(
        shown.contains("COLOUR") && shown.contains("HIDDEN  (secret)") && shown.contains("restart --hard"),
        "{shown}"
    );
    settings(&["set", "ticker", "--memory", "much"]).refused(2, "has to be a size such as 512MiB");
    settings(&["set", "ticker", "--memory", "1MiB"]).refused(1, "This is from 67108864 to");
    settings(&["set", "ticker", "--branch=-x"]).refused(1, "a name that a branch can have");
    settings(&["set", "ticker"]).refused(2, "nothing to set");
    settings(&["get", "nothing"]).refused(1, "No instance nothing");
    let claimed = settings(&["domain", "add", "ticker", "Shop.Example.org"]).well();
    assert!(
        claimed.contains("shop.example.org  no") && claimed.contains("_stoa.shop.example.org"),
        "{claimed}"
    );
    settings(&["domain", "add", "ticker", "x.localhost"]).refused(1, "Stoa itself is reached");
    let removed = settings(&["domain", "remove", "ticker", "shop.example.org"]).well();
    assert!(removed.contains("no domains of its own"), "{removed}");
    let listed = terminal.json(&["instance", "settings", "history", "ticker"]);
    let number = listed["items"][2]["number"].to_string();
    assert_eq!(listed["items"][2]["parts"].as_array().unwrap().len(), 4, "{listed}");
    assert!(settings(&["history", "ticker"]).well().contains("COLOUR: - -> red"));
    let reverted = settings(&["revert", "ticker", &number]).well();
    assert!(!reverted.contains("COLOUR") && reverted.contains("by hand only"), "{reverted}");
    settings(&["revert", "ticker", &number]).refused(1, "There is nothing to revert");
}

#[test]
fn an_instance_is_made_followed_restarted_and_taken_away_from_a_terminal() {
    let (stoa, terminal, cookie) = ground();
    terminal.stoa(&["workspace", "create", "Acme"]).well();
    terminal.stoa(&["workspace", "use", "acme"]).well();
    terminal.stoa(&["server", "create", "Here", "--local"]).well();
    assert!(terminal.stoa(&["server", "show", "here"]).well().contains("Processors"));
    terminal.stoa(&["project", "create", "Shop"]).well();
    stoa.send(&cookie, "POST", "/session/confirm", Some(json!({ "password": PASSWORD }))).expect(204);
    let token =
        stoa.send(&cookie, "POST", "/me/tokens", Some(json!({ "name": "git" }))).expect(201).field("token");
    push_files(
        &stoa.folder.path().join("work"),
        TICKER,
        &format!("http://x:{token}@localhost:{}/git/acme/shop.git", stoa.port),
    );
    assert!(terminal.stoa(&["project", "branches", "shop"]).well().contains("The first"));
    assert!(terminal.stoa(&["project", "commits", "shop"]).well().contains("Olga"));
    branches_are_merged(&terminal, &stoa.folder.path().join("work"));

    let place = ["--project", "shop", "--server", "here", "--stage", "staging", "--branch", "main"];
    let words =
        [&["instance", "create", "Ticker", "--set", "PLAIN=seen", "--secret", "HIDDEN"][..], &place].concat();
    let made = terminal.with(&words, &format!("{SECRET}\n"));
    assert!(made.complaint.starts_with("deploy"), "{}", made.complaint);
    assert!(made.well().contains("It is deployed: http://ticker-acme.localhost"));
    let variables = terminal.stoa(&["instance", "environment", "ticker"]).well();
    assert!(variables.contains("PLAIN   seen") && variables.contains("HIDDEN  (secret)"), "{variables}");
    let words =
        ["instance", "environment", "ticker", "--set", "MORE=yes", "--unset", "PLAIN", "--secret", "HIDDEN"];
    let changed = terminal.with(&words, "another\n").well();
    assert!(changed.contains("MORE    yes") && !changed.contains("PLAIN"), "{changed}");
    assert!(changed.contains("HIDDEN  (secret)") && changed.contains("restart --hard"), "{changed}");
    terminal.stoa(&["instance", "cancel", "ticker"]).refused(1, "nothing goes on there");
    settings_are_set(&terminal);
    assert!(terminal.stoa(&["instance", "list"]).well().contains("running"));
    assert!(terminal.stoa(&["instance", "deployments", "ticker"]).well().contains("succeeded"));
    assert!(!terminal.stoa(&["instance", "logs", "ticker", "--deployment", "1"]).well().is_empty());
    terminal.stoa(&["instance", "logs", "ticker", "--deployment", "9"]).refused(1, "it has no deployment 9");

    // A log that is followed, over a restart of the application; as lines of the API's objects.
    let mut follower =
        terminal.command(&["instance", "logs", "ticker", "--follow", "--json"]).spawn().unwrap();
    let mut reader = BufReader::new(follower.stdout.take().unwrap());
    let mut until_tick = |is_meant: fn(i64) -> bool| loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "it ended");
        let value: Value = serde_json::from_str(&line).unwrap();
        let tick = value["text"].as_str().and_then(|text| text.strip_prefix("tick ")?.parse().ok());
        if tick.is_some_and(is_meant) {
            return;
        }
    };
    // How long it has run by now is the machine's affair.
    until_tick(|number| number >= 3);
    assert!(terminal.stoa(&["instance", "restart", "ticker"]).well().contains("It is restarted"));
    until_tick(|number| number == 0);
    follower.kill().unwrap();
    follower.wait().unwrap();
    let few = terminal.stoa(&["instance", "logs", "ticker", "--limit", "3"]).well();
    assert_eq!(few.lines().count(), 3, "{few}");
    let found =
        terminal.stoa(&["instance", "logs", "ticker", "--grep", "TICK 2", "--level", "info,debug"]).well();
    assert!(!found.is_empty() && found.lines().all(|line| line.contains("tick 2")), "{found}");
    let of_init = terminal.stoa(&["instance", "logs", "ticker", "--source", "init"]).well();
    assert!(of_init.contains("restarting") && !of_init.contains("tick"), "{of_init}");
    terminal.stoa(&["instance", "logs", "ticker", "--level", "loud"]).refused(2, "loud");
    logs_become_files(&terminal);
    let words = ["instance", "logs", "ticker", "--source", "init", "--deployment", "1"];
    terminal.stoa(&words).refused(2, "--deployment");
    let words =
        ["instance", "logs", "ticker", "--since", "2030-01-01T00:00:00Z", "--until", "2029-01-01T00:00:00Z"];
    terminal.stoa(&words).refused(1, "The end is before the beginning");

    terminal
        .stoa(&["instance", "deploy", "ticker", "--commit", "0123456789012345678901234567890123456789"])
        .refused(1, "");
    let stopped = terminal.json(&["instance", "stop", "ticker"]);
    assert_eq!(stopped["job"]["status"], "succeeded");
    terminal.stoa(&["instance", "stop", "ticker"]).refused(1, "");
    let going = terminal.json(&["instance", "start", "ticker", "--no-wait"]);
    assert!(going["job"]["id"].is_string(), "{going}");
    until("it runs", || {
        (terminal.json(&["instance", "show", "ticker"])["status"] == "running").then_some(())
    });
    // It keeps its address where instances that are made later get another, and the operator is told.
    let doctor = |domain: &str| {
        let mut command = stoa.command();
        command.arg("doctor").arg("--data-dir").arg(stoa.data()).env("STOA_INSTANCE_DOMAIN", domain);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(!doctor("localhost").contains("STOA_INSTANCE_DOMAIN"));
    let said = doctor("apps.example");
    assert!(said.contains("note     1 instance is not below apps.example"), "{said}");
    what_runs_and_backups_are_seen_to(&terminal, &place);
    terminal.stoa(&["instance", "change", "ticker", "--protected", "true"]).well();
    terminal.stoa(&["instance", "change", "ticker", "--protected", "false", "--name", "Tock"]).well();
    terminal.stoa(&["instance", "delete", "ticker", "--yes"]).well();
    terminal.stoa(&["instance", "show", "ticker"]).refused(1, "No instance ticker");
    let audit = stoa.send(&cookie, "GET", "/workspaces/acme/audit?limit=200", None).expect(200).text;
    assert!(audit.contains("\"command\""), "what was done here is told so");
}

#[test]
fn shells_are_told_what_can_be_typed_and_mistakes_end_with_two() {
    let terminal = Terminal::new();
    for shell in ["bash", "zsh", "fish"] {
        let said = terminal.stoa(&["completions", shell]).well();
        assert!(said.contains("instance") && said.contains("no-wait") && said.contains("backup"), "{shell}");
        assert!(Path::new(&said).is_relative());
    }
    terminal.stoa(&["instance", "dance"]).refused(2, "unrecognized subcommand");
    terminal.stoa(&["permission", "explain", "Tess"]).refused(2, "--action");
    terminal.stoa(&["instance", "logs", "a", "--limit", "0"]).refused(2, "--limit");
    // What can be read as no time, action or grant is refused before anybody is asked, so nobody has to be signed in.
    let time = "a time is written like 2026-11-24T12:00:00Z";
    for flag in ["--since", "--until"] {
        terminal.stoa(&["instance", "logs", "a", flag, "yesterday"]).refused(2, time);
    }
    let set = |flag: &str, value: &str| terminal.stoa(&["permission", "set", "Tess", flag, value]);
    set("--until", "view_logs=tomorrow").refused(2, time);
    set("--until", "fly=2099-01-01T00:00:00Z").refused(2, "fly isn't an action");
    set("--until", "view_logs").refused(2, "has to be WORD=TIME");
    set("--add", "branch:main").refused(2, "has to be an action, or project:");
    set("--actions", "view_logs,fly").refused(2, "fly isn't an action");
    for wrong in ["25:00", "2:00", "02:60", "noon"] {
        terminal
            .stoa(&["instance", "settings", "set", "a", "--backup-at", wrong])
            .refused(2, "a time of the day is written like 02:00");
    }
    set("--until", "view_logs=").refused(2, "you aren't signed in anywhere");
    set("--actions", "").refused(2, "you aren't signed in anywhere");
}
