//! The two examples of docs/behind, as they are, with real proxies: only names, ports and files are put in their places.
//! Where a proxy isn't installed that is said, and nothing else is.

#![allow(clippy::print_stdout)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Installation, PASSWORD, another_port, git, push_files, until};

const TOKEN: &str = "a-setup-token-that-is-long-enough-for-one";
const W: &str = "/api/v1/workspaces/acme";

/// Speaks on whatever was upgraded, says who asked, and counts what was sent.
const ECHO: &[(&str, &str)] = &[
    ("stoa.toml", "[run]\ncommand = [\"python3\", \"-u\", \"app.py\"]\n"),
    (
        "app.py",
        r#"
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.headers.get("Upgrade"):
            self.send_response(101); self.send_header("Upgrade", "echo"); self.send_header("Connection", "Upgrade"); self.end_headers()
            while True:
                line = self.rfile.readline()
                if not line: break
                self.wfile.write(b"heard " + line); self.wfile.flush()
            self.close_connection = True
            return
        if self.path == "/slow":
            self.send_response(200); self.send_header("Transfer-Encoding", "chunked"); self.end_headers()
            self.wfile.write(b"6\r\nfirst\n\r\n"); self.wfile.flush()
            while not os.path.exists("/tmp/go-on"): time.sleep(0.05)
            return
        body = ("from %s at %s by %s" % (self.headers.get("X-Forwarded-For"), self.headers.get("Host"), self.headers.get("X-Forwarded-Proto"))).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#,
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn certificate(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates").join(name);
    file.canonicalize().unwrap().to_str().unwrap().to_owned()
}

fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg(if program == "nginx" { "-v" } else { "version" }).output().is_ok();
    if !found {
        println!("SKIPPED: {program} isn't installed here. apt-get install {program}");
    }
    found
}

/// A proxy, ended with the test.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        // Its workers end with it.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// Stoa, and the proxy before it.
struct Ground {
    stoa: Installation,
    /// Where the proxy has TLS.
    port: u16,
    proxy: Option<Proxy>,
}

impl Ground {
    fn new() -> Self {
        let mut stoa = Installation::prepare(&[]);
        let port = another_port(32_300, 200);
        for (name, value) in [
            ("STOA_PUBLIC_URL", format!("https://stoa.test:{port}")),
            ("STOA_INSTANCE_DOMAIN", "apps.test".to_owned()),
            ("STOA_TRUSTED_PROXIES", "127.0.0.1".to_owned()),
            ("STOA_SETUP_TOKEN", TOKEN.to_owned()),
        ] {
            stoa.environment.push((name.to_owned(), value));
        }
        stoa.setup_token = TOKEN.to_owned();
        let _ = stoa.run();
        Self { stoa, port, proxy: None }
    }

    /// The example, with its names, ports and files replaced, each of which has to be in it.
    fn example(&self, name: &str, replaced: &[(&str, String)]) -> String {
        let mut text = std::fs::read_to_string(root().join("docs/behind").join(name)).unwrap();
        let usual = [
            ("stoa.example", "stoa.test".to_owned()),
            ("apps.example", "apps.test".to_owned()),
            ("127.0.0.1:8080", format!("127.0.0.1:{}", self.stoa.port)),
            ("/etc/ssl/stoa.pem", certificate("first.pem")),
            ("/etc/ssl/stoa.key", certificate("first.key")),
        ];
        for (from, to) in replaced.iter().chain(usual.iter()) {
            assert!(text.contains(from), "{name} doesn't say {from} any more");
            text = text.replace(from, to);
        }
        text
    }

    fn behind_nginx(&mut self) {
        let plain = another_port(32_500, 200);
        let site = self.example(
            "nginx.conf",
            &[
                ("listen 80;", format!("listen 127.0.0.1:{plain};")),
                ("listen 443 ssl http2;", format!("listen 127.0.0.1:{} ssl http2;", self.port)),
            ],
        );
        let folder = self.stoa.folder.path().join("nginx");
        std::fs::create_dir(&folder).unwrap();
        let place = folder.display();
        let whole = format!(
            "daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;\n\
             events {{ worker_connections 256; }}\n\
             http {{\n access_log off; client_body_temp_path {place}/a; proxy_temp_path {place}/b;\n\
             fastcgi_temp_path {place}/c; uwsgi_temp_path {place}/d; scgi_temp_path {place}/e;\n{site}\n}}\n"
        );
        std::fs::write(folder.join("nginx.conf"), whole).unwrap();
        let mut command = Command::new("nginx");
        command
            .arg("-e")
            .arg(folder.join("error.log"))
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"));
        self.begin(command);
    }

    fn behind_caddy(&mut self) {
        let site = self.example(
            "Caddyfile",
            &[(
                "\nstoa.example, *.apps.example {",
                format!(
                    "\nhttps://stoa.example:{0}, https://*.apps.example:{0} {{\n\tbind 127.0.0.1",
                    self.port
                ),
            )],
        );
        let folder = self.stoa.folder.path().join("caddy");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(
            folder.join("Caddyfile"),
            format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}"),
        )
        .unwrap();
        let mut command = Command::new("caddy");
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(folder.join("Caddyfile"))
            .env("HOME", &folder);
        self.begin(command);
    }

    fn begin(&mut self, mut command: Command) {
        let log = std::fs::File::create(self.stoa.folder.path().join("proxy.log")).unwrap();
        let child =
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.proxy = Some(Proxy(child));
        until("the proxy", || {
            let said = std::fs::read_to_string(self.stoa.folder.path().join("proxy.log")).unwrap();
            let ended = self.proxy.as_mut().unwrap().0.try_wait().unwrap();
            assert!(ended.is_none(), "{said}");
            TcpStream::connect(("127.0.0.1", self.port)).is_ok().then_some(())
        });
    }

    fn curl(&self) -> Command {
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--cacert",
            &certificate("authority.pem"),
        ]);
        for name in ["stoa.test", "echo-acme.apps.test"] {
            command.args(["--resolve", &format!("{name}:{}:127.0.0.1", self.port)]);
        }
        command
    }

    fn said(&self, command: &mut Command) -> String {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn send(&self, credential: &str, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("https://stoa.test:{}{path}", self.port);
        let origin = format!("Origin: https://stoa.test:{}", self.port);
        let mut command = self.curl();
        command.args([
            "--request",
            method,
            "--header",
            "Content-Type: application/json",
            "--header",
            &origin,
        ]);
        if !credential.is_empty() {
            command.args(["--header", credential]);
        }
        if !body.is_null() {
            command.args(["--data", &body.to_string()]);
        }
        let text = self.said(command.args(["--fail-with-body", &url]));
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// All that a proxy could stand in the way of.
    fn everything_passes(&self) {
        let jar = self.stoa.folder.path().join("jar");
        let account =
            json!({ "token": TOKEN, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
        let url = |path: &str| format!("https://stoa.test:{}{path}", self.port);
        let mut setup = self.curl();
        setup.args([
            "--header",
            "Content-Type: application/json",
            "--header",
            &format!("Origin: {}", url("")),
        ]);
        setup.args(["--data", &account.to_string(), "--include", &url("/api/v1/setup")]);
        let answer = self.said(&mut setup);
        let line =
            answer.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).expect("a cookie");
        let cookie = format!("Cookie: {}", line.split_once(": ").unwrap().1.split(';').next().unwrap());
        self.send(&cookie, "POST", "/api/v1/workspaces", &json!({ "name": "Acme" }));
        // Whoever asks is known by the address in front of the proxy, which believes nobody else.
        let asked = self.said(self.curl().args([
            "--header",
            &cookie,
            "--header",
            "X-Forwarded-For: 203.0.113.9",
            "--interface",
            "127.0.0.3",
            &url("/api/v1/me/sessions"),
        ]));
        assert!(asked.contains("\"127.0.0.1\"") && !asked.contains("203.0.113.9"), "{asked}");
        let other = self.stoa_session_from("127.0.0.3", &url("/api/v1/session"));
        let sessions = self.send(&other, "GET", "/api/v1/me/sessions", &Value::Null).to_string();
        assert!(sessions.contains("\"127.0.0.3\"") && !sessions.contains("203.0.113.9"), "{sessions}");

        let token = self.send(&cookie, "POST", "/api/v1/me/tokens", &json!({ "name": "git" }))["token"]
            .as_str()
            .unwrap()
            .to_owned();
        let bearer = format!("Authorization: Bearer {token}");
        self.send(&bearer, "POST", &format!("{W}/servers"), &json!({ "name": "Here", "local": true }));
        self.send(&bearer, "POST", &format!("{W}/projects"), &json!({ "name": "Shop" }));

        // What follows is sent while the stream is open, and each event comes before the next is caused.
        let mut events = self
            .curl()
            .args(["--no-buffer", "--header", &bearer, &url(&format!("{W}/events"))])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(events.stdout.take().unwrap());
        let mut until_event = |wanted: &str| loop {
            let mut line = String::new();
            assert!(reader.read_line(&mut line).unwrap() > 0, "the stream ended before {wanted}");
            if line.contains(wanted) {
                return;
            }
        };
        // It opens with a comment: what happens from here on is told.
        until_event(":");
        self.send(&bearer, "PATCH", W, &json!({ "name": "Acme Works" }));
        until_event("\"changed\"");

        // A push of some megabytes that don't get smaller.
        let work = self.stoa.folder.path().join("work");
        std::fs::create_dir(&work).unwrap();
        let (succeeded, said) = git(&work, &["init", "--quiet", "--initial-branch=main"]);
        assert!(succeeded, "{said}");
        for setting in [
            ["config", "http.sslCAInfo", certificate("authority.pem").as_str()],
            ["config", "http.curloptResolve", &format!("stoa.test:{}:127.0.0.1", self.port)],
        ] {
            let (succeeded, said) = git(&work, &setting);
            assert!(succeeded, "{said}");
        }
        let mut random = vec![0; 8 << 20];
        std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut random).unwrap();
        std::fs::write(work.join("large"), random).unwrap();
        push_files(&work, ECHO, &format!("https://x:{token}@stoa.test:{}/git/acme/shop.git", self.port));
        until_event("\"changed\"");
        events.kill().unwrap();
        events.wait().unwrap();

        self.an_application_is_reached(&bearer);
        let _ = std::fs::remove_file(jar);
    }

    fn stoa_session_from(&self, address: &str, url: &str) -> String {
        let body = json!({ "email": "olga@example.com", "password": PASSWORD }).to_string();
        let origin = format!("Origin: https://stoa.test:{}", self.port);
        let mut command = self.curl();
        command.args([
            "--interface",
            address,
            "--header",
            "Content-Type: application/json",
            "--header",
            &origin,
        ]);
        let answer = self.said(command.args([
            "--header",
            "X-Forwarded-For: 203.0.113.9",
            "--include",
            "--data",
            &body,
            url,
        ]));
        let line =
            answer.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).expect("a cookie");
        format!("Cookie: {}", line.split_once(": ").unwrap().1.split(';').next().unwrap())
    }

    /// By its own name: who asks and how, the first bytes of a stream, and an upgrade.
    fn an_application_is_reached(&self, bearer: &str) {
        let instance = json!({ "name": "Echo", "project": "shop", "server": "here", "stage": "staging", "branch": "main" });
        self.send(bearer, "POST", &format!("{W}/instances"), &instance);
        until("the application", || {
            let seen = self.send(bearer, "GET", &format!("{W}/instances/echo"), &Value::Null);
            assert_ne!(seen["status"], "failed", "{seen}");
            (seen["status"] == "running").then_some(())
        });
        let url = |path: &str| format!("https://echo-acme.apps.test:{}{path}", self.port);
        let told = self.said(self.curl().args(["--interface", "127.0.0.4", &url("/")]));
        assert_eq!(told, format!("from 127.0.0.4 at echo-acme.apps.test:{} by https", self.port));
        let mut slow =
            self.curl().args(["--no-buffer", &url("/slow")]).stdout(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 6];
        slow.stdout.take().unwrap().read_exact(&mut first).unwrap();
        assert_eq!(&first, b"first\n", "it comes before the end, which never does");
        slow.kill().unwrap();
        slow.wait().unwrap();

        let mut tunnel = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", &format!("127.0.0.1:{}", self.port)])
            .args(["-servername", "echo-acme.apps.test", "-CAfile", &certificate("authority.pem")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = tunnel.stdin.take().unwrap();
        write!(
            input,
            "GET / HTTP/1.1\r\nHost: echo-acme.apps.test:{}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
            self.port
        )
        .unwrap();
        let mut reader = BufReader::new(tunnel.stdout.take().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.contains(" 101 "), "{line}");
        while line.trim() != "" {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        for word in ["one", "two"] {
            writeln!(input, "{word}").unwrap();
            line.clear();
            reader.read_line(&mut line).unwrap();
            assert_eq!(line, format!("heard {word}\n"));
        }
        tunnel.kill().unwrap();
        tunnel.wait().unwrap();
    }
}

#[test]
fn behind_nginx_everything_passes() {
    if is_installed("nginx") {
        let mut ground = Ground::new();
        ground.behind_nginx();
        ground.everything_passes();
    }
}

#[test]
fn behind_caddy_everything_passes() {
    if is_installed("caddy") {
        let mut ground = Ground::new();
        ground.behind_caddy();
        ground.everything_passes();
    }
}
