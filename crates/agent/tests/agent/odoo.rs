//! Connect as, built in for Odoo: tried on an application that is shaped like it, in the names that are called and in how
//! sessions are kept. It isn't Odoo itself.

use std::path::Path;

use stoa_agent::protocol::{Commanded, EndSession, Event, ListUsers, OpenSession, OpenedView};
use stoa_domain::branch::CommitId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::copy;
use crate::support::house::{House, Machine, git, order};

const SETTINGS: &str = r#"
[run]
command = ["python3", "odoo-bin", "--http-port=8000", "--database=acme", "--data-dir=/data/odoo"]
overlap = false
[connect_as]
kind = "odoo"
"#;

fn commit(house: &House) -> CommitId {
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/odoo"), &house.repository);
    std::fs::write(house.repository.join("stoa.toml"), SETTINGS).unwrap();
    git(&house.repository, &["add", "--all"]);
    git(&house.repository, &["commit", "--quiet", "--message", "odoo"]);
    CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
}

async fn logins(house: &House, machine: &Machine, query: &str) -> Vec<(String, bool)> {
    let asked = ListUsers { query: query.to_owned(), limit: 10 };
    match machine.client.list_users(order(0), house.instance, &asked).await.unwrap() {
        Commanded::Done(found) => found.users.into_iter().map(|user| (user.login, user.active)).collect(),
        Commanded::NotPossible { sentence } => panic!("{sentence}"),
        Commanded::Failed { sentence, quote } => panic!("{sentence} {quote:?}"),
    }
}

async fn open(house: &House, machine: &Machine, user: &str) -> Result<OpenedView, String> {
    let asked = OpenSession {
        user: user.to_owned(),
        reason: "Ticket 4182".to_owned(),
        actor: "Mia".to_owned(),
        expires_at: "2999-11-26T12:00:00Z".to_owned(),
    };
    match machine.client.open_session(order(0), house.instance, &asked).await.unwrap() {
        Commanded::Done(opened) => Ok(opened),
        Commanded::Failed { quote, .. } => Err(quote.unwrap_or_default()),
        Commanded::NotPossible { sentence } => panic!("{sentence}"),
    }
}

async fn shown(house: &House, machine: &Machine, sid: &str) -> String {
    let mut stream = machine.agent.open_application(house.instance).await.unwrap();
    let head = format!("GET /web HTTP/1.0\r\nHost: shop.localhost\r\nCookie: session_id={sid}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_session_is_written_as_odoo_leaves_one() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let event = house.deploy(&machine, commit(&house)).await;
    assert!(matches!(&event, Event::Succeeded { connect_as: Some(kind), .. } if kind == "odoo"), "{event:?}");
    let all = logins(&house, &machine, "").await;
    assert_eq!(all, [("admin".to_owned(), true), ("demo".to_owned(), true), ("gone".to_owned(), false)]);
    assert_eq!(logins(&house, &machine, "marc").await[0].0, "demo");
    assert_eq!(logins(&house, &machine, "6").await[0].0, "demo");

    let opened = open(&house, &machine, "6").await.unwrap();
    assert_eq!((opened.cookies[0].name.as_str(), opened.path.as_str()), ("session_id", "/web"));
    let sid = opened.cookies[0].value.0.reveal_text().unwrap().to_owned();
    assert_eq!(shown(&house, &machine, &sid).await, "Signed in as Marc Demo");
    assert_eq!(shown(&house, &machine, "made-up").await, "Log in");
    for (user, said) in
        [("7", "this user isn't active"), ("99", "there is no such user"), ("x", "there is no such user")]
    {
        assert_eq!(open(&house, &machine, user).await.err().unwrap(), said);
    }
    let ended =
        machine.client.end_session(order(0), house.instance, &EndSession { cookies: opened.cookies }).await;
    assert!(matches!(ended.unwrap(), Commanded::Done(_)));
    assert_eq!(shown(&house, &machine, &sid).await, "Log in");
}
