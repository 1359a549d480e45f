//! Connect as, built in for Django: proved on Django itself, with the example's shop.

// Whoever runs the tests has to see that one of them couldn't.
#![allow(clippy::print_stderr)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use stoa_agent::protocol::{
    BeginDeployment, Commanded, EndSession, Event, ListUsers, OpenSession, OpenedView, SecretText,
    SessionCookie, UserView, Variable,
};
use stoa_domain::Secret;
use stoa_domain::branch::CommitId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::copy;
use crate::support::house::{House, Machine, git, id, order, succeeded};

/// As the example's, but for what it is installed by: Django stands in the repository.
const SETTINGS: &str = r#"
[release]
command = ["python3", "manage.py", "prepare"]
[run]
command = ["python3", "-m", "gunicorn", "--bind", "127.0.0.1:8000", "shop.wsgi"]
[health]
path = "/health"
[database]
kind = "postgresql"
[environment.PYTHONPATH]
default = "/app/vendor"
[environment.SECRET_KEY]
default = "of a test, where nobody makes one"
[connect_as]
kind = "django"
"#;

/// `None` where there is none, which is said.
fn django() -> Option<PathBuf> {
    fetched("django")
}

/// The folder in which one of the scripts has put what is fetched from elsewhere; `None` where it can't be, which is said.
fn fetched(name: &str) -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts").join(name);
    let output = Command::new(script).output().unwrap();
    let is_there = output.status.code() != Some(75);
    if !is_there {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    }
    if crate::support::need::lacks("django", is_there) {
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()))
}

fn shop(house: &House, django: &Path) -> CommitId {
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop"), &house.repository);
    copy(django, &house.repository.join("vendor"));
    std::fs::write(house.repository.join("stoa.toml"), SETTINGS).unwrap();
    git(&house.repository, &["add", "--all", "--force"]);
    git(&house.repository, &["commit", "--quiet", "--message", "shop"]);
    CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
}

/// Packages as a build finds them elsewhere, on this machine.
struct Index {
    server: Child,
    place: String,
    address: std::net::Ipv4Addr,
}

impl Index {
    /// `None` where there is none, or nobody in a sandbox reaches it, which is said.
    fn start() -> Option<Self> {
        let address = crate::support::outward();
        let reaches = crate::support::sandboxes().abilities().no_outgoing.is_none() && address.is_some();
        if crate::support::need::lacks("network", reaches) {
            return None;
        }
        let (wheels, address) = (fetched("wheels")?, address.unwrap());
        let mut server = Command::new("python3")
            .args(["-u", "-m", "http.server", "0", "--bind", &address.to_string(), "--directory"])
            .arg(wheels)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.split("port ").nth(1).unwrap().split(' ').next().unwrap();
        Some(Self { server, place: format!("{address}:{port}"), address })
    }

    /// A commit of what is in the repository, and beside it where packages are: all else is built as it stands.
    fn commit(&self, house: &House) -> CommitId {
        let Self { place, address, .. } = self;
        let settings =
            format!("[global]\nno-index = true\nfind-links = http://{place}/\ntrusted-host = {address}\n");
        std::fs::create_dir_all(house.repository.join(".venv")).unwrap();
        std::fs::write(house.repository.join(".venv/pip.conf"), settings).unwrap();
        git(&house.repository, &["add", "--all", "--force"]);
        git(&house.repository, &["commit", "--quiet", "--message", "as it stands"]);
        CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
    }

    async fn deploy(&self, house: &House) -> (Machine, Event) {
        let machine = Machine::start_reaching(house.place.join("state"), vec![self.place.clone()]).await;
        let commit = self.commit(house);
        let mut form = house.form();
        let value = SecretText(Secret::from_text("made for this instance".to_owned()));
        form.variables.push(Variable { name: "SECRET_KEY".to_owned(), value });
        machine.client.put_instance(house.order(), house.instance, &form).await.unwrap();
        house.bring(&machine, &commit).await;
        let wanted = BeginDeployment { deployment: id(), release: id(), commit: commit.to_string() };
        let begun = machine.client.deploy(house.order(), house.instance, &wanted).await;
        let event = machine.outcome(begun).await;
        (machine, event)
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[tokio::test]
async fn the_example_is_built_as_it_stands_and_so_is_what_django_begins_with() {
    let Some(index) = Index::start() else { return };
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop"), &house.repository);
    let (machine, event) = index.deploy(&house).await;
    assert!(succeeded(&event), "{event:?}");
    assert!(home(&house, &machine, "sessionid=made-up").await.contains("Welcome to the shop"));
    machine.agent.stop_all().await.unwrap();

    // Without a word of Stoa in it: `django-admin startproject`, which keeps its database beside itself.
    let Some(django) = django() else { return };
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let made = Command::new("python3")
        .args(["-m", "django", "startproject", "shop", "."])
        .current_dir(&house.repository)
        .env("PYTHONPATH", django)
        .status();
    assert!(made.unwrap().success());
    std::fs::write(house.repository.join("requirements.txt"), "Django==5.2.19\n").unwrap();
    let (machine, event) = index.deploy(&house).await;
    assert!(succeeded(&event), "{event:?}");
    assert!(home(&house, &machine, "").await.contains("The install worked successfully!"));
    let data = house.place.join("state/data").join(house.instance.to_string());
    let tables = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM django_migrations').fetchone()[0] > 10)";
    let counted = Command::new("python3").args(["-c", tables]).arg(data.join("db.sqlite3")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&counted.stdout), "True\n", "{counted:?}");
    machine.agent.stop_all().await.unwrap();
}

async fn users(house: &House, machine: &Machine, query: &str) -> Vec<UserView> {
    let asked = ListUsers { query: query.to_owned(), limit: 10 };
    match machine.client.list_users(order(0), house.instance, &asked).await.unwrap() {
        Commanded::Done(found) => found.users,
        Commanded::NotPossible { sentence } => panic!("{sentence}"),
        Commanded::Failed { sentence, quote } => panic!("{sentence} {quote:?}"),
    }
}

async fn open(house: &House, machine: &Machine, user: &str) -> Commanded<OpenedView> {
    let asked = OpenSession {
        user: user.to_owned(),
        reason: "Ticket 4182".to_owned(),
        actor: "Mia".to_owned(),
        expires_at: "2999-11-26T12:00:00Z".to_owned(),
    };
    machine.client.open_session(order(0), house.instance, &asked).await.unwrap()
}

/// What the shop shows to whoever has this cookie.
async fn home(house: &House, machine: &Machine, cookie: &str) -> String {
    let mut stream = machine.agent.open_application(house.instance).await.unwrap();
    let head = format!("GET / HTTP/1.0\r\nHost: shop.localhost\r\nCookie: {cookie}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_user_of_django_is_picked_and_signed_in_as_django_itself_does_it() {
    let Some(django) = django() else { return };
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let event = house.deploy(&machine, shop(&house, &django)).await;
    assert!(
        matches!(&event, Event::Succeeded { connect_as: Some(kind), .. } if kind == "django"),
        "{event:?}"
    );

    let all = users(&house, &machine, "").await;
    let names: Vec<&str> = all.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["Kaito Mori", "Karin Sand", "Katrin Oja", "Lukas Karlsen"]);
    assert_eq!(all.iter().filter(|user| !user.active).count(), 1);
    // By any part of a login, a name or an address, and by the id itself.
    for (query, found) in [("KARIN", "karin"), ("oja", "katrin"), ("kaito@shop", "kaito")] {
        assert_eq!(users(&house, &machine, query).await[0].login, found);
    }
    let karin = all.iter().find(|user| user.login == "karin").unwrap();
    assert_eq!(users(&house, &machine, &karin.id).await[0], *karin);
    assert_eq!(users(&house, &machine, "'; DROP TABLE auth_user; --").await, []);

    let Commanded::Done(opened) = open(&house, &machine, &karin.id).await else { panic!("not opened") };
    assert_eq!(opened.path, "/");
    let SessionCookie { name, value, path } = &opened.cookies[0];
    assert_eq!((name.as_str(), path.as_str()), ("sessionid", "/"));
    let cookie = format!("sessionid={}", value.0.reveal_text().unwrap());
    let shown = home(&house, &machine, &cookie).await;
    assert!(shown.contains("Basket of Karin Sand") && shown.contains("Desk lamp"), "{shown}");
    assert!(home(&house, &machine, "sessionid=made-up").await.contains("Welcome to the shop"));

    let refused = |answer| match answer {
        Commanded::Failed { quote, .. } => quote.unwrap(),
        _ => panic!("it was opened"),
    };
    let lukas = all.iter().find(|user| !user.active).unwrap();
    assert_eq!(refused(open(&house, &machine, &lukas.id).await), "this user isn't active");
    assert_eq!(refused(open(&house, &machine, "4711").await), "there is no such user");
    assert_eq!(refused(open(&house, &machine, "karin").await), "there is no such user");

    let ended =
        machine.client.end_session(order(0), house.instance, &EndSession { cookies: opened.cookies }).await;
    assert!(matches!(ended.unwrap(), Commanded::Done(_)));
    assert!(home(&house, &machine, &cookie).await.contains("Welcome to the shop"));
    machine.agent.stop_all().await.unwrap();
}
