//! Somebody's terminal, where the client is typed; and a server of the test's own, which looks at each request.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Installation, PASSWORD};

/// What a command ended with, said and complained of.
pub struct Ended {
    pub code: i32,
    pub said: String,
    pub complaint: String,
}

impl Ended {
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.said, self.complaint);
        self.said
    }

    #[track_caller]
    pub fn refused(self, code: i32, reason: &str) {
        assert_eq!(self.code, code, "{}{}", self.said, self.complaint);
        assert!(self.complaint.contains(reason), "{}", self.complaint);
    }
}

/// Somebody's terminal: a folder of their own for what is kept.
pub struct Terminal {
    pub folder: tempfile::TempDir,
    pub more: Vec<(&'static str, String)>,
}

impl Terminal {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), more: Vec::new() }
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STOA_")) {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.folder.path()).args(words);
        command.envs(self.more.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn with(&self, words: &[&str], input: &str) -> Ended {
        let mut child = self.command(words).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ended {
            code: output.status.code().unwrap(),
            said: text(output.stdout),
            complaint: text(output.stderr),
        }
    }

    pub fn stoa(&self, words: &[&str]) -> Ended {
        self.with(words, "")
    }

    #[track_caller]
    pub fn json(&self, words: &[&str]) -> Value {
        let said = self.stoa(&[words, &["--json"]].concat()).well();
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    pub fn kept(&self) -> PathBuf {
        self.folder.path().join("stoa/login.json")
    }
}

pub fn address(stoa: &Installation) -> String {
    format!("http://localhost:{}", stoa.port)
}

/// An installation whose first account is signed in at a terminal.
pub fn ground() -> (Installation, Terminal, String) {
    let stoa = Installation::start();
    let account = json!({ "token": stoa.setup_token, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
    let cookie = stoa.send("", "POST", "/setup", Some(account)).expect(201).cookie();
    let terminal = Terminal::new();
    let said = terminal.with(&["login", &address(&stoa)], &format!("olga@example.com\n{PASSWORD}\n")).well();
    assert!(said.contains("as Olga.") && said.contains("You are in no workspace yet"), "{said}");
    (stoa, terminal, cookie)
}

/// A server that answers what it is told to, and keeps what it was asked.
pub struct Listening {
    pub port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Listening {
    /// Each answer is for one connection; an empty one breaks it off once the request has come.
    pub fn new(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let told = asked.clone();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut bytes = Vec::new();
                let mut piece = [0; 4096];
                loop {
                    let count = stream.read(&mut piece).unwrap();
                    bytes.extend_from_slice(&piece[..count]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                        let length = head
                            .to_lowercase()
                            .lines()
                            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                        body.len() >= length.unwrap_or(0)
                    });
                    if whole || count == 0 {
                        told.lock().unwrap().push(text);
                        break;
                    }
                }
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { port, asked }
    }

    pub fn terminal(&self) -> Terminal {
        let mut terminal = Terminal::new();
        terminal.more = vec![
            ("STOA_URL", format!("http://127.0.0.1:{}", self.port)),
            ("STOA_TOKEN", "stoa_pat_of_this_test".to_owned()),
        ];
        terminal
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

pub fn answer(status: &str, more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{more}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

pub fn header(request: &str, name: &str) -> Option<String> {
    request.lines().find_map(|line| {
        let (own, value) = line.split_once(": ")?;
        own.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}
