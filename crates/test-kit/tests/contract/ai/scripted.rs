//! A provider that does what a test writes down, over a real connection: answers in both forms, and every misbehaviour.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What it does when it is asked.
#[derive(Clone)]
pub enum Act {
    Say(Vec<u8>),
    /// The same again and again, until nobody takes it.
    SayForever(Vec<u8>),
    /// Nothing more, until the other side leaves.
    Hold,
}

/// One request as it came: head and body.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: String,
}

pub struct Scripted {
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    left: watch::Receiver<usize>,
}

impl Scripted {
    pub async fn new(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (leaving, left) = watch::channel(0);
        let kept = requests.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (acts, kept, leaving) = (acts.clone(), kept.clone(), leaving.clone());
                tokio::spawn(async move {
                    serve(connection, acts, &kept).await;
                    leaving.send_modify(|count| *count += 1);
                });
            }
        });
        Self { port, requests, left }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until so many connections are over.
    pub async fn until_left(&mut self, count: usize) {
        self.left.wait_for(|left| *left >= count).await.unwrap();
    }
}

async fn serve(mut connection: TcpStream, acts: Vec<Act>, kept: &Mutex<Vec<Request>>) {
    let Some(request) = read(&mut connection).await else { return };
    kept.lock().unwrap().push(request);
    for act in acts {
        match act {
            Act::Say(bytes) => {
                if connection.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Act::SayForever(bytes) => while connection.write_all(&bytes).await.is_ok() {},
            Act::Hold => {
                // Whatever comes, until the other side leaves.
                while connection.read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {}
                return;
            }
        }
    }
}

async fn read(connection: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().to_owned())
            });
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some(Request { head: head.to_owned(), body: body.to_owned() });
            }
        }
        let mut more = [0; 4096];
        match connection.read(&mut more).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&more[..count]),
            _ => return None,
        }
    }
}

/// The head of an answer that ends with its connection.
pub fn head(status: &str, kind: &str, more: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Connection: close\r\n\r\n").into_bytes()
}

pub fn stream_head() -> Act {
    Act::Say(head("200 OK", "text/event-stream", ""))
}

/// A failure with a body of JSON.
pub fn failure(status: &str, more: &str, body: &serde_json::Value) -> Vec<Act> {
    vec![Act::Say(head(status, "application/json", more)), Act::Say(body.to_string().into_bytes())]
}

fn data(value: &serde_json::Value) -> String {
    format!("data: {value}\n\n")
}

/// The form of a provider's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    OpenAi,
    Anthropic,
}

impl Form {
    pub const BOTH: [Self; 2] = [Self::OpenAi, Self::Anthropic];

    /// The answer's events up to its words.
    pub fn begins(self, words: &[&str]) -> Vec<u8> {
        let mut text = String::new();
        match self {
            Self::OpenAi => {
                let chunk = |delta| {
                    data(
                        &json!({ "id": "c", "object": "chat.completion.chunk", "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] }),
                    )
                };
                text.push_str(&chunk(json!({ "role": "assistant", "content": "" })));
                words.iter().for_each(|one| text.push_str(&chunk(json!({ "content": one }))));
            }
            Self::Anthropic => {
                text.push_str("event: message_start\n");
                text.push_str(&data(&json!({ "type": "message_start", "message": { "id": "m", "content": [], "usage": { "input_tokens": 40, "output_tokens": 1 } } })));
                text.push_str("event: ping\ndata: {\"type\": \"ping\"}\n\n");
                for one in words {
                    text.push_str("event: content_block_delta\n");
                    text.push_str(&data(&json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": one } })));
                }
            }
        }
        text.into_bytes()
    }

    pub fn ends(self) -> Vec<u8> {
        match self {
            Self::OpenAi => format!(
                "{}{}data: [DONE]\n\n",
                data(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] })),
                data(&json!({ "choices": [], "usage": { "prompt_tokens": 40, "completion_tokens": 7, "total_tokens": 47 } })),
            )
            .into_bytes(),
            Self::Anthropic => format!(
                "event: message_delta\n{}event: message_stop\n{}",
                data(&json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": { "output_tokens": 7 } })),
                data(&json!({ "type": "message_stop" })),
            )
            .into_bytes(),
        }
    }

    /// A whole answer.
    pub fn answer(self, words: &[&str]) -> Vec<Act> {
        vec![stream_head(), Act::Say(self.begins(words)), Act::Say(self.ends())]
    }

    /// An error in the middle of an answer.
    pub fn breaks(self, words: &str) -> Vec<u8> {
        match self {
            Self::OpenAi => {
                data(&json!({ "error": { "message": words, "type": "server_error" } })).into_bytes()
            }
            Self::Anthropic => format!(
                "event: error\n{}",
                data(&json!({ "type": "error", "error": { "type": "overloaded_error", "message": words } }))
            )
            .into_bytes(),
        }
    }
}
