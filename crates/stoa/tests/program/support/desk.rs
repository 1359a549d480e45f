//! A terminal in a desk, as a browser has it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::{Address, PATIENCE};

/// A terminal in the desk, over its WebSocket.
pub struct Terminal {
    stream: TcpStream,
    text: String,
}

impl Terminal {
    /// `instance`: its path in the API.
    pub fn open(stoa: &Address, cookie: &str, instance: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", stoa.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let port = stoa.port;
        write!(
            stream,
            "GET /api/v1{instance}/terminal?cols=80&rows=24 HTTP/1.1\r\nHost: localhost:{port}\r\n\
             Origin: http://localhost:{port}\r\nCookie: {cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .unwrap();
        let mut terminal = Self { stream, text: String::new() };
        terminal.shows("\r\n\r\n");
        assert!(terminal.text.starts_with("HTTP/1.1 101"), "{}", terminal.text);
        terminal
    }

    /// Until it is over, from the other side.
    pub fn ended(&mut self) {
        let mut piece = [0; 4096];
        while self.stream.read(&mut piece).is_ok_and(|count| count > 0) {}
    }

    pub fn type_in(&mut self, line: &str) {
        let typed = format!("{line}\n");
        // One frame of bytes, masked by zeros.
        let mut frame = vec![0x82, 0x80 | u8::try_from(typed.len()).unwrap(), 0, 0, 0, 0];
        assert!(typed.len() < 126, "{line}");
        frame.extend_from_slice(typed.as_bytes());
        self.stream.write_all(&frame).unwrap();
    }

    /// Waits until it shows this.
    pub fn shows(&mut self, wanted: &str) {
        let mut piece = [0; 4096];
        while !self.text.contains(wanted) {
            let count = self.stream.read(&mut piece).unwrap();
            assert!(count > 0, "it ended: {:?}", self.text);
            self.text.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    }

    /// Runs a line to its end.
    pub fn run(&mut self, line: &str) {
        self.type_in(line);
        self.type_in("echo en''ded");
        self.shows("ended");
        self.text.clear();
    }
}

/// Whether a process of the machine has this among its words.
pub fn is_running(word: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|process| {
        std::fs::read(process.path().join("cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|one| one == word.as_bytes()))
    })
}
