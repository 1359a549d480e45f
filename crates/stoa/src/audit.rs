//! `stoa audit verify`: whether an export of an audit log is whole and unchanged, by the export alone.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::process::ExitCode;

use clap::{Arg, Command};
use serde::Deserialize;
use stoa_app::audit::sentence;
use stoa_domain::{AccountId, AuditEventId, Timestamp, WorkspaceId};
use stoa_http::routes::time;
use stoa_storage::audit::{AuditRecord, hash_of};
use uuid::Uuid;

use crate::output::{complain, say};

/// Whole and unchanged.
const WHOLE: u8 = 0;
/// A record was changed, is out of order, or doesn't follow from the one before.
const BROKEN: u8 = 1;
/// The file can't be read.
const UNREADABLE: u8 = 2;
/// What is there is unchanged, but records are missing.
const PART: u8 = 3;

/// No record is longer.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// One line of an export, as far as it is hashed.
#[derive(Deserialize)]
struct Line {
    workspace: Uuid,
    seq: i64,
    id: Uuid,
    at: String,
    at_microseconds: i64,
    actor: Option<Uuid>,
    actor_name: String,
    via: String,
    address: Option<String>,
    action: String,
    resource_kind: Option<String>,
    resource_id: Option<Uuid>,
    resource_name: Option<String>,
    outcome: String,
    second_name: Option<String>,
    repeated: i64,
    detail: serde_json::Value,
    detail_text: String,
    previous_hash: String,
    hash: String,
    /// Not hashed: it repeats the rest in words.
    #[serde(default)]
    sentence: Option<String>,
    /// What isn't hashed and repeats nothing was put in by somebody.
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

/// What an export turned out to be.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Empty,
    Whole,
    /// Numbers that are missing: how many, and the first of them.
    Part {
        missing: i64,
        first: i64,
    },
}

/// What was seen of an export.
#[derive(Debug)]
struct Seen {
    count: u64,
    lowest: i64,
    highest: i64,
    from: String,
    to: String,
    newest_hash: String,
    verdict: Verdict,
    /// Records whose sentence isn't the one that this program makes of them, and the first that was met.
    reworded: u64,
    first_reworded: Option<i64>,
    /// The line in whose middle it breaks off.
    cut_at: Option<u64>,
}

/// Why an export is broken, and where.
#[derive(Debug)]
enum Wrong {
    Read(io::Error),
    /// Its first line is no record.
    Other(String),
    Record {
        line: u64,
        seq: Option<i64>,
        why: String,
    },
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "The export can't be read: {error}."),
            Self::Other(why) => write!(f, "This isn't an export of an audit log: its first line {why}."),
            Self::Record { line, seq: Some(seq), why } => write!(f, "Record {seq} (line {line}) {why}."),
            Self::Record { line, seq: None, why } => write!(f, "Line {line} {why}."),
        }
    }
}

/// The arm of the command line.
pub fn command() -> Command {
    let holds = Arg::new("holds").long("holds").value_name("HASH");
    Command::new("audit").about("Exports of audit logs").subcommand_required(true).subcommand(
        Command::new("verify")
            .about("Checks that an export is whole and unchanged, by the export alone")
            .after_help(
                "Ends with 0 where it is whole, 1 where a record was changed, 2 where it can't be read or isn't an \
                 export, 3 where records are missing. An owner exports a log under Activity, or with \
                 Accept: application/x-ndjson from the API.",
            )
            .arg(Arg::new("file").required(true).help("The export, or - for standard input"))
            .arg(holds.help("A hash that was noted earlier: the export has to hold its record")),
    )
}

/// `file` is a path, or `-` for standard input. `holds` is a hash that was noted earlier and has to be there.
pub fn verify(file: &str, holds: Option<&str>) -> ExitCode {
    let is_hash = |hash: &str| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(wrong) = holds.filter(|hash| !is_hash(hash)) {
        complain(&format!("stoa: {wrong} isn't a hash: one has 64 of the digits 0 to 9 and a to f"));
        return ExitCode::from(UNREADABLE);
    }
    let input: Box<dyn BufRead> = if file == "-" {
        Box::new(io::stdin().lock())
    } else {
        match File::open(file) {
            Ok(opened) => Box::new(BufReader::with_capacity(1024 * 1024, opened)),
            Err(error) => {
                complain(&format!("stoa: {file} can't be opened: {error}"));
                return ExitCode::from(UNREADABLE);
            }
        }
    };
    match examine(input, holds) {
        Ok((seen, is_held)) => ExitCode::from(tell(&seen, is_held)),
        Err(wrong) => {
            complain(&format!("stoa: {wrong}"));
            ExitCode::from(match wrong {
                Wrong::Read(_) | Wrong::Other(_) => UNREADABLE,
                Wrong::Record { .. } => BROKEN,
            })
        }
    }
}

/// What is to be said of the sentences, which nothing proves.
fn of_sentences(seen: &Seen) -> String {
    let unproved = "The sentences aren't part of what is verified: they are made of the records";
    match seen.first_reworded {
        None => format!("{unproved}, and say what these say."),
        Some(seq) => format!(
            "{unproved}, and {} of them, first that of record {seq}, {} what this Stoa makes of its record: another \
             version wrote it, or somebody changed it. Go by the other fields there.",
            seen.reworded,
            if seen.reworded == 1 { "isn't" } else { "aren't" }
        ),
    }
}

/// Says what was found; the code to end with.
fn tell(seen: &Seen, is_held: Option<bool>) -> u8 {
    let records = if seen.count == 1 { "record" } else { "records" };
    let range = format!(
        "{} {records}, {} to {}, of {} to {}",
        seen.count, seen.lowest, seen.highest, seen.from, seen.to
    );
    if let Some(line) = seen.cut_at {
        let there = match seen.count {
            0 => "No record before that is whole.".to_owned(),
            _ => format!("Before that {range}: each of them is unchanged."),
        };
        complain(&format!(
            "stoa: The export breaks off in line {line}: it was cut short, and records are missing. {there} Export it again."
        ));
        return PART;
    }
    if is_held == Some(false) {
        complain(&format!(
            "stoa: {range}. Each follows from the one before, but none has the hash that was noted: this is another \
             log, or its newest records were cut off."
        ));
        return BROKEN;
    }
    let of_sentences = of_sentences(seen);
    match &seen.verdict {
        Verdict::Empty => {
            complain("stoa: The export is empty: there is nothing to verify.");
            PART
        }
        Verdict::Whole => {
            say(&format!("Whole: {range}. Each record is unchanged and follows from the one before."));
            say(&format!(
                "The newest has the hash {}. Note it: `--holds` shows later that nothing up to it was cut off.",
                seen.newest_hash
            ));
            if seen.reworded > 0 {
                complain(&format!("note: {of_sentences}"))
            } else {
                say(&of_sentences)
            }
            WHOLE
        }
        Verdict::Part { missing, first } => {
            let (numbers, are) = if *missing == 1 { ("record", "is") } else { ("records", "are") };
            complain(&format!(
                "stoa: {range}. Each record that is there is unchanged, but {missing} {numbers} {are} missing, from {first} \
                 on: the export was filtered, or records were removed. Export it without filters to verify it whole."
            ));
            complain(&format!("note: {of_sentences}"));
            PART
        }
    }
}

/// Reads line by line, in either order, and keeps no more than one record.
fn examine(mut input: impl BufRead, holds: Option<&str>) -> Result<(Seen, Option<bool>), Wrong> {
    let mut seen = Seen {
        count: 0,
        lowest: 0,
        highest: 0,
        from: String::new(),
        to: String::new(),
        newest_hash: String::new(),
        verdict: Verdict::Empty,
        reworded: 0,
        first_reworded: None,
        cut_at: None,
    };
    let mut is_held = holds.map(|_| false);
    let mut chain = Chain::default();
    let (mut text, mut number) = (Vec::new(), 0_u64);
    loop {
        text.clear();
        number += 1;
        let read = (&mut input).take(LONGEST_LINE).read_until(b'\n', &mut text).map_err(Wrong::Read)?;
        if read == 0 {
            break;
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let told = |seq: Option<i64>, why: String| Wrong::Record { line: number, seq, why };
        let line: Line = match serde_json::from_slice(text.trim_ascii_end()) {
            Ok(line) => line,
            // Only the last line has no end, and what is there of it is right as far as it goes.
            Err(error) if error.is_eof() && !text.ends_with(b"\n") => {
                seen.cut_at = Some(number);
                break;
            }
            Err(error) if seen.count == 0 => return Err(Wrong::Other(not_a_record(&error))),
            Err(error) => return Err(told(None, not_a_record(&error))),
        };
        let (seq, at) = (line.seq, line.at.clone());
        let record = checked(line).map_err(|why| told(Some(seq), why))?;
        if record.is_reworded {
            seen.reworded += 1;
            seen.first_reworded.get_or_insert(seq);
        }
        chain.follow(&record).map_err(|why| told(Some(seq), why))?;
        if holds.is_some_and(|wanted| wanted.eq_ignore_ascii_case(&record.hash)) {
            is_held = Some(true);
        }
        if seen.count == 0 || seq < seen.lowest {
            (seen.lowest, seen.from) = (seq, at.clone());
        }
        if seen.count == 0 || seq > seen.highest {
            (seen.highest, seen.to) = (seq, at);
            seen.newest_hash = record.hash;
        }
        seen.count += 1;
    }
    seen.verdict = chain.verdict(&seen);
    Ok((seen, is_held))
}

fn not_a_record(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "breaks off in the middle".to_owned();
    }
    format!("isn't a record of an owner's export ({error})")
}

/// What of a record counts for its neighbours.
#[derive(Clone)]
struct Link {
    workspace: Uuid,
    seq: i64,
    previous: String,
    hash: String,
    is_reworded: bool,
}

/// A record whose hash is that of what it says.
fn checked(mut line: Line) -> Result<Link, String> {
    if let Some((name, _)) = line.others.iter().next() {
        return Err(format!("was changed: no record has a field {name:?}"));
    }
    let hash = bytes(&line.hash).ok_or("has no hash")?;
    let previous_hash = bytes(&line.previous_hash).ok_or("has no hash of the record before")?;
    let at = Timestamp::from_micros(line.at_microseconds);
    if line.at != time(at) {
        return Err(format!("was changed: it says {}, and was hashed with {}", line.at, time(at)));
    }
    if serde_json::from_str::<serde_json::Value>(&line.detail_text).ok().as_ref() != Some(&line.detail) {
        return Err("was changed: its detail isn't the one that was hashed".to_owned());
    }
    let (workspace, seq) = (line.workspace, line.seq);
    let (previous, kept, said) = (line.previous_hash.clone(), line.hash.clone(), line.sentence.take());
    let record = record(line, previous_hash);
    if hash_of(WorkspaceId::new(workspace), &record) != hash {
        return Err("was changed: its hash isn't that of what it says".to_owned());
    }
    let is_reworded = said.is_some_and(|said| said != sentence(&record));
    Ok(Link { workspace, seq, previous, hash: kept, is_reworded })
}

/// What a line's hash is made of.
fn record(line: Line, previous_hash: Vec<u8>) -> AuditRecord {
    AuditRecord {
        seq: line.seq,
        id: AuditEventId::new(line.id),
        at: Timestamp::from_micros(line.at_microseconds),
        account: line.actor.map(AccountId::new),
        actor_name: line.actor_name,
        via: line.via,
        address: line.address,
        action: line.action,
        resource_kind: line.resource_kind,
        resource_id: line.resource_id,
        resource_name: line.resource_name,
        outcome: line.outcome,
        second_name: line.second_name,
        repeated: line.repeated,
        detail: line.detail_text,
        previous_hash,
        hash: Vec::new(),
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let is_hash = hex.len() == 64 && hex.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hash {
        return None;
    }
    (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()).collect()
}

/// The records so far, in the order in which they come: newest first, or oldest first.
#[derive(Default)]
struct Chain {
    last: Option<Link>,
    /// Set by the first two.
    rises: Option<bool>,
    first_hash: Option<String>,
    missing: i64,
    first_missing: Option<i64>,
}

impl Chain {
    fn follow(&mut self, next: &Link) -> Result<(), String> {
        if next.seq < 1 {
            return Err("has a number that no record has".to_owned());
        }
        if next.seq == 1 {
            self.first_hash = Some(next.previous.clone());
        }
        if let Some(last) = self.last.replace(next.clone()) {
            if next.workspace != last.workspace {
                return Err("is of another workspace than the one before it".to_owned());
            }
            if next.seq == last.seq {
                return Err("stands there twice".to_owned());
            }
            let rises = next.seq > last.seq;
            if *self.rises.get_or_insert(rises) != rises {
                return Err("is out of order".to_owned());
            }
            let (older, newer) = if rises { (&last, next) } else { (next, &last) };
            let between = newer.seq - older.seq - 1;
            if between == 0 && newer.previous != older.hash {
                return Err(format!("and record {} aren't of one chain: one of them was replaced", last.seq));
            }
            if between > 0 {
                self.missing += between;
                let first = older.seq + 1;
                self.first_missing = Some(self.first_missing.map_or(first, |known| known.min(first)));
            }
        }
        if self.first_hash.as_ref().is_some_and(|hash| hash.bytes().any(|digit| digit != b'0')) {
            return Err("says that there is a record before the first".to_owned());
        }
        Ok(())
    }

    fn verdict(&self, seen: &Seen) -> Verdict {
        if seen.count == 0 {
            return Verdict::Empty;
        }
        let before = seen.lowest - 1;
        if before > 0 {
            return Verdict::Part { missing: self.missing + before, first: 1 };
        }
        match self.first_missing {
            Some(first) => Verdict::Part { missing: self.missing, first },
            None => Verdict::Whole,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
