//! Applications that say nothing of how they are run, and files that are served without one.

use futures_util::StreamExt as _;
use stoa_agent::protocol::{BeginDeployment, Event, LogQuery};
use stoa_domain::branch::CommitId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::copy;
use crate::support::house::{House, Machine, git, id, succeeded};

fn commit(house: &House, files: &[(&str, &str)]) -> CommitId {
    for (name, text) in files {
        let file = house.repository.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    git(&house.repository, &["add", "--all"]);
    git(&house.repository, &["commit", "--quiet", "--message", "files"]);
    CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
}

/// Deploys it; the lines of the deployment's log.
async fn deploy(house: &House, machine: &Machine, commit: CommitId) -> Vec<String> {
    house.put(machine).await;
    house.bring(machine, &commit).await;
    let deployment = id();
    let wanted = BeginDeployment { deployment, release: id(), commit: commit.to_string() };
    let begun = machine.client.deploy(house.order(), house.instance, &wanted).await;
    let outcome = machine.outcome(begun).await;
    assert!(succeeded(&outcome), "{outcome:?}");
    let query = LogQuery { source: Some(deployment.to_string()), ..LogQuery::default() };
    let lines = machine.client.logs(house.instance, &query).await.unwrap();
    lines.map(|line| line.unwrap().text).collect().await
}

/// The head and the body of an answer.
async fn ask(house: &House, machine: &Machine, method: &str, path: &str, more: &str) -> (String, String) {
    let mut stream = machine.agent.open_application(house.instance).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[tokio::test]
async fn files_alone_are_a_site_and_the_logs_first_line_says_so() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let files = [
        ("index.html", "<h1>Hi</h1>"),
        ("docs/index.html", "docs"),
        ("docs/a b.css", "a{}"),
        (".env", "SECRET=1"),
    ];
    let lines = deploy(&house, &machine, commit(&house, &files)).await;
    assert_eq!(
        lines[0],
        "Taken for static files, because it has index.html. This stoa.toml would say the same:"
    );
    assert_eq!(lines[1..3], ["    [static]", "    folder = \".\""]);
    assert!(lines.iter().any(|line| line == "Serving the files of `.`"), "{lines:?}");

    let (head, body) = ask(&house, &machine, "GET", "/", "").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("text/html"), "{head}");
    assert_eq!(body, "<h1>Hi</h1>");
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let (head, body) = ask(&house, &machine, "GET", "/", &format!("If-None-Match: {etag}\r\n")).await;
    assert!(head.starts_with("http/1.1 304") && body.is_empty(), "{head}");
    let (head, body) = ask(&house, &machine, "HEAD", "/docs/a%20b.css", "").await;
    assert!(head.contains("text/css") && head.contains("content-length: 3") && body.is_empty(), "{head}");
    let (head, _) = ask(&house, &machine, "GET", "/docs", "").await;
    assert!(head.starts_with("http/1.1 301") && head.contains("location: /docs/"), "{head}");
    assert_eq!(ask(&house, &machine, "GET", "/docs/", "").await.1, "docs");
    for path in ["/.env", "/%2eenv", "/../../etc/passwd", "/docs/%2e%2e/.env", "/nothing", "/docs/a"] {
        let (head, body) = ask(&house, &machine, "GET", path, "").await;
        assert!(head.starts_with("http/1.1 404") && !body.contains("SECRET"), "{path}: {head}");
    }
    let (head, _) = ask(&house, &machine, "POST", "/", "Content-Length: 0\r\n").await;
    assert!(head.starts_with("http/1.1 405") && head.contains("allow: get, head"), "{head}");
}

#[tokio::test]
async fn a_site_says_where_its_files_are_and_what_is_told_where_there_is_none() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let files = [
        ("stoa.toml", "[static]\nfolder = \"public\"\nindex = \"home.html\"\nnot_found = \"404.html\"\n"),
        ("public/home.html", "home"),
        ("public/404.html", "nothing here"),
        ("secret.txt", "not served"),
    ];
    let lines = deploy(&house, &machine, commit(&house, &files)).await;
    assert!(lines[0].starts_with("Commit "), "{lines:?}");
    assert_eq!(ask(&house, &machine, "GET", "/", "").await.1, "home");
    for path in ["/secret.txt", "/../secret.txt"] {
        let (head, body) = ask(&house, &machine, "GET", path, "").await;
        assert!(head.starts_with("http/1.1 404"), "{head}");
        assert_eq!(body, "nothing here");
    }
}

#[tokio::test]
async fn an_application_is_taken_for_its_kind_and_runs_as_that() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    // A kind whose programs needn't be there: what is run is in the repository.
    let manage = r#"
import http.server, os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
if sys.argv[1] == "runserver":
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200); self.end_headers(); self.wfile.write(b"as Django")
        def log_message(self, *_): pass
    http.server.HTTPServer(("127.0.0.1", 8000), Answer).serve_forever()
"#;
    let lines = deploy(&house, &machine, commit(&house, &[("manage.py", manage)])).await;
    assert_eq!(
        lines[0],
        "Taken for Django, because its manage.py names DJANGO_SETTINGS_MODULE. This stoa.toml would say the same:"
    );
    assert!(lines.iter().any(|line| line == "$ python3 manage.py migrate --noinput"), "{lines:?}");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "as Django");
}

/// Keeps a note in the database that its settings name, as Django does.
const KEEPS: &str = r#"
import http.server, os, sqlite3, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from shop.settings import DATABASES
with sqlite3.connect(DATABASES["default"]["NAME"]) as kept:
    if sys.argv[1] == "migrate":
        kept.execute("CREATE TABLE IF NOT EXISTS notes (text)")
        kept.execute("INSERT INTO notes VALUES ('kept')")
    count = kept.execute("SELECT count(*) FROM notes").fetchone()[0]
if sys.argv[1] == "runserver":
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200); self.end_headers(); self.wfile.write(f"{count} kept".encode())
        def log_message(self, *_): pass
    http.server.HTTPServer(("127.0.0.1", 8000), Answer).serve_forever()
"#;

const KEPT_BESIDE: &str = r#"
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.sqlite3',
        'NAME': BASE_DIR / 'db.sqlite3',
    }
}
"#;

#[tokio::test]
async fn a_django_whose_database_is_beside_it_keeps_it_in_its_data_or_is_told_how_to() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let files = [("manage.py", KEEPS), ("shop/settings.py", KEPT_BESIDE)];
    let lines = deploy(&house, &machine, commit(&house, &files)).await;
    assert_eq!(
        lines[0],
        "Taken for Django, because its manage.py names DJANGO_SETTINGS_MODULE, and its settings keep db.sqlite3 in SQLite. This stoa.toml would say the same:"
    );
    assert!(lines.iter().any(|line| line == "    path = \"db.sqlite3\""), "{lines:?}");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "1 kept");
    let kept = house.place.join("state/data").join(house.instance.to_string()).join("db.sqlite3");
    assert!(kept.is_file());
    deploy(&house, &machine, commit(&house, &[("readme", "another release")])).await;
    assert_eq!(house.get(&machine, "/").await.unwrap(), "2 kept", "it outlives releases");

    // With the file in the repository it isn't taken out of sight: what to do about it is said.
    let empty = commit(&house, &[("db.sqlite3", "")]);
    let begun = house.begin(&machine, &empty).await;
    let Event::Failed { code, sentence, quote } = machine.outcome(Ok(begun)).await else {
        panic!("it wrote into a release")
    };
    assert_eq!(code, "failed");
    let end = "ended with status 1. SQLite can't write below /app, where nothing changes once it is built. Keep the database in /data; what to write stands in the log.";
    assert!(sentence.ends_with(end), "{sentence}");
    assert!(quote.unwrap().contains("sqlite3.OperationalError"));
    assert_eq!(house.get(&machine, "/").await.unwrap(), "2 kept", "the earlier release goes on");
}

/// Serves each path, at the port that its arguments name.
const SERVES: &str = r#"
import http.server, os, re, sys
port = int(re.search(r"port[= ](\d+)", " ".join(sys.argv)).group(1))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"KIND " + self.path.encode())
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"#;

#[tokio::test]
async fn odoo_is_known_by_its_program_before_all_others() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let files =
        [("odoo-bin", &*SERVES.replace("KIND", "as Odoo")), ("index.html", ""), ("package.json", "{}")];
    let lines = deploy(&house, &machine, commit(&house, &files)).await;
    assert_eq!(lines[0], "Taken for Odoo, because it has odoo-bin. This stoa.toml would say the same:");
    assert!(lines.iter().any(|line| line == "    overlap = false"), "{lines:?}");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "as Odoo /");
}

/// Stands for Flask: a package with its program, which pip installs without asking anybody.
const WHEEL: &str = r#"
import sys, zipfile
about = "flask-3.1.dist-info"
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("flask_alike.py", "def main():\n" + "".join("    " + line + "\n" for line in sys.argv[2].splitlines()))
    wheel.writestr(about + "/METADATA", "Metadata-Version: 2.1\nName: flask\nVersion: 3.1\n")
    wheel.writestr(about + "/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(about + "/entry_points.txt", "[console_scripts]\nflask = flask_alike:main\n")
    wheel.writestr(about + "/RECORD", "")
"#;

#[tokio::test]
async fn flask_is_known_by_its_requirements_and_installed_by_them() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let wheel = house.repository.join("flask-3.1-py3-none-any.whl");
    std::fs::create_dir_all(&house.repository).unwrap();
    let made = std::process::Command::new("python3")
        .args(["-c", WHEEL])
        .arg(&wheel)
        .arg(SERVES.replace("KIND", "as Flask"))
        .status();
    assert!(made.unwrap().success());
    let files = [
        ("requirements.txt", "flask @ file:///app/flask-3.1-py3-none-any.whl\n"),
        ("app.py", "from flask import Flask\n\napp = Flask(__name__)\n"),
    ];
    let lines = deploy(&house, &machine, commit(&house, &files)).await;
    assert_eq!(
        lines[0],
        "Taken for Flask, because its requirements.txt names Flask, and app.py makes an application. This stoa.toml would say the same:"
    );
    assert!(lines.iter().any(|line| line == "$ python3 -m venv .venv"), "{lines:?}");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "as Flask /");
}

#[tokio::test]
async fn what_is_taken_for_nothing_fails_and_names_what_was_looked_for() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    for (name, said) in [
        ("readme.txt", &["no odoo-bin", "no manage.py", "no package.json", "no index.html"][..]),
        ("Dockerfile", &["Dockerfile", "container servers only"][..]),
    ] {
        let commit = commit(&house, &[(name, "FROM scratch\n")]);
        let outcome = house.deploy(&machine, commit).await;
        let Event::Failed { code, sentence, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(code, "not_recognised");
        assert!(said.iter().all(|part| sentence.contains(part)), "{sentence}");
    }
}

/// The files of an example.
fn example(house: &House, name: &str) -> CommitId {
    copy(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name),
        &house.repository,
    );
    commit(house, &[])
}

/// Where an application finds it.
fn has_npm() -> bool {
    ["/usr/bin/npm", "/usr/local/bin/npm"].iter().any(|program| std::path::Path::new(program).exists())
}

#[tokio::test]
async fn the_examples_that_say_nothing_are_taken_for_what_they_are() {
    for (name, kind, shown) in [
        ("site", "static files, because it has index.html", "Nothing runs here but files"),
        ("notes", "Node, because its package.json has a script `start`", "<h1>Notes</h1>"),
    ] {
        if name == "notes" && crate::support::need::lacks("npm", has_npm()) {
            continue;
        }
        let place = tempfile::tempdir().unwrap();
        let house = House::new(place.path());
        let machine = house.machine().await;
        let lines = deploy(&house, &machine, example(&house, name)).await;
        assert_eq!(lines[0], format!("Taken for {kind}. This stoa.toml would say the same:"));
        let (head, body) = ask(&house, &machine, "GET", "/", "").await;
        assert!(head.starts_with("http/1.1 200") && body.contains(shown), "{name}: {head}\n{body}");
    }
}
