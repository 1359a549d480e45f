//! Connect as, as it is typed, against the real program: an application's users, a link, what goes on by it and its end.

use serde_json::json;

use crate::support::terminal::ground;
use crate::support::{PASSWORD, push_files, until};

const SHOP: &[(&str, &str)] = &[
    (
        "stoa.toml",
        "[run]\ncommand = [\"python3\", \"-m\", \"http.server\", \"8000\", \"--bind\", \"127.0.0.1\"]\n\
         [connect_as]\nkind = \"command\"\nlist = [\"python3\", \"users.py\", \"list\"]\n\
         open = [\"python3\", \"users.py\", \"open\"]\nend = [\"python3\", \"users.py\", \"end\"]\n",
    ),
    (
        "users.py",
        "import json, sys\n\
         asked = json.load(sys.stdin)\n\
         if sys.argv[1] == 'list': print(json.dumps({'id': 1, 'login': 'kim@shop.example', 'name': 'Kim \\u00d6'}))\n\
         if sys.argv[1] == 'open': print(json.dumps({'cookies': [{'name': 'sid', 'value': 'of-' + asked['user']}]}))\n\
         if sys.argv[1] == 'end': open('/data/ended', 'w').write(asked['cookies'][0]['value'])\n",
    ),
];

#[test]
fn users_are_listed_and_a_link_is_made_and_ended_from_a_terminal() {
    let (stoa, terminal, cookie) = ground();
    for words in [
        &["workspace", "create", "Acme"][..],
        &["workspace", "use", "acme"],
        &["server", "create", "Here", "--local"],
        &["project", "create", "Shop"],
    ] {
        terminal.stoa(words).well();
    }
    stoa.send(&cookie, "POST", "/session/confirm", Some(json!({ "password": PASSWORD }))).expect(204);
    let token =
        stoa.send(&cookie, "POST", "/me/tokens", Some(json!({ "name": "git" }))).expect(201).field("token");
    let remote = format!("http://x:{token}@localhost:{}/git/acme/shop.git", stoa.port);
    push_files(&stoa.folder.path().join("work"), SHOP, &remote);
    let place = ["--project", "shop", "--server", "here", "--stage", "staging", "--branch", "main"];
    terminal.stoa(&[&["instance", "create", "Shop"][..], &place].concat()).well();

    let listed = terminal.stoa(&["instance", "users", "shop"]).well();
    assert!(listed.contains("1   kim@shop.example  Kim Ö"), "{listed}");
    terminal.stoa(&["instance", "connect", "shop", "1"]).refused(2, "--reason");
    let said = terminal.stoa(&["instance", "connect", "shop", "1", "--reason", "Ticket 4182"]).well();
    let link = said.lines().find(|line| line.contains("/connect/")).unwrap().trim().to_owned();
    // By the same account's browser, once.
    let path = format!("/connect/{}", link.rsplit('/').next().unwrap());
    assert_eq!(stoa.send(&cookie, "POST", &path, Some(json!({}))).status, 200);
    assert_eq!(stoa.send(&cookie, "POST", &path, Some(json!({}))).status, 410);
    let connected = terminal.stoa(&["instance", "connected", "shop"]).well();
    assert!(connected.contains("Olga  Kim Ö") && connected.contains("Ticket 4182"), "{connected}");
    let id = terminal.json(&["instance", "connected", "shop"])["items"][0]["id"].as_str().unwrap().to_owned();
    let said = terminal.stoa(&["instance", "connected", "shop", "--end", &id]).well();
    assert!(said.contains("The session has ended"), "{said}");
    let connected = terminal.stoa(&["instance", "connected", "shop"]).well();
    assert!(connected.contains("Nobody is connected"), "{connected}");
    // The application hears of it.
    let instance = terminal.json(&["instance", "show", "shop"])["id"].as_str().unwrap().to_owned();
    let ended = stoa.folder.path().join("data/agent/data").join(instance).join("ended");
    until("the application is told", || std::fs::read_to_string(&ended).ok().filter(|text| text == "of-1"));
    terminal.stoa(&["instance", "connected", "shop", "--end", &id]).refused(1, "");
}
