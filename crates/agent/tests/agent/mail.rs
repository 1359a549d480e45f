//! An instance whose mail is off reaches no mail server, by whichever of its processes; another reaches the same ones.

use std::net::{Ipv4Addr, TcpListener};

use stoa_agent::protocol::{BeginDeployment, SecretText, Variable};
use stoa_domain::branch::CommitId;
use stoa_domain::{AccountId, Secret};

use crate::support::desk::Desk;
use crate::support::house::{House, Machine, git, id, succeeded};

const PORTS: [u16; 4] = [25, 465, 587, 2525];

/// One word for each connection: to mail servers, to something else there, to a mail server by IPv6.
const TRIED: &str = r#"
import socket
def attempt(address, port):
    try:
        socket.create_connection((address, port), timeout=10).close()
        return "reached"
    except OSError as error:
        return {1: "denied", 13: "denied", 101: "unreachable", 113: "unreachable"}.get(error.errno, repr(error))
def attempts():
    outside = [attempt("OUTWARD", port) for port in (25, 465, 587, 2525, OTHER)]
    return " ".join(outside + [attempt("2001:db8::1", 25)])
if __name__ == "__main__":
    print("tried", attempts(), flush=True)
"#;

/// Has a mail server of its own, where its mails can be looked at.
const APPLICATION: &str = r#"
import http.server, os, socket, tried
own = socket.create_server(("127.0.0.1", 2525))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        tries = [tried.attempts(), tried.attempt("127.0.0.1", 2525)] if self.path == "/try" else []
        self.send_response(200); self.send_header("Connection", "close"); self.end_headers()
        self.wfile.write(" ".join(tries).encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

const SETTINGS: &str = r#"
[release]
command = ["sh", "-c", "python3 tried.py > /data/released"]
[run]
command = ["python3", "app.py"]
stop_time = "1s"
[processes.worker]
command = ["sh", "-c", "python3 tried.py > /data/worked; exec sleep 1000"]
"#;

fn commit(house: &House, outward: Ipv4Addr, other: u16) -> CommitId {
    let tried = TRIED.replace("OUTWARD", &outward.to_string()).replace("OTHER", &other.to_string());
    for (name, text) in [("tried.py", tried.as_str()), ("app.py", APPLICATION), ("stoa.toml", SETTINGS)] {
        std::fs::write(house.repository.join(name), text).unwrap();
    }
    git(&house.repository, &["add", "--all"]);
    git(&house.repository, &["commit", "--quiet", "--message", "tries"]);
    CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_mail_is_off_no_process_of_an_instance_reaches_a_mail_server() {
    let outward = crate::support::outward();
    if crate::support::need::lacks("network", outward.is_some()) {
        return;
    }
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        // Nobody else can listen at these ports.
        return;
    }
    let outward = outward.unwrap();
    let servers: Vec<_> = PORTS.iter().map(|port| TcpListener::bind((outward, *port)).unwrap()).collect();
    let other = TcpListener::bind((outward, 0)).unwrap();
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    // The operator has opened the machine that the mail servers are on, which opens no mail.
    let machine = Machine::start_reaching(place.path().join("state"), vec![outward.to_string()]).await;
    if crate::support::need::lacks("network", machine.client.hello().abilities.no_outgoing.is_none()) {
        return;
    }
    let first = commit(&house, outward, other.local_addr().unwrap().port());
    let data = place.path().join("state/data").join(house.instance.to_string());
    let open = "reached reached reached reached reached unreachable";
    let closed = "denied denied denied denied reached denied";
    for (is_off, wanted) in [(false, open), (true, closed)] {
        for name in ["released", "worked"] {
            let _ = std::fs::remove_file(data.join(name));
        }
        let mut form = house.form();
        if is_off {
            let value = SecretText(Secret::from_text("off".to_owned()));
            form.variables.push(Variable { name: "STOA_MAIL".to_owned(), value });
        }
        machine.client.put_instance(house.order(), house.instance, &form).await.unwrap();
        house.bring(&machine, &first).await;
        let wish = BeginDeployment { deployment: id(), release: id(), commit: first.to_string() };
        let ended = machine.outcome(machine.client.deploy(house.order(), house.instance, &wish).await).await;
        assert!(succeeded(&ended), "{ended:?}");
        assert_eq!(house.get(&machine, "/try").await.unwrap(), format!("{wanted} reached"), "off: {is_off}");
        let told = |name: &str| std::fs::read_to_string(data.join(name)).unwrap_or_default();
        assert_eq!(told("released").trim(), format!("tried {wanted}"), "off: {is_off}");
        crate::support::until("a further process to have tried", async || {
            told("worked").ends_with('\n').then_some(())
        })
        .await;
        assert_eq!(told("worked").trim(), format!("tried {wanted}"), "off: {is_off}");
        let desk = Desk::of(&house, &machine, AccountId::new(id()), &first).await;
        let shown = desk.shell("python3 tried.py").await;
        assert!(shown.contains(&format!("tried {wanted}")), "off: {is_off}: {shown}");
        desk.ask().end(true).await.unwrap();
    }
    drop(servers);
}
