//! Requests as bytes, and answers as they come.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// An answer, read to its end.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Told {
    pub fn header(&self, name: &str) -> Option<String> {
        let line = self
            .head
            .lines()
            .find(|line| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name)))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    }
}

pub struct Wire {
    stream: TcpStream,
    kept: Vec<u8>,
}

/// Far longer than anything takes: what isn't there by then won't come.
pub const LONGEST: Duration = Duration::from_secs(60);

impl Wire {
    pub async fn to(port: u16) -> Self {
        Self { stream: TcpStream::connect(("127.0.0.1", port)).await.unwrap(), kept: Vec::new() }
    }

    /// From another address of this machine.
    pub async fn from(address: &str, port: u16) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
        let stream = socket.connect(format!("127.0.0.1:{port}").parse().unwrap()).await.unwrap();
        Self { stream, kept: Vec::new() }
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub fn has_heard_nothing(&self) -> bool {
        use futures_util::FutureExt as _;
        self.kept.is_empty() && self.stream.peek(&mut [0]).now_or_never().is_none()
    }

    async fn more(&mut self) -> bool {
        let mut piece = [0; 16_384];
        let read = tokio::time::timeout(LONGEST, self.stream.read(&mut piece)).await.expect("an answer");
        let count = read.unwrap_or(0);
        self.kept.extend_from_slice(&piece[..count]);
        count > 0
    }

    /// Reads until `end` was read, and gives what came up to there.
    pub async fn until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.kept.windows(end.len()).position(|window| window == end) {
                return self.kept.drain(..at + end.len()).collect();
            }
            assert!(self.more().await, "it ended before: {:?}", String::from_utf8_lossy(&self.kept));
        }
    }

    pub async fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.kept.len() < count {
            assert!(self.more().await, "it ended early");
        }
        self.kept.drain(..count).collect()
    }

    pub async fn answer(&mut self) -> Told {
        let head = String::from_utf8(self.until(b"\r\n\r\n").await).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut told = Told { status, head, body: String::new() };
        if status == 101 || status == 304 {
            return told;
        }
        let bytes = if told.header("transfer-encoding").is_some() {
            let mut whole = Vec::new();
            loop {
                let line = String::from_utf8(self.until(b"\r\n").await).unwrap();
                let size = usize::from_str_radix(line.trim(), 16).unwrap();
                whole.extend(self.exactly(size).await);
                self.exactly(2).await;
                if size == 0 {
                    break whole;
                }
            }
        } else {
            let length = told.header("content-length").map_or(0, |length| length.parse().unwrap());
            self.exactly(length).await
        };
        told.body = String::from_utf8_lossy(&bytes).into_owned();
        told
    }

    /// Everything up to the connection's end.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.kept)
    }

    /// Whether the other side has ended the connection.
    pub async fn is_over(&mut self) -> bool {
        !self.more().await
    }
}

/// One request on a connection of its own. `head` has its lines without their ends.
pub async fn ask(port: u16, head: &[&str], body: &str) -> Told {
    let mut wire = Wire::to(port).await;
    wire.write(format!("{}\r\n\r\n{body}", head.join("\r\n")).as_bytes()).await;
    wire.answer().await
}
