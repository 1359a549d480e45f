//! The client against a server of the test's own, which looks at each request.

use serde_json::json;

use crate::support::terminal::{Listening, Terminal, answer, header};

#[test]
fn a_change_is_of_what_was_read_and_what_is_made_is_made_once() {
    let workspace = r#"{"slug":"acme","name":"Acme"}"#;
    let server = Listening::new(vec![
        answer("200 OK", "ETag: \"of-before\"\r\n", workspace),
        answer(
            "412 Precondition Failed",
            "",
            r#"{"code":"precondition_failed","detail":"Somebody changed this."}"#,
        ),
    ]);
    let changed = server.terminal().stoa(&["workspace", "change", "acme", "--name", "Other"]);
    assert!(
        changed.complaint.contains("Somebody changed this.\nLook at it again, and repeat the command"),
        "{}",
        changed.complaint
    );
    assert_eq!(changed.code, 1);
    let asked = server.asked();
    assert_eq!(header(&asked[1], "if-match").as_deref(), Some("\"of-before\""), "{}", asked[1]);
    assert!(asked[0].contains("user-agent: stoa/") || asked[0].contains("User-Agent: stoa/"), "{}", asked[0]);

    // The connection breaks before an answer has come: the same once more, under the same key.
    let server = Listening::new(vec![String::new(), answer("201 Created", "", workspace)]);
    server.terminal().stoa(&["workspace", "create", "Acme"]).well();
    let keys: Vec<_> =
        server.asked().iter().map(|request| header(request, "idempotency-key").unwrap()).collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn a_log_that_breaks_off_on_its_way_into_a_file_goes_on_behind_its_last_line() {
    let line = |number: u32| {
        json!({ "position": format!("1-{number}"), "at": "2026-11-24T12:00:00Z", "stream": "stdout", "text": number.to_string() }).to_string() + "\n"
    };
    let broken = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\nConnection: close\r\n\r\n{}{}{{\"posi",
        line(1),
        line(2)
    );
    let rest = answer("200 OK", "", &(line(2) + &line(3)));
    let server = Listening::new(vec![broken, String::new(), rest]);
    let terminal = server.terminal();
    let file = terminal.folder.path().join("log");
    let words = ["instance", "logs", "shop", "-w", "acme", "--level", "info", "--to", file.to_str().unwrap()];
    assert!(terminal.stoa(&words).well().contains("3 lines"));
    let lines =
        "2026-11-24T12:00:00Z - stdout 1\n2026-11-24T12:00:00Z - stdout 2\n2026-11-24T12:00:00Z - stdout 3\n";
    assert_eq!(std::fs::read_to_string(&file).unwrap(), lines);
    let asked = server.asked();
    assert!(asked[0].contains("/logs/download?level=info&form=ndjson "), "{}", asked[0]);
    assert!(asked[2].contains("level=info") && asked[2].contains("from=1-2"), "{}", asked[2]);
    assert!(!file.with_extension("part").exists());
}

#[test]
fn what_opens_a_remote_repository_is_taken_away_and_what_a_deleted_branch_leaves_is_told() {
    let remote = |credential: &str| {
        let remote = json!({ "url": "https://git.example.com/a.git", "credential": credential, "public_key": "ssh-ed25519 AAAA new" });
        answer("200 OK", "ETag: \"of-before\"\r\n", &remote.to_string())
    };
    let branches = json!({ "items": [
        { "name": "main", "is_default": true, "commit": null, "ahead": null, "behind": null, "instances": [{ "slug": "live" }] },
        { "name": "old", "is_default": false, "commit": null, "ahead": null, "behind": null, "instances": [] },
    ], "next": null });
    let refused = json!({ "code": "forbidden", "detail": "You may not merge into main. Ask Olga." });
    let server = Listening::new(vec![
        remote("token"),
        remote("none"),
        remote("token"),
        remote("deploy_key"),
        remote("deploy_key"),
        answer("204 No Content", "", ""),
        answer("200 OK", "", &branches.to_string()),
        answer("403 Forbidden", "", &refused.to_string()),
    ]);
    let terminal = server.terminal();
    let project = |words: &[&str]| terminal.stoa(&[&["project"][..], words, &["-w", "acme"]].concat());
    assert!(project(&["remote", "shop", "--remove-token"]).well().contains("The token is gone."));
    // By the same route a key would be made anew: what isn't there isn't taken away.
    project(&["remote", "shop", "--renew-key"]).refused(1, "there is no deploy key");
    assert!(project(&["remote", "shop", "--renew-key"]).well().contains("ssh-ed25519 AAAA new"));
    project(&["remote", "shop", "--remove-webhook"]).well();
    project(&["remote", "shop", "--remove-token", "--to", "https://x.example/a.git"]).refused(2, "--to");
    let said = project(&["branches", "shop"]).well();
    assert!(said.contains("default branch main was deleted. Push it again, or:\n  make another"), "{said}");
    assert!(said.contains("stoa project change shop --default-branch BRANCH"), "{said}");
    assert!(said.contains("stoa instance settings set live --branch BRANCH"), "{said}");
    assert!(said.contains("The branch old was deleted"), "{said}");
    project(&["merge", "shop", "topic", "main", "--yes"])
        .refused(1, "You may not merge into main. Ask Olga.");
    let asked = server.asked();
    let remote = "/api/v1/workspaces/acme/projects/shop/remote";
    for (number, begin) in [(1, "/credential"), (4, "/credential"), (5, "/webhook")] {
        assert!(asked[number].starts_with(&format!("DELETE {remote}{begin} ")), "{}", asked[number]);
    }
    assert_eq!(header(&asked[1], "if-match").as_deref(), Some("\"of-before\""));
}

#[test]
fn a_token_is_never_sent_on_and_what_is_no_stoa_is_told_so() {
    let other = Listening::new(vec![answer("200 OK", "", "{}")]);
    let place = format!("Location: http://127.0.0.1:{}/api/v1/workspaces\r\n", other.port);
    let server = Listening::new(vec![answer("308 Permanent Redirect", &place, "")]);
    server.terminal().stoa(&["workspace", "list"]).refused(1, "sends everybody to");
    assert!(other.asked().is_empty());
    assert!(server.asked()[0].contains("stoa_pat_of_this_test"));

    let server = Listening::new(vec![answer("502 Bad Gateway", "", "<html>")]);
    server.terminal().stoa(&["workspace", "list"]).refused(1, "not as a Stoa does");
    let hostile = "{\"code\":\"x\",\"detail\":\"a\\u001b[2Jb\"}";
    let server = Listening::new(vec![answer("409 Conflict", "", hostile)]);
    let told = server.terminal().stoa(&["workspace", "list"]);
    assert!(!told.complaint.contains('\u{1b}'), "{:?}", told.complaint);
    let mut nobody = server.terminal();
    nobody.more[0].1 = "http://127.0.0.1:1".to_owned();
    nobody
        .stoa(&["workspace", "list"])
        .refused(1, "Nothing answers at http://127.0.0.1:1. Is Stoa running there?");
    for wrong in ["ftp://stoa.example", "https://user:word@stoa.example", "https://stoa.example/below"] {
        nobody.more[0].1 = wrong.to_owned();
        nobody.stoa(&["workspace", "list"]).refused(2, "");
    }
}

#[test]
fn a_second_factor_is_asked_for_where_one_is_due() {
    let due = r#"{"code":"second_factor_required","detail":"Enter the code.","code_required":true}"#;
    let server = Listening::new(vec![
        answer("200 OK", "", r#"{"status":"ok"}"#),
        answer("401 Unauthorized", "", due),
        answer("200 OK", "Set-Cookie: stoa-1=of-the-session; HttpOnly; Path=/\r\n", "{}"),
        answer("201 Created", "", r#"{"id":"1","token":"stoa_pat_made"}"#),
        answer("200 OK", "", r#"{"name":"Olga","workspaces":[{"slug":"acme"}]}"#),
        answer("204 No Content", "", ""),
    ]);
    let terminal = Terminal::new();
    let address = format!("http://127.0.0.1:{}", server.port);
    let said = terminal.with(&["login", &address], "olga@example.com\na password\n123456\n").well();
    assert!(said.contains("Commands are about the workspace acme."), "{said}");
    let asked = server.asked();
    assert!(!asked[1].contains("123456") && asked[2].contains("\"code\":\"123456\""), "{}", asked[2]);
    assert_eq!(header(&asked[2], "origin").as_deref(), Some(address.as_str()));
    assert_eq!(header(&asked[3], "cookie").as_deref(), Some("stoa-1=of-the-session"));
    assert_eq!(header(&asked[4], "authorization").as_deref(), Some("Bearer stoa_pat_made"));
    assert!(asked[5].starts_with("DELETE /api/v1/session "), "{}", asked[5]);
    assert!(!std::fs::read_to_string(terminal.kept()).unwrap().contains("of-the-session"));
}
