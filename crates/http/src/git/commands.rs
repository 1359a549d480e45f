//! The command list of a push, read before its pack; and the report by which git is told that it is refused.

use bytes::{Bytes, BytesMut};
use stoa_domain::Refusal;
use stoa_domain::branch::{BranchName, CommitId};

use crate::problem::{people, tell};

/// Commands of one push, and commits at which its history ends: lines of the list.
const MOST: usize = 1_000;
/// Bytes of the list.
pub(super) const LONGEST: usize = 1024 * 1024;

/// One ref that a push would move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub reference: String,
    pub old: CommitId,
    pub new: CommitId,
}

impl Command {
    /// Whether it makes a branch or a tag that wasn't there.
    pub(super) fn is_new(&self) -> bool {
        self.old.is_zero() && !self.new.is_zero()
    }

    /// The branch that it moves; `None` for a tag.
    pub(super) fn branch(&self) -> Option<BranchName> {
        self.reference.strip_prefix("refs/heads/").and_then(BranchName::parse)
    }

    /// Reads `<old> <new> <ref>`.
    pub(super) fn parse(line: &str) -> Result<Self, Wrong> {
        let mut words = line.splitn(3, ' ');
        let (Some(old), Some(new), Some(reference)) = (words.next(), words.next(), words.next()) else {
            return Err(Wrong::NotGit);
        };
        let (Some(old), Some(new)) = (CommitId::parse(old), CommitId::parse(new)) else {
            return Err(Wrong::NotGit);
        };
        let name = reference.strip_prefix("refs/heads/").or_else(|| reference.strip_prefix("refs/tags/"));
        if name.and_then(BranchName::parse).is_none() {
            return Err(Wrong::Reference(
                reference.chars().filter(|letter| !letter.is_control()).take(200).collect(),
            ));
        }
        Ok(Self { reference: reference.to_owned(), old, new })
    }
}

/// Why a list can't be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    NotGit,
    TooMany,
    /// A ref that nobody pushes to, or whose name isn't one.
    Reference(String),
}

impl Wrong {
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::NotGit => "This isn't a push that git would send.".to_owned(),
            Self::TooMany => {
                format!("A push names at most {MOST} branches, tags and commits at which its history ends.")
            }
            Self::Reference(name) => {
                format!(
                    "Only branches and tags can be pushed, with names that git and people can read: not {name}."
                )
            }
        }
    }
}

/// What a push announces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub commands: Vec<Command>,
    /// What the client understands.
    abilities: Vec<String>,
    /// What is wrong with it, where something is. The names are there all the same, for the report.
    pub wrong: Option<Wrong>,
    names: Vec<String>,
}

/// The head of a push as it comes: each of its lines is read once, whatever pieces they come in.
#[derive(Debug, Default)]
pub(super) struct Reading {
    bytes: BytesMut,
    /// Up to here it has been read.
    at: usize,
    lines: usize,
    list: List,
    is_whole: bool,
}

impl Reading {
    /// Takes a further piece; `true` once the whole list has come.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<bool, Wrong> {
        self.bytes.extend_from_slice(piece);
        while !self.is_whole {
            let rest = &self.bytes[self.at..];
            let Some(digits) = rest.get(..4) else { break };
            let length = length_of(digits)?;
            if length == 0 {
                self.is_whole = true;
                break;
            }
            let Some(line) = rest.get(4..length) else { break };
            self.lines += 1;
            if self.lines > MOST {
                return Err(Wrong::TooMany);
            }
            self.list.add(line)?;
            self.at += length;
        }
        if !self.is_whole && self.bytes.len() > LONGEST {
            return Err(Wrong::NotGit);
        }
        Ok(self.is_whole)
    }

    /// What was announced, and all that has come so far, for git to read.
    pub(super) fn end(self) -> (List, Bytes) {
        (self.list, self.bytes.freeze())
    }
}

/// What four hexadecimal digits say: the length of a line, these included, or the end.
fn length_of(digits: &[u8]) -> Result<usize, Wrong> {
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
    let length = digits.and_then(|text| usize::from_str_radix(text, 16).ok()).ok_or(Wrong::NotGit)?;
    if (1..4).contains(&length) { Err(Wrong::NotGit) } else { Ok(length) }
}

impl List {
    fn add(&mut self, line: &[u8]) -> Result<(), Wrong> {
        let line = std::str::from_utf8(line).map_err(|_| Wrong::NotGit)?;
        let (line, abilities) = line.split_once('\0').map_or((line, None), |(line, more)| (line, Some(more)));
        if let (Some(abilities), true) = (abilities, self.abilities.is_empty()) {
            self.abilities = abilities.split_ascii_whitespace().map(str::to_owned).collect();
        }
        let line = line.trim_end_matches('\n');
        if line.starts_with("shallow ") {
            return Ok(());
        }
        match Command::parse(line) {
            Ok(command) => {
                self.names.push(command.reference.clone());
                self.commands.push(command);
            }
            Err(Wrong::Reference(name)) => {
                self.names.push(name.clone());
                self.wrong.get_or_insert(Wrong::Reference(name));
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Whether an answer may have lines for the person besides the report.
    pub(super) fn hears_lines(&self) -> bool {
        self.is_able("side-band-64k")
    }

    fn is_able(&self, name: &str) -> bool {
        self.abilities.iter().any(|ability| ability == name)
    }

    /// The whole answer to a push of which nothing is taken, for the reason in the sentence.
    pub(super) fn refusal(&self, sentence: &str) -> Vec<u8> {
        let mut report = line(b"unpack ok\n");
        for name in &self.names {
            // The reason stands behind each ref, where git shows it; the sentence once above.
            report.extend(line(format!("ng {name} refused\n").as_bytes()));
        }
        report.extend_from_slice(b"0000");
        if !self.is_able("report-status") && !self.is_able("report-status-v2") {
            report.clear();
        }
        if !self.hears_lines() {
            return report;
        }
        let mut answer = told(sentence);
        answer.extend(banded(1, &report));
        answer.extend_from_slice(b"0000");
        answer
    }
}

/// Why a push is refused. What of it only owners may do isn't to be guessed from what was pushed.
pub(super) fn why(refusal: &Refusal) -> String {
    match refusal {
        Refusal::OwnerRequired { ask } => format!(
            "Only owners of the workspace may delete or rewind a branch that an instance deploys. Ask {}.",
            people(ask)
        ),
        _ => tell(refusal).detail,
    }
}

/// A line for the person.
pub(super) fn told(sentence: &str) -> Vec<u8> {
    banded(2, format!("{sentence}\n").as_bytes())
}

fn banded(band: u8, bytes: &[u8]) -> Vec<u8> {
    bytes
        .chunks(60_000)
        .flat_map(|piece| {
            let mut whole = vec![band];
            whole.extend_from_slice(piece);
            line(&whole)
        })
        .collect()
}

/// One pkt-line.
pub(super) fn line(bytes: &[u8]) -> Vec<u8> {
    let mut whole = format!("{:04x}", bytes.len() + 4).into_bytes();
    whole.extend_from_slice(bytes);
    whole
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn list(lines: &[&str]) -> Vec<u8> {
        let mut bytes: Vec<u8> = lines.iter().flat_map(|text| line(text.as_bytes())).collect();
        bytes.extend_from_slice(b"0000PACK");
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Option<List>, Wrong> {
        let mut reading = Reading::default();
        Ok(reading.take(bytes)?.then(|| reading.end().0))
    }

    #[test]
    fn each_line_is_read_once_in_whatever_pieces_it_comes() {
        let bytes = list(&[&format!("{A} {B} refs/heads/main\0 report-status"), &format!("shallow {A}")]);
        let mut reading = Reading::default();
        for (count, byte) in bytes.iter().enumerate() {
            let is_whole = reading.take(&[*byte]).unwrap();
            assert_eq!(is_whole, count + 1 >= bytes.len() - 4, "{count}");
            // What stands before it isn't looked at again: only what isn't a whole line yet is left to read.
            assert!(is_whole || reading.bytes.len() - reading.at < 120, "{count}");
        }
        let (list, whole) = reading.end();
        assert_eq!((list.commands.len(), whole), (1, Bytes::from(bytes)));
    }

    #[test]
    fn a_list_is_read_once_all_of_it_is_there() {
        let first = format!("{A} {B} refs/heads/main\0 report-status side-band-64k agent=git/2");
        let bytes = list(&[&first, &format!("{A} {B} refs/tags/v1\n")]);
        for cut in 0..bytes.len() - 4 {
            assert_eq!(read(&bytes[..cut]), Ok(None), "{cut}");
        }
        let read = read(&bytes).unwrap().unwrap();
        assert_eq!(read.commands.len(), 2);
        assert_eq!(read.commands[0].branch().unwrap().as_str(), "main");
        assert_eq!(read.commands[1].branch(), None);
        let refusal = String::from_utf8(read.refusal("No.")).unwrap();
        assert!(refusal.contains("\u{2}No.\n") && refusal.contains("ng refs/tags/v1 refused"), "{refusal}");
    }

    #[test]
    fn what_isnt_a_push_is_refused() {
        assert_eq!(read(b"GET / HTTP/1.1"), Err(Wrong::NotGit));
        assert_eq!(read(b"0003"), Err(Wrong::NotGit));
        assert_eq!(read(&list(&["push-cert x"])), Err(Wrong::NotGit));
        for name in [
            "refs/notes/x",
            "HEAD",
            "refs/tags/refs/heads/main",
            "refs/heads/refs/x",
            "refs/heads/-x",
            "refs/heads/a..b",
            "refs/heads/",
        ] {
            let read = read(&list(&[&format!("{A} {B} {name}")])).unwrap().unwrap();
            assert_eq!(read.wrong, Some(Wrong::Reference(name.to_owned())));
        }
        let line = format!("{A} {B} refs/heads/a");
        assert_eq!(read(&list(&vec![line.as_str(); MOST + 1])), Err(Wrong::TooMany));
        let shallow = format!("shallow {A}");
        assert_eq!(read(&list(&vec![shallow.as_str(); MOST + 1])), Err(Wrong::TooMany));
        assert_eq!(read(b"0000"), Ok(Some(List::default())));
    }
}
