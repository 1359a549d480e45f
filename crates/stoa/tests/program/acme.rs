//! Certificates by ACME, from a real authority (pebble): for the public host and for a domain of an instance, proved
//! over real sockets, and served by the name that is asked for.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Installation, PASSWORD, another_port, git, until};

const TOKEN: &str = "a-setup-token-that-is-long-enough-for-one";
const W: &str = "/api/v1/workspaces/acme";
const HOST: &str = "stoa.example.org";
const DOMAIN: &str = "shop.example.net";
/// One that the authority certifies for nobody.
const BLOCKED: &str = "blocked.example.net";

const ECHO: &[(&str, &str)] = &[
    ("stoa.toml", "[run]\ncommand = [\"python3\", \"-u\", \"app.py\"]\n"),
    (
        "app.py",
        "import http.server, os\nclass H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        body = ('at ' + self.headers.get('Host')).encode()\n        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)\n    def log_message(self, *_): pass\nhttp.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), H).serve_forever()\n",
    ),
];

/// What a name server knows: texts by name, and names that lead elsewhere than here.
#[derive(Default)]
struct Zone {
    texts: BTreeMap<String, String>,
    elsewhere: BTreeMap<String, [u8; 4]>,
}

type Zones = Arc<Mutex<Zone>>;

/// A name server: every name is this machine's, but for those that lead elsewhere, and has the text that is set for it.
fn names(zones: Zones) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut bytes = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            if let Some(said) = answer(&zones, &bytes[..length]) {
                let _ = socket.send_to(&said, from);
            }
        }
    });
    port
}

/// RFC 1035, 4.1: the head, the question once more, and one answer to it.
fn answer(zones: &Zones, asked: &[u8]) -> Option<Vec<u8>> {
    let (mut labels, mut at) = (Vec::new(), 12);
    while let length @ 1.. = usize::from(*asked.get(at)?) {
        labels.push(String::from_utf8_lossy(asked.get(at + 1..at + 1 + length)?).to_lowercase());
        at += length + 1;
    }
    let kind = u16::from_be_bytes([*asked.get(at + 1)?, *asked.get(at + 2)?]);
    let (zone, name) = (zones.lock().unwrap(), labels.join("."));
    let rest = match kind {
        1 => Some(zone.elsewhere.get(&name).unwrap_or(&[127, 0, 0, 1]).to_vec()),
        16 => zone.texts.get(&name).map(|text| {
            let length = u8::try_from(text.len()).unwrap();
            [&[length], text.as_bytes()].concat()
        }),
        _ => None,
    };
    let mut said = asked[..2].to_vec();
    said.extend([0x81, 0x80, 0, 1, 0, u8::from(rest.is_some()), 0, 0, 0, 0]);
    said.extend(&asked[12..at + 5]);
    if let Some(rest) = rest {
        said.extend([0xc0, 12]);
        said.extend(kind.to_be_bytes());
        said.extend([0, 1, 0, 0, 0, 0]);
        said.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
        said.extend(rest);
    }
    Some(said)
}

fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates")
}

/// The authority, which ends with the test.
struct Pebble {
    child: Child,
    directory: String,
    management: u16,
}

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pebble {
    fn start(folder: &Path, names: u16, http: u16, tls: u16) -> Self {
        let (listen, management) = (another_port(34_000, 200), another_port(34_200, 200));
        let file = |name: &str| certificates().join(name).to_str().unwrap().to_owned();
        let settings = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{listen}"), "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": file("first.pem"), "privateKey": file("first.key"), "httpPort": http, "tlsPort": tls,
            "ocspResponderURL": "", "externalAccountBindingRequired": false, "domainBlocklist": [BLOCKED],
        } });
        let place = folder.join("pebble.json");
        std::fs::write(&place, settings.to_string()).unwrap();
        let child = Command::new("pebble")
            .args(["-config", place.to_str().unwrap(), "-dnsserver", &format!("127.0.0.1:{names}")])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pebble is installed: apt-get install pebble");
        let own = Self { child, directory: format!("https://localhost:{listen}/dir"), management };
        until("the authority", || own.root());
        own
    }

    /// What its certificates rest on.
    fn root(&self) -> Option<String> {
        let address = format!("https://localhost:{}/roots/0", self.management);
        let output = Command::new("curl").args(["--silent", "--insecure", &address]).output().unwrap();
        String::from_utf8(output.stdout).ok().filter(|text| text.contains("BEGIN CERTIFICATE"))
    }
}

struct Ground {
    stoa: Installation,
    port: u16,
    root: PathBuf,
}

impl Ground {
    /// What a browser does: it trusts the authority and nothing else, and believes the name server.
    fn curl(&self, host: &str, path: &str, more: &[&str]) -> Option<String> {
        let port = self.port;
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--cacert", self.root.to_str().unwrap()])
            .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
            .args(more)
            .arg(format!("https://{host}:{port}{path}"))
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The number of the certificate that a host is served; `None` where it is served none that is trusted.
    fn serial(&self, host: &str) -> Option<String> {
        let told = self.curl(host, "/", &["--output", "/dev/null", "--write-out", "%{certs}"])?;
        let found = told.lines().find_map(|line| line.strip_prefix("Serial Number:"))?;
        Some(found.trim().to_owned())
    }

    fn post(&self, path: &str, credential: &str, body: &Value) -> String {
        let origin = format!("Origin: https://{HOST}:{}", self.port);
        let text = body.to_string();
        let more = ["--include", "--header", &origin, "--header", credential, "--json", &text];
        self.curl(HOST, path, &more).unwrap()
    }

    fn json(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Value {
        let bearer = format!("Authorization: Bearer {token}");
        let text = body.map(|body| body.to_string());
        let mut more = vec!["--request", method, "--header", &bearer];
        if let Some(text) = &text {
            more.extend(["--json", text]);
        }
        let answer = self.curl(HOST, path, &more).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{path}: {answer}"))
    }
}

/// What the records hold, as bytes.
fn records(stoa: &Installation) -> Vec<u8> {
    let read = |name: &str| std::fs::read(stoa.data().join(name)).unwrap_or_default();
    [read("stoa.sqlite"), read("stoa.sqlite-wal")].concat()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A running application of the first account's: how the API is asked, where its settings are, its given host.
fn application(ground: &Ground) -> (String, String) {
    let account =
        json!({ "token": TOKEN, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
    let answer = ground.post("/api/v1/setup", "X: y", &account);
    let line = answer.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).unwrap();
    let cookie = format!("Cookie: {}", line.split_once(": ").unwrap().1.split(';').next().unwrap());
    let made = ground.post("/api/v1/me/tokens", &cookie, &json!({ "name": "laptop" }));
    let made: Value = serde_json::from_str(made.split_once("\r\n\r\n").unwrap().1).unwrap();
    let token = made["token"].as_str().unwrap().to_owned();
    let ask = |method: &str, path: &str, body: Option<Value>| ground.json(method, path, &token, body);
    ask("POST", "/api/v1/workspaces", Some(json!({ "name": "Acme" })));
    ask("POST", &format!("{W}/servers"), Some(json!({ "name": "Here", "local": true })));
    ask("POST", &format!("{W}/projects"), Some(json!({ "name": "Shop" })));
    let work = ground.stoa.folder.path().join("work");
    std::fs::create_dir_all(&work).unwrap();
    for (name, text) in ECHO {
        std::fs::write(work.join(name), text).unwrap();
    }
    let port = ground.port;
    let remote = format!("https://x:{token}@{HOST}:{port}/git/acme/shop.git");
    let resolve = format!("http.curloptResolve={HOST}:{port}:127.0.0.1");
    let trusts = format!("http.sslCAInfo={}", ground.root.display());
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "."],
        &["commit", "--quiet", "-m", "The first"],
        &["-c", &resolve, "-c", &trusts, "push", "--quiet", &remote, "main"],
    ] {
        let (succeeded, said) = git(&work, arguments);
        assert!(succeeded, "{said}");
    }
    let new =
        json!({ "name": "Shop", "project": "shop", "server": "here", "stage": "staging", "branch": "main" });
    ask("POST", &format!("{W}/instances"), Some(new));
    let url = until("the instance", || {
        let seen = ask("GET", &format!("{W}/instances/shop"), None);
        (seen["status"] == "running" && seen["job"].is_null())
            .then(|| seen["url"].as_str().unwrap().to_owned())
    });
    (token, url.trim_start_matches("https://").split(':').next().unwrap().to_owned())
}

#[test]
fn hosts_get_certificates_of_an_authority_and_each_is_served_its_own_for_as_long_as_it_serves() {
    let zones = Zones::default();
    let names = names(zones.clone());
    let mut stoa = Installation::prepare(&[]);
    let port = another_port(33_000, 300);
    let folder = stoa.folder.path().to_owned();
    let pebble = Pebble::start(&folder, names, stoa.port, port);
    for (name, value) in [
        ("STOA_PUBLIC_URL", format!("https://{HOST}:{port}")),
        ("STOA_TLS_LISTEN", format!("127.0.0.1:{port}")),
        ("STOA_ACME_DIRECTORY", pebble.directory.clone()),
        ("STOA_ACME_CONTACT", "ops@example.org".to_owned()),
        ("STOA_DNS_SERVER", format!("127.0.0.1:{names}")),
        ("STOA_INSTANCE_DOMAIN", "apps.example.com".to_owned()),
        ("STOA_SETUP_TOKEN", TOKEN.to_owned()),
        ("SSL_CERT_FILE", certificates().join("authority.pem").to_str().unwrap().to_owned()),
    ] {
        stoa.environment.push((name.to_owned(), value));
    }
    stoa.setup_token = TOKEN.to_owned();
    let _ = stoa.run();
    let root = folder.join("root.pem");
    std::fs::write(&root, pebble.root().unwrap()).unwrap();
    let mut ground = Ground { stoa, port, root };
    let health = "/api/v1/health";
    let answer = until("a certificate of the public host", || ground.curl(HOST, health, &[]));
    assert!(answer.contains("\"version\""), "{answer}");
    assert!(ground.curl(DOMAIN, "/", &[]).is_none(), "nobody's name has a certificate");

    let (token, given) = application(&ground);
    until("a certificate of the host that it was given", || ground.curl(&given, "/", &[]));
    let settings = format!("{W}/instances/shop/settings");
    let ask = |ground: &Ground, method: &str, path: &str, body: Option<Value>| {
        ground.json(method, path, &token, body)
    };
    let told = |ground: &Ground, host: &str| {
        let seen = ask(ground, "GET", &settings, None);
        seen["domains"].as_array().unwrap().iter().find(|one| one["host"] == host).unwrap().clone()
    };
    let check = |ground: &Ground, host: &str| {
        ask(ground, "POST", &format!("{settings}/domains/{host}/check"), Some(json!({})))
    };
    let both = json!({ "domains": [{ "host": DOMAIN }, { "host": BLOCKED }] });
    let claimed = ask(&ground, "PATCH", &settings, Some(both));
    for domain in claimed["domains"].as_array().unwrap() {
        let (name, proof) = (domain["proof_name"].as_str().unwrap(), domain["proof"].as_str().unwrap());
        zones.lock().unwrap().texts.insert(name.to_owned(), proof.to_owned());
    }
    zones.lock().unwrap().elsewhere.insert(DOMAIN.to_owned(), [203, 0, 113, 9]);

    // Proved, and it leads elsewhere: nobody is asked until it leads here.
    assert!(check(&ground, DOMAIN)["verified_at"].is_string());
    let waiting = until("what is said of where it leads", || {
        let told = told(&ground, DOMAIN);
        (told["certificate"]["trouble"] == "dns").then_some(told)
    });
    assert_eq!((&waiting["leads"], &waiting["leads_to"]), (&json!("elsewhere"), &json!(["203.0.113.9"])));
    assert!(ground.curl(DOMAIN, "/", &[]).is_none());
    zones.lock().unwrap().elsewhere.clear();
    assert_eq!(check(&ground, DOMAIN)["leads"], "here");
    let answer = until("a certificate of the domain", || ground.curl(DOMAIN, "/", &[]));
    assert_eq!(answer, format!("at {DOMAIN}:{port}"));
    let issued = told(&ground, DOMAIN)["certificate"].clone();
    assert!(issued["ends_at"].is_string() && issued["problem"].is_null(), "{issued}");

    // Refused: told in the authority's words, and left alone for a while.
    assert!(check(&ground, BLOCKED)["verified_at"].is_string());
    let refused = until("a refusal", || {
        let told = told(&ground, BLOCKED)["certificate"].clone();
        (told["trouble"] == "refused").then_some(told)
    });
    assert!(refused["problem"].as_str().unwrap().contains("policy"), "{refused}");
    let _ = check(&ground, BLOCKED);
    assert_eq!(told(&ground, BLOCKED)["certificate"]["next_at"], refused["next_at"], "nobody hurries it");
    assert!(ground.curl(BLOCKED, "/", &[]).is_none());

    // What serves no more is served no certificate.
    zones.lock().unwrap().texts.remove(&format!("_stoa.{DOMAIN}"));
    assert_eq!(check(&ground, DOMAIN)["verified_at"], Value::Null);
    until("an end of what was served", || ground.curl(DOMAIN, "/", &[]).is_none().then_some(()));
    let proof = told(&ground, DOMAIN)["proof"].as_str().unwrap().to_owned();
    zones.lock().unwrap().texts.insert(format!("_stoa.{DOMAIN}"), proof);
    assert!(check(&ground, DOMAIN)["verified_at"].is_string());
    let first = until("the same certificate again", || ground.serial(DOMAIN));

    // They are the records', not the process's, and sealed there. What is due is renewed, and served without a start.
    ground.stoa.end();
    let records = records(&ground.stoa);
    assert!(holds(&records, "BEGIN CERTIFICATE"), "it looks where they are");
    assert!(!holds(&records, "PRIVATE KEY") && !holds(&records, "key_pkcs8"), "keys are sealed");
    let due = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as records: records.execute('UPDATE certificates SET next_at = 0 WHERE host = ?', (sys.argv[2],))";
    let records = ground.stoa.data().join("stoa.sqlite");
    let made_due = Command::new("python3").args(["-c", due]).arg(&records).arg(DOMAIN).output().unwrap();
    assert!(made_due.status.success(), "{}", String::from_utf8_lossy(&made_due.stderr));
    let _ = ground.stoa.run();
    let renewed = until("a renewed certificate", || ground.serial(DOMAIN).filter(|now| *now != first));
    assert_ne!(renewed, first);

    // Without the authority everything is served as it was.
    drop(pebble);
    ground.stoa.end();
    let _ = ground.stoa.run();
    assert!(until("the page after a start", || ground.curl(HOST, health, &[])).contains("\"version\""));
    assert_eq!(until("the domain after a start", || ground.serial(DOMAIN)), renewed);
    assert!(!ground.stoa.log().contains("PRIVATE KEY"));
    ground.stoa.end();
    let _ = ground.stoa.stop_all();
}
