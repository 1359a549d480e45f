//! Terminals over a real WebSocket: who opens one, who finds it again, and how it ends.

use serde_json::{Value, json};
use test_kit::Client;
use test_kit::world::{Member, Person};

use crate::losses::{CAUSES, Held};
use crate::served::Served;
use crate::wire::{LONGEST, Wire};

/// The client's side of RFC 6455, as little of it as is needed.
struct Socket(Wire);

#[derive(Debug, PartialEq, Eq)]
enum Message {
    Text(String),
    Bytes(Vec<u8>),
    Close(u16),
}

impl Socket {
    async fn open(port: u16, path: &str, cookie: &str, lines: &[&str]) -> Result<Self, u16> {
        let mut wire = Wire::to(port).await;
        let mut head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {cookie}\r\n"
        );
        for line in lines {
            head.push_str(&format!("{line}\r\n"));
        }
        wire.write(format!("{head}\r\n").as_bytes()).await;
        let told = wire.answer().await;
        if told.status == 101 { Ok(Self(wire)) } else { Err(told.status) }
    }

    async fn send(&mut self, kind: u8, bytes: &[u8]) {
        let length = u8::try_from(bytes.len()).unwrap();
        assert!(length < 126);
        let mut frame = vec![0x80 | kind, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(bytes);
        self.0.write(&frame).await;
    }

    /// A ping is none: whoever waits for what never comes would wait for ever.
    async fn next(&mut self) -> Message {
        tokio::time::timeout(LONGEST, self.next_but_pings()).await.expect("a message")
    }

    async fn next_but_pings(&mut self) -> Message {
        loop {
            let head = self.0.exactly(2).await;
            let length = match head[1] {
                126 => {
                    let more = self.0.exactly(2).await;
                    usize::from(u16::from_be_bytes([more[0], more[1]]))
                }
                short => usize::from(short),
            };
            let body = self.0.exactly(length).await;
            return match head[0] & 0x0f {
                1 => Message::Text(String::from_utf8(body).unwrap()),
                2 => Message::Bytes(body),
                8 => Message::Close(u16::from_be_bytes([body[0], body[1]])),
                _ => continue,
            };
        }
    }

    async fn text(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

const ORIGIN: &str = "Origin: http://localhost:8080";

fn cookie(client: &Client) -> String {
    let request = client.request(http::Method::GET, "/", None);
    request.headers()["cookie"].to_str().unwrap().to_owned()
}

struct Scene {
    served: Served,
    owner: Person,
    workspace: (String, String),
    instance: String,
    editor: Member,
    path: String,
}

impl Scene {
    async fn new() -> Self {
        let served = Served::start().await;
        let owner = served.world.set_up().await;
        let workspace = served.world.workspace(&owner, "Acme").await;
        let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await.to_string();
        let editor = workspace.member("Erik Editor").await;
        let path = workspace.path(&format!("/instances/{instance}/terminal"));
        let workspace = (workspace.id.clone(), workspace.slug.clone());
        let scene = Self { served, owner, workspace, instance, editor, path };
        scene.grant(&["use_ide"]).await;
        scene
    }

    async fn grant(&self, actions: &[&str]) {
        let workspace = self.served.world.known_workspace(&self.owner, &self.workspace.0, &self.workspace.1);
        workspace.grant(&self.editor, json!({ "actions": actions, "instances": [self.instance] })).await;
    }

    async fn open(&self, path: &str, client: &Client, lines: &[&str]) -> Result<Socket, u16> {
        Socket::open(self.served.port, path, &cookie(client), lines).await
    }
}

#[tokio::test]
async fn a_terminal_is_attached_again_by_whom_it_was_opened_and_by_nobody_else() {
    let scene = Scene::new().await;
    let own = &scene.editor.person.client;
    let mut socket = scene.open(&scene.path, own, &[ORIGIN]).await.ok().unwrap();
    let session = socket.text().await["session"].as_str().unwrap().to_owned();
    assert_eq!(socket.next().await, Message::Bytes(b"$ ".to_vec()));
    socket.send(2, b"ls\n").await;
    assert_eq!(socket.next().await, Message::Bytes(b"ls\n".to_vec()));
    socket.send(1, br#"{"resize":{"cols":120,"rows":30}}"#).await;
    assert_eq!(socket.next().await, Message::Bytes(b"120x30".to_vec()));
    drop(socket);
    let again = format!("{}?session={session}", scene.path);
    let mut socket = scene.open(&again, own, &[ORIGIN]).await.ok().unwrap();
    assert_eq!(socket.text().await["session"], session.as_str());
    let by_owner = scene.open(&again, &scene.owner.client, &[ORIGIN]).await;
    assert_eq!(by_owner.err(), Some(404), "an owner neither");
    assert_eq!(socket.next().await, Message::Bytes(b"$ ".to_vec()));
    socket.send(1, br#"{"end":true}"#).await;
    assert_eq!(socket.text().await, json!({ "ended": 0 }));
    assert_eq!(socket.next().await, Message::Close(1000));
}

#[tokio::test]
async fn what_is_typed_counts_no_longer_than_the_right() {
    let scene = Scene::new().await;
    let own = &scene.editor.person.client;
    let mut socket = scene.open(&scene.path, own, &[ORIGIN]).await.ok().unwrap();
    let _ = socket.text().await;
    assert_eq!(socket.next().await, Message::Bytes(b"$ ".to_vec()));
    scene.grant(&[]).await;
    let problem = socket.text().await;
    assert_eq!(
        (problem["code"].as_str(), problem["missing"][0].as_str()),
        (Some("permission_denied"), Some("use_ide"))
    );
    assert_eq!(socket.next().await, Message::Close(4403));
    assert_eq!(scene.open(&scene.path, own, &[ORIGIN]).await.err(), Some(403));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_takes_the_right_away_ends_the_terminal_and_the_desk() {
    let scene = Scene::new().await;
    let world = &scene.served.world;
    let workspace = world.known_workspace(&scene.owner, &scene.workspace.0, &scene.workspace.1);
    let instance = workspace.path(&format!("/instances/{}", scene.instance));
    let actions = &["use_ide"];
    let held = Held { world, workspace, instance: scene.instance.clone(), actions };
    let mut holders = world.desks.holders();
    let mut open = Vec::new();
    for cause in CAUSES {
        let member = held.holder(cause).await;
        let client = &member.person.client;
        let _ = client.send(http::Method::POST, &format!("{instance}/desk"), None).await.expect(200);
        let mut socket = scene.open(&scene.path, client, &[ORIGIN]).await.ok().unwrap();
        let _ = socket.text().await;
        assert_eq!(socket.next().await, Message::Bytes(b"$ ".to_vec()), "{cause}");
        open.push((cause, member, socket));
    }
    assert_eq!(*holders.borrow_and_update(), CAUSES.len());
    for (number, (cause, member, mut socket)) in open.into_iter().enumerate() {
        socket.send(2, b"here\n").await;
        assert_eq!(socket.next().await, Message::Bytes(b"here\n".to_vec()), "{cause}: until then it goes on");
        let code = held.lose(cause, &member).await;
        assert_eq!(socket.text().await["code"], code, "{cause}");
        assert_eq!(socket.next().await, Message::Close(4403), "{cause}");
        let left = CAUSES.len() - number - 1;
        let ended = tokio::time::timeout(LONGEST, holders.wait_for(|count| *count == left)).await;
        assert!(ended.is_ok(), "{cause}: the desk is held still");
        let again = scene.open(&scene.path, &member.person.client, &[ORIGIN]).await.err();
        assert!(matches!(again, Some(401 | 403 | 404)), "{cause}: {again:?}");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_opens_none_and_what_isnt_a_control_ends_it() {
    let scene = Scene::new().await;
    let own = &scene.editor.person.client;
    let evil = "Origin: http://evil.example";
    let instance = "Origin: http://shop-acme.localhost:8080";
    for lines in [&[][..], &[evil], &[instance]] {
        assert_eq!(scene.open(&scene.path, own, lines).await.err(), Some(403), "{lines:?}");
    }
    let mut socket = scene.open(&scene.path, own, &[ORIGIN]).await.ok().unwrap();
    let _ = socket.text().await;
    let _ = socket.next().await;
    socket.send(1, b"{\"run\":\"ls\"}").await;
    assert_eq!(socket.next().await, Message::Close(1008));
}
