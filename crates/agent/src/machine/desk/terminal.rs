//! Terminals of a desk: opened, found again, and their bytes handed both ways.

use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use uuid::Uuid;

use super::DeskOf;
use super::inside::cut_off;
use crate::init::{DeskRequest, OpenTerminal};
use crate::machine::Agent;
use crate::machine::operation::Refused;
use crate::protocol::piece::{Piece, Reader, Size};

/// What is wanted of a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub terminal: Uuid,
    /// It is made; else it has to be there.
    pub is_new: bool,
    pub size: Size,
}

/// How a shell greets in a terminal: who, where, and where in it.
const PROMPT: &str = r"\[\e[32m\]app@\h\[\e[0m\]:\[\e[34m\]\w\[\e[0m\]\$ ";

impl Agent {
    /// A terminal's bytes as they come, and the end into which what is typed is written.
    ///
    /// # Errors
    /// `NoDesk`, `Missing` where it isn't there, or `Conflict` where there are too many.
    pub(crate) async fn desk_terminal(
        &self,
        of: DeskOf,
        wish: Wish,
    ) -> Result<(Reader<OwnedReadHalf>, OwnedWriteHalf), Refused> {
        let inside = self.inside(of)?;
        let Wish { terminal, is_new, size } = wish;
        let request = if is_new {
            let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
            let command = words(&["/bin/bash", "--noprofile", "--norc", "-i"]);
            let pairs = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("PS1", PROMPT)];
            let environment =
                pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            DeskRequest::Open(OpenTerminal { terminal, command, environment, size })
        } else {
            DeskRequest::Attach { terminal, size }
        };
        let (mut reader, write) = inside.ask(&request).await?;
        match reader.next().await.map_err(cut_off)? {
            Some(Piece::Begun) => Ok((reader, write)),
            Some(Piece::Refused(_)) if !is_new => Err(Refused::Missing),
            Some(Piece::Refused(said)) => Err(Refused::Conflict(said)),
            _ => Err(Refused::NoDesk),
        }
    }

    /// Those that are open.
    ///
    /// # Errors
    /// `NoDesk`.
    pub(crate) async fn desk_terminals(&self, of: DeskOf) -> Result<Vec<Uuid>, Refused> {
        let (mut reader, _write) = self.inside(of)?.ask(&DeskRequest::Terminals).await?;
        match reader.next().await.map_err(cut_off)? {
            Some(Piece::Bytes(text)) => Ok(serde_json::from_slice(&text).map_err(std::io::Error::from)?),
            _ => Err(Refused::NoDesk),
        }
    }

    /// Ends one. One that is over is no error.
    ///
    /// # Errors
    /// `NoDesk`.
    pub(crate) async fn end_desk_terminal(&self, of: DeskOf, terminal: Uuid) -> Result<(), Refused> {
        let (mut reader, _write) = self.inside(of)?.ask(&DeskRequest::End { terminal }).await?;
        reader.next().await.map_err(cut_off)?;
        Ok(())
    }

    /// Whatever is typed or shown is use.
    pub(crate) fn use_desk(&self, of: DeskOf) {
        if let Some(desk) = self.inner.desks.find(of) {
            desk.use_it();
        }
    }
}
