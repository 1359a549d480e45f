//! A member's desk on an instance, held by a test, and what is typed into its terminals.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use stoa_agent::client::{self, ClientError};
use stoa_agent::protocol::Code;
use stoa_agent::protocol::desk::{Author, DeskEvent, OpenDesk};
use stoa_agent::protocol::piece::{Piece, Size};
use stoa_domain::AccountId;
use stoa_domain::branch::CommitId;
use uuid::Uuid;

use super::PATIENCE;
use super::house::{House, Machine, id};

pub const SIZE: Size = Size { columns: 80, rows: 24 };

type Shown = Pin<Box<dyn Stream<Item = Result<Piece, ClientError>> + Send>>;
type Held = Pin<Box<dyn Stream<Item = Result<DeskEvent, ClientError>> + Send>>;

pub fn author() -> Author {
    Author { name: "Anna".to_owned(), email: "anna@example.com".to_owned() }
}

/// A desk that is held and open, on an instance that was never deployed.
pub struct Desk<'m> {
    pub machine: &'m Machine,
    pub account: AccountId,
    pub held: Option<Held>,
    house: &'m House,
}

impl<'m> Desk<'m> {
    pub async fn open(house: &'m House, machine: &'m Machine, commit: &CommitId) -> Self {
        house.put(machine).await;
        house.bring(machine, commit).await;
        Self::of(house, machine, AccountId::new(id()), commit).await
    }

    pub async fn of(house: &'m House, machine: &'m Machine, account: AccountId, commit: &CommitId) -> Self {
        let mut desk = Self { machine, account, held: None, house };
        desk.hold().await;
        let wanted = OpenDesk { branch: "main".to_owned(), commit: commit.to_string(), author: author() };
        desk.ask().open(&wanted).await.unwrap();
        desk
    }

    pub async fn hold(&mut self) {
        let mut held: Held = Box::pin(self.ask().hold().await.unwrap());
        assert_eq!(held.next().await.unwrap().unwrap(), DeskEvent::Held);
        self.held = Some(held);
    }

    pub fn ask(&self) -> client::Desk<'_> {
        self.machine.client.desk(self.house.instance, self.account)
    }

    pub async fn terminal(&self, terminal: Uuid, is_new: bool) -> Typing {
        let opened = self.ask().terminal(terminal, is_new, SIZE).await.unwrap();
        Typing { typed: Some(opened.typed), shown: opened.shown, text: String::new() }
    }

    /// What a line gives in a terminal of its own.
    pub async fn shell(&self, line: &str) -> String {
        let mut typing = self.terminal(id(), true).await;
        let shown = typing.run(line).await;
        typing.send(Piece::End).await;
        // Whoever hangs up before that is heard leaves it open.
        while !matches!(typing.shown.next().await, Some(Ok(Piece::Ended(_))) | None) {}
        shown
    }

    pub async fn save(&self, path: &str, text: &str) -> Result<String, ClientError> {
        let bytes = Bytes::from(text.to_owned().into_bytes());
        let bytes = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes)]);
        Ok(self.ask().write_file(path, None, false, bytes).await?.tag)
    }

    pub async fn read(&self, path: &str) -> Result<String, ClientError> {
        let file = self.ask().read_file(path).await?;
        let bytes: Vec<Bytes> = file.bytes.map(Result::unwrap).collect().await;
        Ok(String::from_utf8_lossy(&bytes.concat()).into_owned())
    }
}

/// Somebody at a terminal.
pub struct Typing {
    pub typed: Option<tokio::sync::mpsc::Sender<Piece>>,
    pub shown: Shown,
    pub text: String,
}

impl Typing {
    pub async fn send(&self, piece: Piece) {
        self.typed.as_ref().unwrap().send(piece).await.unwrap();
    }

    pub async fn type_in(&self, text: &str) {
        self.send(Piece::Bytes(Bytes::from(text.to_owned().into_bytes()))).await;
    }

    /// Waits until it shows this.
    pub async fn shows(&mut self, wanted: &str) {
        let waiting = async {
            while !self.text.contains(wanted) {
                match self.shown.next().await {
                    Some(Ok(Piece::Bytes(bytes))) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
                    other => panic!("{other:?} after {:?}", self.text),
                }
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("{wanted:?} isn't shown, but {:?}", self.text);
        }
    }

    /// What a line gives, up to a mark that is shown behind it.
    pub async fn run(&mut self, line: &str) -> String {
        let mark = format!("{:08x}", rand());
        // Written in two parts, so that the line itself as it is echoed isn't taken for its end.
        let (first, second) = mark.split_at(4);
        self.type_in(&format!("{line}; printf '%s%s\\n' {first} {second}\n")).await;
        self.shows(&mark).await;
        let end = self.text.find(&mark).unwrap();
        // The line as it is echoed: by the terminal itself, and once more by a shell that came to it later.
        let echoed = format!("{first} {second}");
        let begin =
            self.text.get(..end).and_then(|text| text.rfind(&echoed)).map_or(0, |at| at + echoed.len());
        let shown = self.text.get(begin..end).unwrap_or_default();
        // What the shell says to the terminal itself isn't what the line gives.
        let shown = shown.replace("\u{1b}[?2004l", "").replace("\u{1b}[?2004h", "").replace('\r', "");
        let shown = shown.trim().to_owned();
        self.text = String::new();
        shown
    }

    /// Waits until nothing more is shown, and tells whether it was cut off.
    pub async fn over(&mut self) -> bool {
        let waiting = async {
            loop {
                match self.shown.next().await {
                    None => return false,
                    Some(Err(_)) => return true,
                    Some(Ok(_)) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap()
    }
}

fn rand() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0x1a2b_3c4d);
    NEXT.fetch_add(0x0101_0101, Ordering::SeqCst)
}

pub fn code<T>(answer: Result<T, ClientError>) -> Option<Code> {
    answer.err().and_then(|error| error.code())
}
