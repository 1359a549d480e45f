//! Connect as: an application's own commands, in sandboxes beside its own.

use stoa_agent::client::ClientError;
use stoa_agent::protocol::{
    Code, Commanded, EndSession, Event, Fence, ListUsers, OpenSession, Order, SecretText, SessionCookie,
    Valid,
};
use stoa_domain::Secret;
use stoa_domain::branch::CommitId;

use crate::support::house::{House, Machine, git, id, order, succeeded};

/// What the commands do follows from what they are told: one program for all of it.
const USERS: &str = r#"
import json, os, sys, time
verb, asked = sys.argv[1], json.load(sys.stdin)
if verb == "list":
    query = asked["query"]
    if query == "slow": time.sleep(60)
    if query == "much":
        while True: print("x" * 1000)
    if query == "broken": sys.exit("the database is away")
    if query == "quiet": sys.exit(0)
    if query == "greeting": print(json.dumps({"id": 1, "login": os.environ["GREETING"] + " " + os.environ["STOA_STAGE"]}))
    elif query == "walls":
        open("/data/seen", "a").close()
        told = [os.path.exists("/data/begun"), os.access("/app", os.W_OK), os.getuid() >= 200000 or os.getuid() == 1000]
        print(json.dumps({"id": 1, "login": json.dumps(told)}))
    elif query == "wrong": print("Loading settings")
    else:
        for number in range(5): print(json.dumps({"id": number, "login": f"user{number}", "name": f"User {number}"}))
if verb == "open":
    open("/data/opened", "w").write(json.dumps(asked))
    if asked["user"] == "nobody": sys.exit("no such user")
    print(json.dumps({"cookies": [{"name": "sid", "value": "of-" + asked["user"], "path": "/"}], "path": "/home"}))
if verb == "end":
    open("/data/ended", "w").write(asked["cookies"][0]["value"])
"#;

const SETTINGS: &str = r#"
[run]
command = ["python3", "app.py"]
[connect_as]
kind = "command"
list = ["python3", "users.py", "list"]
open = ["python3", "users.py", "open"]
end = ["python3", "users.py", "end"]
"#;

fn commit(house: &House, settings: &str) -> CommitId {
    house.commit("one", &[]);
    std::fs::write(house.repository.join("stoa.toml"), settings).unwrap();
    std::fs::write(house.repository.join("users.py"), USERS).unwrap();
    git(&house.repository, &["add", "--all"]);
    git(&house.repository, &["commit", "--quiet", "--message", "users"]);
    CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
}

async fn list(house: &House, machine: &Machine, query: &str) -> Commanded<Vec<String>> {
    let asked = ListUsers { query: query.to_owned(), limit: 3 };
    match machine.client.list_users(order(0), house.instance, &asked).await.unwrap() {
        Commanded::Done(found) => Commanded::Done(found.users.into_iter().map(|user| user.login).collect()),
        Commanded::NotPossible { sentence } => Commanded::NotPossible { sentence },
        Commanded::Failed { sentence, quote } => Commanded::Failed { sentence, quote },
    }
}

async fn failed(house: &House, machine: &Machine, query: &str) -> (String, Option<String>) {
    match list(house, machine, query).await {
        Commanded::Failed { sentence, quote } => (sentence, quote),
        Commanded::Done(users) => panic!("{users:?}"),
        Commanded::NotPossible { sentence } => panic!("{sentence}"),
    }
}

async fn users(house: &House, machine: &Machine, query: &str) -> Vec<String> {
    match list(house, machine, query).await {
        Commanded::Done(users) => users,
        Commanded::NotPossible { sentence } | Commanded::Failed { sentence, .. } => panic!("{sentence}"),
    }
}

async fn open(house: &House, machine: &Machine, user: &str) -> Commanded<stoa_agent::protocol::OpenedView> {
    let asked = OpenSession {
        user: user.to_owned(),
        reason: "Ticket 4182; $(reboot) \"quoted\"".to_owned(),
        actor: "Mia".to_owned(),
        expires_at: "2026-11-26T12:00:00Z".to_owned(),
    };
    machine.client.open_session(order(0), house.instance, &asked).await.unwrap()
}

#[tokio::test]
async fn an_applications_own_commands_list_open_and_end() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let event = house.deploy(&machine, commit(&house, SETTINGS)).await;
    assert!(
        matches!(&event, Event::Succeeded { connect_as: Some(kind), .. } if kind == "command"),
        "{event:?}"
    );

    // No more than were asked for; with the instance's variables; beside what runs and within the same walls.
    assert_eq!(users(&house, &machine, "").await, ["user0", "user1", "user2"]);
    assert_eq!(users(&house, &machine, "greeting").await, ["hello staging"]);
    assert_eq!(users(&house, &machine, "walls").await, ["[false, false, true]"]);
    assert!(place.path().join("state/data").join(house.instance.to_string()).join("seen").exists());
    assert_eq!(users(&house, &machine, "quiet").await, Vec::<String>::new());

    let Commanded::Done(opened) = open(&house, &machine, "7").await else { panic!("not opened") };
    assert_eq!((opened.cookies[0].name.as_str(), opened.path.as_str()), ("sid", "/home"));
    assert_eq!(opened.cookies[0].value.0.reveal_text(), Some("of-7"));
    // What it was told is data and nothing else.
    let data = place.path().join("state/data").join(house.instance.to_string());
    let told: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data.join("opened")).unwrap()).unwrap();
    assert_eq!(told["reason"], "Ticket 4182; $(reboot) \"quoted\"");
    assert_eq!((&told["user"], &told["actor"]), (&"7".into(), &"Mia".into()));

    let value = SecretText(Secret::from_text("of-7".to_owned()));
    let cookie = SessionCookie { name: "sid".to_owned(), value, path: "/".to_owned() };
    let ended =
        machine.client.end_session(order(0), house.instance, &EndSession { cookies: vec![cookie] }).await;
    assert!(matches!(ended.unwrap(), Commanded::Done(_)));
    assert_eq!(std::fs::read_to_string(data.join("ended")).unwrap(), "of-7");
    // Nothing of these sandboxes stays: the one that is there is the application's.
    let run = place.path().join("state/run").join(house.instance.to_string());
    assert_eq!(std::fs::read_dir(run).unwrap().count(), 1);
}

#[tokio::test]
async fn commands_that_fail_say_why_and_those_that_go_on_are_ended() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    assert!(succeeded(&house.deploy(&machine, commit(&house, SETTINGS)).await));
    let (sentence, quote) = failed(&house, &machine, "broken").await;
    assert_eq!(sentence, "The application's command `list` ended with status 1.");
    assert_eq!(quote.as_deref(), Some("the database is away"));
    let (sentence, quote) = failed(&house, &machine, "wrong").await;
    assert_eq!(
        sentence,
        "The application's command `list`: line 1 of its output: it isn't the JSON that is expected."
    );
    assert_eq!(quote, None);
    let (sentence, _) = failed(&house, &machine, "much").await;
    assert_eq!(sentence, "The application's command `list` wrote more than 1 MiB.");
    let (sentence, _) = failed(&house, &machine, "slow").await;
    assert_eq!(sentence, "The application's command `list` took longer than 10 s.");
    let Commanded::Failed { quote, .. } = open(&house, &machine, "nobody").await else { panic!("opened") };
    assert_eq!(quote.as_deref(), Some("no such user"));
    // A late one isn't run.
    let late = Order { valid: Valid::from_millis(0).unwrap(), fence: Fence::new(0).unwrap(), ..order(0) };
    let asked = ListUsers { query: String::new(), limit: 3 };
    let refused = machine.client.list_users(late, house.instance, &asked).await;
    assert!(matches!(refused, Err(ClientError::Refused(problem)) if problem.code == Code::Late));
}

#[tokio::test]
async fn an_application_that_says_nothing_and_one_that_doesnt_run_arent_asked() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let asked = ListUsers { query: String::new(), limit: 3 };
    let refused = machine.client.list_users(order(0), house.instance, &asked).await;
    assert!(matches!(refused, Err(ClientError::Refused(problem)) if problem.code == Code::UnknownInstance));
    let event = house.deploy(&machine, commit(&house, "[run]\ncommand = [\"python3\", \"app.py\"]\n")).await;
    assert!(matches!(&event, Event::Succeeded { connect_as: Some(kind), .. } if kind == "none"), "{event:?}");
    let said = |answer| match answer {
        Commanded::NotPossible { sentence } => sentence,
        _ => panic!("it was asked"),
    };
    assert_eq!(
        said(list(&house, &machine, "").await),
        "The application doesn't say how: its stoa.toml has no [connect_as]."
    );
    let stopped = machine.client.stop(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(stopped).await));
    assert_eq!(said(list(&house, &machine, "").await), "The instance doesn't run.");
    let _ = id();
}
