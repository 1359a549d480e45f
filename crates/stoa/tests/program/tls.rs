//! TLS by Stoa itself, over real sockets: what is refused at the start, both versions of HTTP, certificates that change,
//! and who is sent from the address without TLS to the one with it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;

use crate::support::{Installation, PASSWORD, another_port, git, push_files, until};

const TOKEN: &str = "a-setup-token-that-is-long-enough-for-one";
const W: &str = "/api/v1/workspaces/acme";

/// Says who asked and with which cookies, and speaks on whatever was upgraded.
const ECHO: &[(&str, &str)] = &[
    ("stoa.toml", "[run]\ncommand = [\"python3\", \"-u\", \"app.py\"]\n"),
    (
        "app.py",
        r#"
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        told = self.headers.get
        if told("Upgrade"):
            self.send_response(101); self.send_header("Upgrade", "echo"); self.send_header("Connection", "Upgrade"); self.end_headers()
            while line := self.rfile.readline():
                self.wfile.write(b"heard " + line); self.wfile.flush()
            self.close_connection = True
            return
        body = ("from %s at %s by %s with %s" % (told("X-Forwarded-For"), told("Host"), told("X-Forwarded-Proto"), told("Cookie"))).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#,
    ),
];

fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates")
}

/// An installation with a listener for TLS, whose files lie in its own folder.
struct Ground {
    stoa: Installation,
    port: u16,
}

impl Ground {
    fn prepare(certificate: &str) -> Self {
        let mut stoa = Installation::prepare(&[]);
        let port = another_port(32_000, 300);
        let folder = stoa.folder.path().to_owned();
        let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        for (name, value) in [
            ("STOA_PUBLIC_URL", format!("https://localhost:{port}")),
            ("STOA_TLS_LISTEN", format!("127.0.0.1:{port}")),
            ("STOA_TLS_CERT_FILE", file("certificate.pem")),
            ("STOA_TLS_KEY_FILE", file("certificate.key")),
            ("STOA_SETUP_TOKEN", TOKEN.to_owned()),
        ] {
            stoa.environment.push((name.to_owned(), value));
        }
        stoa.setup_token = TOKEN.to_owned();
        let own = Self { stoa, port };
        own.give(certificate);
        own
    }

    fn start() -> Self {
        let mut own = Self::prepare("first");
        let _ = own.stoa.run();
        own
    }

    fn path(&self, name: &str) -> PathBuf {
        self.stoa.folder.path().join(name)
    }

    fn give(&self, certificate: &str) {
        let (pem, key) = (self.path("certificate.pem"), self.path("certificate.key"));
        std::fs::copy(certificates().join(format!("{certificate}.pem")), pem).unwrap();
        std::fs::copy(certificates().join(format!("{certificate}.key")), &key).unwrap();
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn connect(&self, protocols: &[&[u8]]) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificates().join("authority.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
        StreamOwned::new(connection, socket)
    }

    /// One request by HTTP/1.1 with TLS.
    fn ask(&self, method: &str, path: &str, credential: &str, body: &str) -> String {
        let mut stream = self.connect(&[b"http/1.1"]);
        let port = self.port;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://localhost:{port}\r\n{credential}\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut bytes = Vec::new();
        // Some end without saying so.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn curl(&self, arguments: &[&str]) -> String {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--cacert"])
            .arg(certificates().join("authority.pem"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[test]
fn files_that_cannot_be_used_are_refused_at_the_start_and_told_by_the_doctor() {
    let ground = Ground::prepare("first");
    let (pem, key) = (ground.path("certificate.pem"), ground.path("certificate.key"));
    let refuse = |reason: &str| {
        let sentence = ground.stoa.refused();
        assert!(sentence.contains(reason), "{sentence}");
        let (succeeded, said, _) = ground.stoa.command_with(&["doctor"], "");
        assert!(!succeeded && said.contains(reason), "{said}");
    };
    std::fs::copy(certificates().join("second.key"), &key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    refuse("isn't the one of the certificate");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    refuse("may be read by everybody: run chmod 600 on it");
    std::fs::remove_file(&key).unwrap();
    refuse("certificate.key can't be read");
    ground.give("first");
    std::fs::write(&pem, "no certificate").unwrap();
    refuse("holds no certificate");
    std::fs::write(&key, "no key").unwrap();
    ground.give("first");
    std::fs::write(&key, "no key").unwrap();
    refuse("holds no private key");
    std::fs::remove_file(&pem).unwrap();
    refuse("certificate.pem can't be read");
}

#[test]
fn a_certificate_that_has_ended_is_told_of_and_served_all_the_same() {
    let mut ground = Ground::prepare("expired");
    let (_, said, _) = ground.stoa.command_with(&["doctor"], "");
    assert!(said.contains("the certificate has expired"), "{said}");
    let _ = ground.stoa.run();
    assert!(ground.stoa.log().contains("the certificate has expired"));
    let address = format!("https://localhost:{}/api/v1/health", ground.port);
    assert!(ground.curl(&["--insecure", &address]).contains("\"ok\""));
    ground.give("first");
    let (_, said, _) = ground.stoa.command_with(&["doctor"], "");
    assert!(said.contains("ok       TLS on") && !said.contains("expired"), "{said}");
}

#[test]
fn both_versions_of_http_and_of_tls_are_spoken_and_browsers_are_told_to_stay() {
    let ground = Ground::start();
    let address = format!("https://localhost:{}/api/v1/health", ground.port);
    let told = |arguments: &[&str]| {
        let format = ["--include", "--write-out", " by %{http_version}", address.as_str()];
        ground.curl(&[arguments, &format].concat())
    };
    for (arguments, version) in [
        (&["--http1.1"][..], "by 1.1"),
        (&["--http2"], "by 2"),
        (&["--http2", "--tls-max", "1.2"], "by 2"),
        (&["--http1.1", "--tlsv1.3"], "by 1.1"),
    ] {
        let answer = told(arguments);
        assert!(answer.ends_with(version), "{arguments:?}: {answer}");
        let lower = answer.to_lowercase();
        assert!(lower.contains("strict-transport-security: max-age=31536000"), "{answer}");
    }
    let page = ground.curl(&["--include", &format!("https://localhost:{}/", ground.port)]).to_lowercase();
    assert!(page.contains("200") && page.contains("strict-transport-security"), "{page}");
    let old = Command::new("curl")
        .args(["--insecure", "--silent", "--tls-max", "1.1", "--tlsv1.1", &address])
        .output()
        .unwrap();
    assert!(!old.status.success());
}

#[test]
fn whoever_comes_without_tls_is_sent_to_where_it_is_but_for_what_looks_after_the_process() {
    let mut ground = Ground::start();
    let plain = |ground: &Ground, path: &str, host: &str, method: &str| {
        let answer = ground.stoa.try_send("", method, path, None, host).unwrap();
        let place = answer.headers.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("location").then(|| value.to_owned())
        });
        (answer.status, place)
    };
    let port = ground.port;
    assert_eq!(
        plain(&ground, "/acme/projects?q=1", "localhost", "GET").1,
        Some(format!("https://localhost:{port}/acme/projects?q=1"))
    );
    assert_eq!(
        plain(&ground, "/api/v1/session", "localhost", "POST"),
        (308, Some(format!("https://localhost:{port}/api/v1/session")))
    );
    assert_eq!(
        plain(&ground, "/git/acme/shop.git/info/refs?service=git-upload-pack", "127.0.0.1", "GET").0,
        308
    );
    assert_eq!(
        plain(&ground, "/x", "shop-acme.localhost", "GET").1,
        Some(format!("https://shop-acme.localhost:{port}/x"))
    );
    assert_eq!(plain(&ground, "/api/v1/health", "localhost", "GET"), (200, None));
    // By an address too; but not in the name of an application, whose path it is.
    assert_eq!(plain(&ground, "/api/v1/health", "127.0.0.9", "GET"), (200, None));
    assert_eq!(plain(&ground, "/api/v1/health", "shop-acme.localhost", "GET").0, 308);
    // One of the operator's own proxies had it by TLS already.
    ground.stoa.end();
    ground.stoa.environment.push(("STOA_TRUSTED_PROXIES".to_owned(), "127.0.0.1".to_owned()));
    let _ = ground.stoa.run();
    assert_eq!(plain(&ground, "/api/v1/me", "localhost", "GET").0, 503);
}

#[test]
fn a_certificate_that_changes_is_taken_over_and_one_that_is_no_good_is_not() {
    let mut ground = Ground::start();
    let shown = |ground: &Ground| {
        let mut stream = ground.connect(&[b"http/1.1"]);
        stream.flush().unwrap();
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream.conn.peer_certificates().unwrap()[0].to_vec()
    };
    let of = |name: &str| {
        CertificateDer::from_pem_file(certificates().join(format!("{name}.pem"))).unwrap().to_vec()
    };
    assert_eq!(shown(&ground), of("first"));
    // Half of a change: the old one goes on.
    std::fs::copy(certificates().join("second.pem"), ground.path("certificate.pem")).unwrap();
    let hang_up = |ground: &Ground| {
        let pid = nix::unistd::Pid::from_raw(ground.stoa.pid());
        nix::sys::signal::kill(pid, nix::sys::signal::SIGHUP).unwrap();
    };
    hang_up(&ground);
    until("a word about it", || ground.stoa.log().contains("the certificate stays as it was").then_some(()));
    assert_eq!(shown(&ground), of("first"));
    // The whole of it, noticed without a word.
    ground.give("second");
    until("the second certificate", || (shown(&ground) == of("second")).then_some(()));
    ground.stoa.end();
}

#[test]
fn the_way_of_a_push_and_of_a_stream_and_of_an_upgrade_goes_by_tls_too() {
    let mut ground = Ground::start();
    let account =
        json!({ "token": TOKEN, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
    let answer = ground.ask("POST", "/api/v1/setup", "", &account.to_string());
    assert!(answer.contains(" 201 "), "{answer}");
    let line = answer.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).unwrap();
    assert!(line.contains("__Host-stoa=") && line.contains("Secure"), "{line}");
    let cookie = line.split_once(": ").unwrap().1.split(';').next().unwrap();
    let credential = format!("Cookie: {cookie}\r\n");
    let post = |path: &str, body: serde_json::Value| {
        let answer = ground.ask("POST", path, &credential, &body.to_string());
        assert!(answer.contains(" 201 "), "{answer}");
        serde_json::from_str::<serde_json::Value>(answer.split_once("\r\n\r\n").unwrap().1)
            .unwrap_or_default()
    };
    post("/api/v1/workspaces", json!({ "name": "Acme" }));
    post(&format!("{W}/projects"), json!({ "name": "Shop" }));
    let token = post("/api/v1/me/tokens", json!({ "name": "git" }))["token"].as_str().unwrap().to_owned();

    // The client trusts what its machine trusts.
    let client = |trusted: Option<PathBuf>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        command.env_clear().env("HOME", ground.stoa.folder.path());
        command.envs([
            ("STOA_URL", format!("https://localhost:{}", ground.port)),
            ("STOA_TOKEN", token.clone()),
        ]);
        command.envs(trusted.map(|file| ("SSL_CERT_FILE", file)));
        command.args(["workspace", "list"]).output().unwrap()
    };
    let listed = client(Some(certificates().join("authority.pem")));
    assert!(String::from_utf8_lossy(&listed.stdout).contains("acme"), "{listed:?}");
    let refused = String::from_utf8(client(None).stderr).unwrap();
    assert!(
        refused.contains("can't be asked") && refused.to_lowercase().contains("certificate"),
        "{refused}"
    );

    // An event stream by HTTP/2: its first line comes while it is open.
    let mut events = Command::new("curl")
        .args(["--silent", "--no-buffer", "--http2", "--cacert"])
        .arg(certificates().join("authority.pem"))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .arg(format!("https://localhost:{}{W}/events", ground.port))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let work = ground.path("work");
    let remote = format!("https://x:{token}@localhost:{}/git/acme/shop.git", ground.port);
    std::fs::create_dir_all(&work).unwrap();
    let large: String = (0..300_000_u64).map(|n| format!("{}\n", n * 7919 % 1_000_003)).collect();
    let (succeeded, said) = git(&work, &["init", "--quiet", "--initial-branch=main"]);
    assert!(succeeded, "{said}");
    let authority = certificates().join("authority.pem");
    let (succeeded, said) = git(&work, &["config", "http.sslCAInfo", authority.to_str().unwrap()]);
    assert!(succeeded, "{said}");
    let files = [&[("large", large.as_str())][..], ECHO].concat();
    push_files(&work, &files, &remote);
    let mut first = [0];
    events.stdout.take().unwrap().read_exact(&mut first).unwrap();
    events.kill().unwrap();
    events.wait().unwrap();

    // An application on its own host: by both versions, and what is upgraded.
    post(&format!("{W}/servers"), json!({ "name": "Here", "local": true }));
    let instance =
        json!({ "name": "Echo", "project": "shop", "server": "here", "stage": "staging", "branch": "main" });
    let made = ground.ask("POST", &format!("{W}/instances"), &credential, &instance.to_string());
    assert!(made.contains(" 202 "), "{made}");
    until("the application", || {
        let seen = ground.ask("GET", &format!("{W}/instances/echo"), &credential, "");
        let seen: serde_json::Value = serde_json::from_str(seen.split_once("\r\n\r\n")?.1).ok()?;
        assert_ne!(seen["status"], "failed", "{seen}");
        (seen["status"] == "running").then_some(())
    });
    let host = format!("echo-acme.localhost:{}", ground.port);
    for version in ["--http1.1", "--http2"] {
        let told = ground.curl(&[
            version,
            "--cookie",
            "a=1; __Host-stoa=x",
            "--cookie",
            "b=2",
            &format!("https://{host}/"),
        ]);
        assert_eq!(told, format!("from 127.0.0.1 at {host} by https with a=1; b=2"), "{version}");
    }
    let mut stream = ground.connect(&[b"http/1.1"]);
    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n").unwrap();
    let mut reader = std::io::BufReader::new(stream);
    let mut line = String::new();
    std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
    assert!(line.contains(" 101 "), "{line}");
    while !line.trim().is_empty() {
        line.clear();
        std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
    }
    for word in ["one", "two"] {
        writeln!(reader.get_mut(), "{word}").unwrap();
        line.clear();
        std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
        assert_eq!(line, format!("heard {word}\n"));
    }
    drop(reader);
    ground.stoa.end();
}

#[test]
fn whoever_says_nothing_keeps_nobody_else_waiting() {
    let mut ground = Ground::start();
    // More than one address may have; none of them says a word.
    let silent: Vec<TcpStream> =
        (0..100).map(|_| TcpStream::connect(("127.0.0.1", ground.port)).unwrap()).collect();
    // From another address of this machine it goes on.
    let address = format!("https://localhost:{}/api/v1/health", ground.port);
    let answer = ground.curl(&["--interface", "127.0.0.2", "--ipv4", &address]);
    assert!(answer.contains("\"ok\""), "{answer}");
    // The rest are let go, and then this address is heard again.
    until("room for this address", || {
        let output =
            Command::new("curl").args(["--silent", "--insecure", "--ipv4", &address]).output().unwrap();
        output.status.success().then_some(())
    });
    drop(silent);
    ground.stoa.end();
}
