//! Programs run in a desk, by its process 1.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::init::{DeskRequest, RunProgram};
use crate::machine::operation::Refused;
use crate::protocol::desk::Author;
use crate::protocol::piece::{self, PORTION, Piece, Reader};

/// Bytes of a program's output that are read where nothing else is said.
pub(super) const USUAL: usize = 4 << 20;

/// Seconds that a program has.
const SECONDS: u64 = 120;

/// Git on the working copy. What is given it by path is a path and no pattern.
pub(super) const GIT: [&str; 12] = [
    "/usr/bin/git",
    "-C",
    "/desk",
    "--literal-pathspecs",
    "-c",
    "core.quotePath=false",
    "-c",
    "color.ui=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
];

/// What a program wrote, and how it ended.
pub(super) struct Ran {
    pub status: i32,
    pub out: Vec<u8>,
    pub said: String,
    /// It wrote more than is read; the rest is lost, and it was ended.
    pub is_cut: bool,
}

impl Ran {
    pub fn succeeded(&self) -> bool {
        self.status == 0
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// What it said last of why it didn't do it: of its errors, else of its output.
    pub fn last_words(&self) -> String {
        const MOST: usize = 600;
        let text = if self.said.trim().is_empty() { self.text() } else { self.said.clone() };
        let plain = text.trim().chars().filter(|letter| !letter.is_control() || *letter == '\n');
        let letters: Vec<char> = plain.collect();
        letters.get(letters.len().saturating_sub(MOST)..).unwrap_or_default().iter().collect()
    }
}

/// The way to a desk's process 1.
#[derive(Clone)]
pub(super) struct Inside {
    socket: PathBuf,
}

pub(super) type Ends = (Reader<OwnedReadHalf>, OwnedWriteHalf);

impl Inside {
    pub fn at(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Asks for one thing. What comes of it is read from the one end; closing the other ends it.
    pub async fn ask(&self, request: &DeskRequest) -> Result<Ends, Refused> {
        // It may have ended a moment ago.
        let stream: UnixStream = crate::init::connect(&self.socket).await.map_err(|_| Refused::NoDesk)?;
        let (read, mut write) = stream.into_split();
        let text = serde_json::to_vec(request).map_err(io::Error::from)?;
        if text.len() > piece::LONGEST {
            return Err(Refused::TooLarge);
        }
        piece::write(&mut write, &Piece::Request(text.into())).await.map_err(cut_off)?;
        Ok((Reader::new(read), write))
    }

    /// Runs git to its end.
    pub async fn git(&self, arguments: &[&str]) -> Result<Ran, Refused> {
        self.git_with(arguments, &[], None).await
    }

    pub async fn git_with(
        &self,
        arguments: &[&str],
        environment: &[(String, String)],
        input: Option<Bytes>,
    ) -> Result<Ran, Refused> {
        let input = input.into_iter().map(Ok::<_, io::Error>);
        self.run(git_words(arguments), environment, futures_util::stream::iter(input), USUAL).await
    }

    /// Runs a program to its end, or until it has written more than `most` bytes.
    pub async fn run(
        &self,
        command: Vec<String>,
        environment: &[(String, String)],
        input: impl Stream<Item = io::Result<Bytes>> + Send,
        most: usize,
    ) -> Result<Ran, Refused> {
        let program = RunProgram { command, environment: environment.to_vec(), seconds: SECONDS };
        let (mut reader, mut write) = self.ask(&DeskRequest::Run(program)).await?;
        let feeding = async {
            let mut input = std::pin::pin!(input);
            while let Some(bytes) = input.next().await {
                let bytes = bytes?;
                for at in (0..bytes.len()).step_by(PORTION) {
                    let portion = bytes.slice(at..bytes.len().min(at + PORTION));
                    // A program that has ended early says itself why.
                    if piece::write(&mut write, &Piece::Bytes(portion)).await.is_err() {
                        return Ok(());
                    }
                }
            }
            let _ = piece::write(&mut write, &Piece::End).await;
            Ok::<_, io::Error>(())
        };
        let reading = async {
            let mut ran = Ran { status: -1, out: Vec::new(), said: String::new(), is_cut: false };
            while let Some(piece) = reader.next().await.map_err(cut_off)? {
                match piece {
                    Piece::Bytes(bytes) => {
                        ran.out.extend_from_slice(&bytes);
                        if ran.out.len() > most {
                            ran.out.truncate(most);
                            ran.is_cut = true;
                            return Ok(ran);
                        }
                    }
                    Piece::Errors(bytes) if ran.said.len() < PORTION => {
                        ran.said.push_str(&String::from_utf8_lossy(&bytes));
                    }
                    Piece::Ended(status) => {
                        ran.status = status;
                        return Ok(ran);
                    }
                    Piece::Refused(said) => return Err(Refused::Conflict(said)),
                    _ => {}
                }
            }
            // Process 1 is gone, and the program with it.
            Err(Refused::NoDesk)
        };
        tokio::pin!(feeding);
        tokio::pin!(reading);
        let mut is_fed = false;
        loop {
            tokio::select! {
                fed = &mut feeding, if !is_fed => {
                    fed?;
                    is_fed = true;
                }
                ran = &mut reading => return ran,
            }
        }
    }
}

/// Process 1 is killed with its desk, in the middle of whatever it was telling.
pub(super) fn cut_off(error: io::Error) -> Refused {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            Refused::NoDesk
        }
        _ => error.into(),
    }
}

pub(super) fn git_words(arguments: &[&str]) -> Vec<String> {
    GIT.iter().chain(arguments).map(|&word| word.to_owned()).collect()
}

/// By whom a commit is made.
pub(super) fn authorship(author: &Author) -> Vec<(String, String)> {
    let pairs = [
        ("GIT_AUTHOR_NAME", &author.name),
        ("GIT_AUTHOR_EMAIL", &author.email),
        ("GIT_COMMITTER_NAME", &author.name),
        ("GIT_COMMITTER_EMAIL", &author.email),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_cut_off_with_its_desk_is_no_desk() {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("desk.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        // Hung up on before it was read, after it was, and in the middle of an answer.
        let process = tokio::spawn(async move {
            drop(listener.accept().await.unwrap());
            for told in [&b""[..], b"b\0\0\0\x09half"] {
                let (stream, _) = listener.accept().await.unwrap();
                let (read, mut write) = stream.into_split();
                Reader::new(read).next().await.unwrap();
                tokio::io::AsyncWriteExt::write_all(&mut write, told).await.unwrap();
            }
        });
        for _ in 0..3 {
            let ran = Inside::at(socket.clone()).git(&["status"]).await;
            assert!(matches!(ran.err(), Some(Refused::NoDesk)));
        }
        process.await.unwrap();
    }
}
