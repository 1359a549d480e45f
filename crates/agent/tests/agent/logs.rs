//! Logs of a real instance: its secrets are in none, what it writes is read as it says, and what visitors ask has one too.

use std::path::Path;

use futures_util::StreamExt as _;
use stoa_agent::protocol::{
    BeginDeployment, Event, LineView, LogQuery, PutInstance, SecretText, TellSecrets, Variable,
};
use stoa_domain::Secret;
use stoa_domain::branch::CommitId;

use crate::support::PATIENCE;
use crate::support::house::{House, Machine, git, id, succeeded};

const CANARY: &str = "canary-Copper-Lantern";

/// It writes its secret in two pieces, as a line of JSON, and on lines of its own.
const APPLICATION: &str = r#"
import http.server, json, os, sys, time
key = os.environ["KEY"]
def tell():
    sys.stdout.write("in pieces " + key[:7]); sys.stdout.flush()
    time.sleep(0.1)
    sys.stdout.write(key[7:] + " end\n"); sys.stdout.flush()
    print(json.dumps({"level": "warning", "message": "the key", "key": key}), flush=True)
    print("x" * (64 * 1024 - 10) + key + " and more", flush=True)
    for line in os.environ["PEM"].splitlines(): print("  " + line, flush=True)
    print("told", flush=True)
if sys.argv[1:] == ["release"]:
    tell()
    if os.path.exists("broken"): sys.exit("no " + key[:5] + "\033[31m" + key[5:])
    sys.exit(0)
tell()
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

const SETTINGS: &str = r#"
[release]
command = ["python3", "app.py", "release"]
[run]
command = ["python3", "app.py"]
[logs]
format = "json"
level_field = "level"
"#;

fn commit(house: &House, is_broken: bool) -> CommitId {
    std::fs::write(house.repository.join("app.py"), APPLICATION).unwrap();
    std::fs::write(house.repository.join("stoa.toml"), SETTINGS).unwrap();
    if is_broken {
        std::fs::write(house.repository.join("broken"), "").unwrap();
    }
    git(&house.repository, &["add", "--all"]);
    git(&house.repository, &["commit", "--quiet", "--message", "talks"]);
    CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
}

fn form(house: &House) -> PutInstance {
    let secret = |name: &str, value: &str| {
        let value = SecretText(Secret::from_text(value.to_owned()));
        Variable { name: name.to_owned(), value }
    };
    let pem = "-----BEGIN KEY-----\ncanary-of-a-first-line\ncanary-of-a-second-line\n-----END KEY-----\n";
    let variables = vec![secret("KEY", CANARY), secret("PEM", pem), secret("PLAIN", "lines")];
    PutInstance { variables, secrets: vec!["KEY".to_owned(), "PEM".to_owned()], ..house.form() }
}

async fn deploy(house: &House, machine: &Machine, commit: &CommitId) -> (uuid::Uuid, Event) {
    machine.client.put_instance(house.order(), house.instance, &form(house)).await.unwrap();
    house.bring(machine, commit).await;
    let deployment = id();
    let wanted = BeginDeployment { deployment, release: id(), commit: commit.to_string() };
    let begun = machine.client.deploy(house.order(), house.instance, &wanted).await;
    (deployment, machine.outcome(begun).await)
}

async fn lines(house: &House, machine: &Machine, query: LogQuery) -> Vec<LineView> {
    let lines = machine.client.logs(house.instance, &query).await.unwrap();
    lines.map(Result::unwrap).collect().await
}

/// Everything in the files of a folder.
fn written(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        text += &if path.is_dir() { written(&path) } else { std::fs::read_to_string(path).unwrap() };
    }
    text
}

#[tokio::test]
async fn a_secret_reaches_no_log_whichever_way_it_is_written() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let (deployment, outcome) = deploy(&house, &machine, &commit(&house, false)).await;
    assert!(succeeded(&outcome), "{outcome:?}");
    for folder in ["logs", "deployments"] {
        let text = written(&place.path().join("state").join(folder));
        assert!(text.contains("in pieces [secret removed] end\n"), "{folder}");
        assert!(!text.contains("canary"), "{folder}: {text}");
        assert_eq!(text.matches("  [secret removed]\n").count(), 4, "{folder}");
    }
    let of_deployment = LogQuery { source: Some(deployment.to_string()), ..LogQuery::default() };
    let told = lines(&house, &machine, of_deployment).await;
    assert!(told.iter().any(|line| line.text == "in pieces [secret removed] end"));
    // An application's is read as it says.
    let told =
        lines(&house, &machine, LogQuery { query: Some("THE KEY".to_owned()), ..LogQuery::default() }).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].text.as_str(), told[0].level.as_str()), ("the key key=[secret removed]", "warn"));

    // What is quoted of a log isn't more than the log.
    let (_, outcome) = deploy(&house, &machine, &commit(&house, true)).await;
    let Event::Failed { quote: Some(quote), .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(quote, "no [secret removed]");
}

#[tokio::test]
async fn what_visitors_ask_is_written_for_instances_that_there_are() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    machine.client.put_instance(house.order(), house.instance, &form(&house)).await.unwrap();
    machine.agent.note_request(
        stoa_domain::InstanceId::new(id()),
        200,
        "GET /nobodys 200 in 1 ms".to_owned(),
    );
    for (path, status) in [("/", 200), ("/gone", 404), ("/broken", 503), (CANARY, 200)] {
        machine.agent.note_request(
            house.instance,
            status,
            format!("GET {path} {status} in 1 ms from 192.0.2.1"),
        );
    }
    let proxy = || LogQuery { source: Some("proxy".to_owned()), ..LogQuery::default() };
    let follow = LogQuery { from: Some(0), follow: true, ..proxy() };
    let told = machine.client.logs(house.instance, &follow).await.unwrap();
    let told: Vec<LineView> =
        tokio::time::timeout(PATIENCE, told.take(4).map(Result::unwrap).collect()).await.unwrap();
    let levels: Vec<&str> = told.iter().map(|line| line.level.as_str()).collect();
    assert_eq!(levels, ["info", "warn", "error", "info"]);
    assert_eq!(told[3].text, "GET [secret removed] 200 in 1 ms from 192.0.2.1");
    let errors = LogQuery { levels: Some("error".to_owned()), ..proxy() };
    assert_eq!(lines(&house, &machine, errors).await.len(), 1);
    assert_eq!(std::fs::read_dir(place.path().join("state/access")).unwrap().count(), 1);
    let begun = machine.client.delete_instance(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(begun).await));
    assert!(!place.path().join("state/access").join(house.instance.to_string()).exists());
    machine.agent.note_request(house.instance, 200, "GET /late 200 in 1 ms".to_owned());
    assert_eq!(lines(&house, &machine, proxy()).await, []);
}

#[tokio::test]
async fn a_log_is_read_with_what_the_records_call_secret_and_not_before_that_is_told() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    machine.client.put_instance(house.order(), house.instance, &form(&house)).await.unwrap();
    machine.agent.note_request(house.instance, 200, "GET /became-secret-since 200 in 1 ms".to_owned());
    let proxy = |secrets| LogQuery { source: Some("proxy".to_owned()), secrets, ..LogQuery::default() };
    let follow = LogQuery { from: Some(0), follow: true, ..proxy(None) };
    let mut followed = Box::pin(machine.client.logs(house.instance, &follow).await.unwrap());
    let next = tokio::time::timeout(PATIENCE, followed.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(next.text, "GET /became-secret-since 200 in 1 ms");
    let refused = machine.client.logs(house.instance, &proxy(Some(7))).await.err();
    assert_eq!(refused.and_then(|error| error.code()), Some(stoa_agent::protocol::Code::OldSecrets));
    let refused = machine.client.outline(house.instance, &proxy(Some(7))).await.err();
    assert_eq!(refused.and_then(|error| error.code()), Some(stoa_agent::protocol::Code::OldSecrets));

    let secrets = vec![SecretText(Secret::from_text("became-secret-since".to_owned()))];
    let told = TellSecrets { revision: 7, secrets, anew: false };
    machine.client.tell_secrets(house.instance, &told).await.unwrap();
    let read = lines(&house, &machine, proxy(Some(7))).await;
    assert_eq!(read[0].text, "GET /[secret removed] 200 in 1 ms");
    // Whoever follows goes on without it, and it isn't written any more.
    machine.agent.note_request(house.instance, 200, "PUT /became-secret-since 200 in 1 ms".to_owned());
    let next = tokio::time::timeout(PATIENCE, followed.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(next.text, "PUT /[secret removed] 200 in 1 ms");
    assert!(!written(&place.path().join("state/access")).contains("PUT /became"));
}

/// It says what it is asked for, and a value that it has.
const PARROT: &str = r#"
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/": print("said " + self.path[1:] + " " + os.environ["TOK"], flush=True)
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

#[tokio::test]
async fn what_becomes_secret_while_it_runs_is_written_no_more_and_never_read_again() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let value = |text: &str| SecretText(Secret::from_text(text.to_owned()));
    let variable = Variable { name: "TOK".to_owned(), value: value(CANARY) };
    let form = PutInstance { variables: vec![variable], ..house.form() };
    std::fs::write(house.repository.join("app.py"), PARROT).unwrap();
    std::fs::write(house.repository.join("stoa.toml"), "[run]\ncommand = [\"python3\", \"app.py\"]\n")
        .unwrap();
    let commit = house.commit_all("talks");
    assert!(succeeded(&house.deploy_as(&machine, commit, &form).await));
    let said = async |machine: &Machine, what: &str| {
        house.get(machine, &format!("/{what}")).await.unwrap();
        let query = LogQuery { query: Some(format!("said {what} ")), follow: true, ..LogQuery::default() };
        let mut lines = Box::pin(machine.client.logs(house.instance, &query).await.unwrap());
        tokio::time::timeout(PATIENCE, lines.next()).await.unwrap().unwrap().unwrap().text
    };
    let tell = async |machine: &Machine, revision: i64, secrets: Vec<SecretText>| {
        let told = TellSecrets { revision, secrets, anew: false };
        machine.client.tell_secrets(house.instance, &told).await.unwrap();
    };
    assert_eq!(said(&machine, "open").await, format!("said open {CANARY}"));
    tell(&machine, 1, vec![value(CANARY)]).await;
    assert_eq!(said(&machine, "secret").await, "said secret [secret removed]");
    tell(&machine, 2, vec![value("canary-Another-One")]).await;
    assert_eq!(said(&machine, "replaced").await, "said replaced [secret removed]");

    // Nor by an agent that was started since, which nobody tells of it any more.
    drop(machine);
    let machine = house.machine().await;
    tell(&machine, 3, Vec::new()).await;
    assert_eq!(said(&machine, "removed").await, "said removed [secret removed]");
    let told =
        lines(&house, &machine, LogQuery { query: Some("said".to_owned()), ..LogQuery::default() }).await;
    let told: Vec<&str> = told.iter().map(|line| line.text.as_str()).collect();
    let expected =
        ["open", "secret", "replaced", "removed"].map(|what| format!("said {what} [secret removed]"));
    assert_eq!(told, expected);
    // On the disk is what was written before it was secret.
    let text = written(&place.path().join("state/logs"));
    assert_eq!(text.matches(CANARY).count(), 1, "{text}");
    assert!(
        !String::from_utf8_lossy(
            &std::fs::read(place.path().join("state/secrets").join(house.instance.to_string())).unwrap()
        )
        .contains("canary")
    );
}

#[tokio::test]
async fn what_is_asked_wrongly_of_a_log_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    for wrong in [
        LogQuery { levels: Some("loud".to_owned()), ..LogQuery::default() },
        LogQuery { levels: Some(String::new()), ..LogQuery::default() },
        LogQuery { query: Some("x".repeat(5_000)), ..LogQuery::default() },
        LogQuery { source: Some("mail".to_owned()), ..LogQuery::default() },
    ] {
        let refused = machine.client.logs(house.instance, &wrong).await.err().and_then(|error| error.code());
        assert_eq!(refused, Some(stoa_agent::protocol::Code::Invalid), "{wrong:?}");
        let refused =
            machine.client.outline(house.instance, &wrong).await.err().and_then(|error| error.code());
        assert_eq!(refused, Some(stoa_agent::protocol::Code::Invalid), "{wrong:?}");
    }
}
