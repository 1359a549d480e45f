//! What people and scripts are told at a terminal where something isn't there, isn't right, or is done a second time.

use serde_json::{Value, json};

use crate::support::terminal::{Ended, Listening, Terminal, address, answer, ground};
use crate::support::{Installation, PASSWORD};

/// The dates on which the tokens end.
fn ends(stoa: &Installation, cookie: &str) -> Vec<Value> {
    let tokens = stoa.send(cookie, "GET", "/me/tokens", None).expect(200).json();
    tokens["items"].as_array().unwrap().iter().map(|token| token["expires_at"].clone()).collect()
}

#[test]
fn who_signs_in_again_has_one_token_on_this_machine_and_it_ends() {
    let (stoa, terminal, cookie) = ground();
    let signed_in = format!("olga@example.com\n{PASSWORD}\n");
    let in_a_year = |text: &Value| {
        let ends: jiff::Timestamp = text.as_str().unwrap().parse().unwrap();
        (jiff::Timestamp::now().duration_until(ends).as_hours() - 365 * 24).abs() < 48
    };
    assert!(matches!(ends(&stoa, &cookie).as_slice(), [one] if in_a_year(one)));
    let before = std::fs::read_to_string(terminal.kept()).unwrap();
    // A sign-in that is refused leaves the one that is kept.
    let refused = terminal.with(&["login", &address(&stoa)], "olga@example.com\nanother password\n");
    assert!(!refused.complaint.contains("Sign in again"), "{}", refused.complaint);
    refused.refused(1, "is wrong");
    assert_eq!(std::fs::read_to_string(terminal.kept()).unwrap(), before);
    terminal.stoa(&["workspace", "list"]).well();
    terminal.with(&["login", &address(&stoa), "--days", "0"], &signed_in).well();
    assert_eq!(ends(&stoa, &cookie), [Value::Null], "the earlier one has ended");
    assert_ne!(std::fs::read_to_string(terminal.kept()).unwrap(), before);
    terminal.stoa(&["workspace", "list"]).well();
    // Another machine's stays.
    let other = Terminal::new();
    other.with(&["login", &address(&stoa)], &signed_in).well();
    assert_eq!(ends(&stoa, &cookie).len(), 2);

    // Signing out where nobody can be asked, and with a wrong password: what is kept stays, and counts.
    let said = "Password is needed on standard input, to end the access token. Or say --keep-token";
    terminal.stoa(&["logout"]).refused(2, said);
    let said = "Nothing was changed: you are still signed in here";
    terminal.with(&["logout"], "another password\n").refused(1, said);
    terminal.stoa(&["workspace", "list"]).well();
    assert!(terminal.stoa(&["logout", "--keep-token"]).well().contains("still counts"));
    assert_eq!(ends(&stoa, &cookie).len(), 2);
    // One that has ended is told as such, and where to sign in.
    let tokens = stoa.send(&cookie, "GET", "/me/tokens", None).expect(200).json();
    stoa.send(&cookie, "POST", "/session/confirm", Some(json!({ "password": PASSWORD }))).expect(204);
    for token in tokens["items"].as_array().unwrap() {
        let path = format!("/me/tokens/{}", token["id"].as_str().unwrap());
        stoa.send(&cookie, "DELETE", &path, None).expect(204);
    }
    let sentence = format!("Sign in again: stoa login {}", address(&stoa));
    other.stoa(&["workspace", "list"]).refused(1, &sentence);
}

/// What a command that failed prints for scripts.
#[track_caller]
fn error_of(ended: Ended, code: i32) -> Value {
    assert_eq!(ended.code, code, "{}{}", ended.said, ended.complaint);
    let told: Value =
        serde_json::from_str(&ended.complaint).unwrap_or_else(|error| panic!("{error}: {}", ended.complaint));
    let error = told["error"].clone();
    for name in ["code", "title", "detail"] {
        assert!(!error[name].as_str().unwrap_or_default().is_empty(), "{name}: {error}");
    }
    error
}

#[test]
fn scripts_are_told_what_goes_wrong_as_an_object() {
    let (stoa, terminal, _) = ground();
    let json = |words: &[&str], code| error_of(terminal.stoa(&[words, &["--json"]].concat()), code);
    let missing = json(&["workspace", "show", "nope"], 1);
    assert_eq!(missing["code"], "not_found");
    assert_eq!(missing["detail"], "No workspace nope. See stoa workspace list");
    assert_eq!(json(&["workspace", "change", "nope"], 2)["code"], "usage");
    let dance = json(&["workspace", "dance"], 2);
    assert_eq!(
        (&dance["code"], &dance["detail"]),
        (&json!("usage"), &json!("There is no command dance. Did you mean change? See --help."))
    );
    assert_eq!(json(&["workspace", "create", ""], 1)["errors"][0]["field"], "name");
    terminal.stoa(&["workspace", "create", "Acme"]).well();
    terminal.stoa(&["workspace", "use", "acme"]).well();
    let refused = json(&["invite", "create", "nonsense", "otto@example.com"], 1);
    assert_eq!(refused["errors"][0]["field"], "nonsense", "{refused}");
    let mut nobody = Terminal::new();
    nobody.more =
        vec![("STOA_URL", "http://127.0.0.1:1".to_owned()), ("STOA_TOKEN", "stoa_pat_x".to_owned())];
    assert_eq!(error_of(nobody.stoa(&["workspace", "list", "--json"]), 1)["code"], "unreached");
    let data = stoa.data();
    let admin = ["admin", "enable", "nobody@example.com", "--json", "--data-dir", data.to_str().unwrap()];
    assert_eq!(error_of(terminal.stoa(&admin), 1)["code"], "failed");
}

#[test]
fn a_server_elsewhere_is_added_with_the_command_that_its_machine_joins_by() {
    let (_stoa, terminal, _) = ground();
    terminal.stoa(&["workspace", "create", "Acme"]).well();
    terminal.stoa(&["workspace", "use", "acme"]).well();
    let made: serde_json::Value =
        serde_json::from_str(&terminal.stoa(&["server", "add", "Far", "--json"]).well()).unwrap();
    let command = made["join"]["command"].as_str().unwrap();
    assert!(command.starts_with("stoa agent --join http"), "{command}");
    let anew = terminal.stoa(&["server", "join", "far"]).well();
    assert!(anew.starts_with("Run this on the machine that it is to be, until 20"), "{anew}");
    assert!(anew.contains("stoa agent --join http") && !anew.contains(command), "{anew}");
    assert!(terminal.stoa(&["server", "list"]).well().contains("waiting"));
}

#[test]
fn json_never_moves_the_cursor_nor_turns_what_is_read() {
    let hostile = "{\"items\":[{\"slug\":\"a\",\"name\":\"b\u{9b}2J\u{202e}c\"}],\"next\":null}";
    let server = Listening::new(vec![
        answer("200 OK", "", hostile),
        answer("409 Conflict", "", "{\"code\":\"x\",\"title\":\"T\",\"detail\":\"d\u{200f}e\"}"),
        answer("200 OK", "", "{\"position\":\"1\",\"at\":\"\",\"text\":\"l\u{85}\u{2067}m\"}\n"),
    ]);
    let terminal = server.terminal();
    let listed = terminal.stoa(&["workspace", "list", "--json"]).well();
    assert!(listed.contains("b\\u009b2J\\u202ec"), "{listed:?}");
    let refused = terminal.stoa(&["workspace", "list", "--json"]);
    assert!(refused.complaint.contains("d\\u200fe"), "{:?}", refused.complaint);
    let line = terminal.stoa(&["instance", "logs", "shop", "-w", "acme", "--json"]).well();
    assert!(line.contains("l\\u0085\\u2067m"), "{line:?}");
}

#[test]
fn what_is_not_there_is_named_and_so_is_what_makes_the_first() {
    let (stoa, terminal, _) = ground();
    terminal.stoa(&["workspace", "create", "Acme"]).well();
    terminal.stoa(&["workspace", "use", "acme"]).well();
    for (words, sentence) in [
        (&["server", "list"][..], "No server yet. Add this machine: stoa server create NAME --local"),
        (&["project", "list"], "No project yet. Make one: stoa project create NAME"),
        (&["instance", "list"], "No instance yet. Make one: stoa instance create"),
        (&["project", "list", "--search", "shop"], "No project matches."),
    ] {
        assert!(terminal.stoa(words).well().starts_with(sentence), "{words:?}");
    }
    for (words, sentence) in [
        (&["project", "list", "-w", "nope"][..], "No workspace nope. See stoa workspace list"),
        (&["member", "list", "-w", "nope"], "No workspace nope. See stoa workspace list"),
        (&["project", "show", "nope"], "No project nope. See stoa project list"),
        (&["instance", "restart", "nope"], "No instance nope. See stoa instance list"),
        (&["server", "delete", "nope", "--yes"], "No server nope. See stoa server list"),
        (&["permission", "set", "Olga", "--add", "view_logs"], "Olga is an owner, and may do everything."),
    ] {
        terminal.stoa(words).refused(1, sentence);
    }
    let here = format!("localhost:{}", stoa.port);
    let sentence = format!("No TLS answers at https://{here}. If it is plain http: stoa login http://{here}");
    terminal.stoa(&["login", &here]).refused(1, &sentence);
}

#[test]
fn help_shows_what_is_a_commands_own_and_names_every_action() {
    let help = |words: &[&str]| Terminal::new().stoa(words).well();
    let (set, explain) = (help(&["permission", "set", "--help"]), help(&["permission", "explain", "--help"]));
    for action in stoa_domain::Action::ALL {
        assert!(set.contains(action.key()) && explain.contains(action.key()), "{}", action.key());
    }
    for (words, own) in [
        (&["backup", "-h"][..], "FILE"),
        (&["restore", "-h"], "--unproved"),
        (&["migrate", "-h"], "--to"),
        (&["instances", "stop", "-h"], "--all"),
    ] {
        let help = help(words);
        assert!(help.contains(own) && help.contains("--data-dir") && !help.contains("--oidc"), "{help}");
    }
    let whole = help(&["restore", "--help"]);
    assert!(whole.contains("--oidc-issuer") && whole.contains("STOA_DATABASE_URL"), "{whole}");
    assert!(whole.find("--unproved") < whole.find("--listen"), "its own come first: {whole}");
    assert!(!help(&["workspace", "list", "--help"]).contains("--workspace"));
}

#[test]
fn ending_what_does_not_run_and_looking_where_nothing_is_say_so() {
    let mut stoa = Installation::start();
    assert_eq!(stoa.told(&["instances", "stop", "--all"]), "No instance runs.\n");
    stoa.end();
    let nowhere = Installation::prepare(&[]);
    let (succeeded, said, _) = nowhere.command_with(&["doctor"], "");
    assert!(!succeeded && said.contains("missing  data folder: there is no"), "{said}");
    assert!(!nowhere.data().exists());
    // A cause is told once, also where the file is one that an error names itself.
    let sentence = nowhere.refusal(&["restore", "/nowhere/backup"]);
    assert_eq!(sentence.matches("No such file").count(), 1, "{sentence}");
}
