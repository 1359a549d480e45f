//! `stoa admin` on the machine: the same whether Stoa runs or not, and told in the audit log as a command.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Installation, PASSWORD};

fn admin(own: &Installation, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STOA_")) {
        command.env_remove(name);
    }
    command.args(["admin"]).args(arguments).arg("--data-dir").arg(own.data());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn done(own: &Installation, arguments: &[&str], input: &str) -> String {
    let output = admin(own, arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(own: &Installation, arguments: &[&str], input: &str) -> String {
    let output = admin(own, arguments, input);
    assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn sign_in(own: &Installation, email: &str, password: &str) -> crate::support::Answer {
    own.send("", "POST", "/session", Some(json!({ "email": email, "password": password })))
}

/// All that is done on the machine, in whatever state Stoa is. `look` asks the page meanwhile, where there is one.
fn everything(own: &Installation, mut while_it_runs: impl FnMut(&str)) {
    let listed: Value = serde_json::from_str(&done(own, &["accounts", "--json"], "")).unwrap();
    let emails: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap()).collect();
    assert_eq!(emails, ["olga@example.com", "tina@example.com"]);
    let table = done(own, &["accounts", "--search", "TINA"], "");
    assert!(
        table.starts_with("NAME") && table.contains("tina@example.com") && !table.contains("olga@"),
        "{table}"
    );
    assert!(done(own, &["workspaces"], "").contains("acme"));
    assert!(done(own, &["state"], "").contains("not configured"));

    // Olga is the last administrator, and Tina the last owner of her workspace.
    let sentence = refused(own, &["disable", "olga@example.com", "--even-last-owner"], "");
    assert!(sentence.contains("always has an active administrator"), "{sentence}");
    let sentence = refused(own, &["disable", "tina@example.com"], "");
    assert!(
        sentence.contains("last active owner of hers") && sentence.contains("--even-last-owner"),
        "{sentence}"
    );
    while_it_runs("tina may");
    let told = done(own, &["disable", "Tina@Example.com", "--even-last-owner"], "");
    assert!(told.contains("disabled") && told.contains("no active owner now"), "{told}");
    while_it_runs("tina may not");
    let ownerless: Value =
        serde_json::from_str(&done(own, &["workspaces", "--search", "hers", "--json"], "")).unwrap();
    assert_eq!(ownerless[0]["has_active_owner"], false);
    assert!(refused(own, &["owner", "acme", "olga@example.com"], "").contains("has an active owner"));
    assert!(
        refused(own, &["owner", "nowhere", "olga@example.com"], "").contains("There is no workspace nowhere")
    );
    assert!(done(own, &["owner", "hers", "olga@example.com"], "").contains("owned by olga@example.com"));
    assert!(done(own, &["enable", "tina@example.com"], "").contains("active"));

    // The new password comes by standard input alone.
    assert!(refused(own, &["reset-password", "tina@example.com"], "short\n").contains("10"));
    let own_address = refused(own, &["reset-password", "tina@example.com"], "Tina@example.com\n");
    assert!(own_address.contains("own name or address"), "{own_address}");
    let said = done(own, &["reset-password", "tina@example.com"], "another sentence entirely\n");
    assert!(said.contains("signed out everywhere") && !said.contains("another sentence"), "{said}");
    while_it_runs("tina has a new password");
    assert!(refused(own, &["remove-second-factor", "tina@example.com"], "").contains("no second factor"));
    assert!(done(own, &["make-administrator", "tina@example.com"], "").contains("an administrator"));
    assert!(done(own, &["unmake-administrator", "olga@example.com"], "").contains("a plain account"));
    assert!(refused(own, &["unmake-administrator", "tina@example.com"], "").contains("always has an active"));
    assert!(done(own, &["make-administrator", "olga@example.com"], "").contains("an administrator"));
    assert!(done(own, &["unmake-administrator", "tina@example.com"], "").contains("a plain account"));
    assert!(refused(own, &["disable", "nobody@example.com"], "").contains("There is no account"));
}

fn with_people() -> (Installation, String) {
    let own = Installation::start();
    let first = json!({ "token": own.setup_token, "name": "Olga Owner", "email": "olga@example.com", "password": PASSWORD });
    let olga = own.send("", "POST", "/setup", Some(first)).expect(201).cookie();
    own.send(&olga, "POST", "/workspaces", Some(json!({ "name": "Acme" }))).expect(201);
    let invited = own
        .send(&olga, "POST", "/workspaces/acme/invitations", Some(json!({ "email": "tina@example.com" })))
        .expect(201);
    let token = invited.field("link").rsplit('/').next().unwrap().to_owned();
    let path = format!("/invitations/{token}/accept");
    let tina = own
        .send("", "POST", &path, Some(json!({ "name": "Tina Tester", "password": PASSWORD })))
        .expect(200)
        .cookie();
    own.send(&tina, "POST", "/workspaces", Some(json!({ "name": "Hers" }))).expect(201);
    (own, tina)
}

#[test]
fn the_machine_administers_while_stoa_runs() {
    let (own, tina) = with_people();
    let session = tina.clone();
    everything(&own, |step| match step {
        "tina may" => drop(own.send(&session, "GET", "/me", None).expect(200)),
        "tina may not" => {
            own.send(&session, "GET", "/me", None).expect(401);
            sign_in(&own, "tina@example.com", PASSWORD).expect(401);
        }
        _ => {
            sign_in(&own, "tina@example.com", PASSWORD).expect(401);
            sign_in(&own, "tina@example.com", "another sentence entirely").expect(200);
        }
    });
    let olga = sign_in(&own, "olga@example.com", PASSWORD).expect(200).cookie();
    let log = own.send(&olga, "GET", "/workspaces/hers/audit", None).expect(200).json();
    let events = log["items"].as_array().unwrap();
    let disabled =
        events.iter().find(|event| event["action"] == "account.disable").expect("in the workspace's log");
    assert_eq!((&disabled["via"], &disabled["actor"]), (&json!("command"), &Value::Null), "{disabled}");
    assert!(!disabled["detail"]["system_user"].as_str().unwrap().is_empty());
}

#[test]
fn the_machine_administers_while_stoa_doesnt_run() {
    let (mut own, tina) = with_people();
    own.kill();
    everything(&own, |_| {});
    own.run();
    own.send(&tina, "GET", "/me", None).expect(401);
    sign_in(&own, "tina@example.com", PASSWORD).expect(401);
    sign_in(&own, "tina@example.com", "another sentence entirely").expect(200);
}

#[test]
fn nothing_is_made_where_there_is_no_installation() {
    let own = Installation::prepare(&[]);
    assert!(refused(&own, &["accounts"], "").contains("there is no data directory"));
    assert!(!own.data().exists());
    std::fs::create_dir(own.data()).unwrap();
    assert!(refused(&own, &["accounts"], "").contains("there are no records here yet"));
    let made: Vec<_> =
        std::fs::read_dir(own.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(made, ["stoa.lock"]);
}
