//! Logs, read, followed and written into a file. A stream that breaks off is opened again behind its last line.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use clap::ArgMatches;
use serde_json::{Value, json};

use super::call::query;
use super::failed::Failed;
use super::show::{defused, has_colours};
use super::{Desk, deployment, field, flag, needed, text};
use crate::output::{say, say_json};

/// Lines where nothing else is said.
const LINES: &str = "100";
/// A line of a log is shorter.
const LONGEST: usize = 1 << 20;
/// Before a stream that broke off is opened again.
const AGAIN: Duration = Duration::from_secs(1);
/// So often without a line in between.
const TRIES: u32 = 10;

pub async fn read(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let which = needed(arguments, "which")?;
    let deployment = match text(arguments, "deployment") {
        Some(number) => Some(deployment::find(desk, which, number).await?),
        None => None,
    };
    let limit = arguments.get_one::<u16>("limit").map(u16::to_string);
    let levels: Option<Vec<&str>> =
        arguments.get_many::<String>("level").map(|levels| levels.map(String::as_str).collect());
    let levels = levels.map(|levels| levels.join(","));
    let source = deployment.as_ref().map(|_| "deployment").or(text(arguments, "source"));
    let wanted = [
        ("source", source),
        ("deployment", deployment.as_deref()),
        ("q", text(arguments, "search")),
        ("level", levels.as_deref()),
        ("until", text(arguments, "until")),
    ];
    if let Some(name) = text(arguments, "to") {
        let path = desk.path(&["instances", which, "logs", "download"])?;
        return download(desk, arguments, &path, &wanted, name).await;
    }
    let follows = flag(arguments, "follow");
    let path = desk.path(&["instances", which, "logs"])?;
    let mut after: Option<String> = None;
    let mut tries = 0;
    loop {
        let is_first = after.is_none();
        let more = [
            ("follow", follows.then_some("true")),
            ("since", text(arguments, "since").filter(|_| is_first)),
            ("after", after.as_deref()),
            ("limit", limit.as_deref().or(Some(LINES)).filter(|_| is_first)),
        ];
        let asked = query(&[&wanted[..], &more].concat());
        let before = after.clone();
        let ended = match desk.call.open(&format!("{path}{asked}")).await {
            Ok(response) => lines(response, |line| print(desk, line, &mut after)).await,
            // The server starts again; whoever isn't signed in any more is told so below.
            Err(failed @ (Failed::Other(_) | Failed::Unreached(_))) if after.is_some() => Err(failed),
            Err(failed) => return Err(failed),
        };
        match ended {
            Ok(()) if !follows || deployment.is_some() => return Ok(()),
            Err(failed) if !follows => return Err(failed),
            Err(Failed::Refused(problem)) => return Err(Failed::Refused(problem)),
            _ => {}
        }
        tries = if after == before { tries + 1 } else { 0 };
        if tries >= TRIES {
            return Err(Failed::Other("the log ended, and can't be followed any more".to_owned()));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Does a thing with each line that comes, until it ends.
async fn lines(
    mut response: reqwest::Response,
    mut each: impl FnMut(&[u8]) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let mut rest = Vec::new();
    while let Some(piece) = response.chunk().await? {
        rest.extend_from_slice(&piece);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            each(&line)?;
        }
        if rest.len() > LONGEST {
            return Err(Failed::Other("the server sends a line without an end".to_owned()));
        }
    }
    if rest.is_empty() { Ok(()) } else { each(&rest) }
}

/// A line that was sent; none where it is empty.
fn read_line(desk: &Desk, line: &[u8]) -> Result<Option<Value>, Failed> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(line)?;
    // A right that ended is told as the last line.
    if value["code"].is_string() && value["text"].is_null() {
        let status = value["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
        return Err(Failed::Refused(desk.call.problem(status, &value)));
    }
    Ok(Some(value))
}

fn print(desk: &Desk, line: &[u8], after: &mut Option<String>) -> Result<(), Failed> {
    let Some(value) = read_line(desk, line)? else { return Ok(()) };
    if let Some(position) = value["position"].as_str() {
        *after = Some(position.to_owned());
    }
    if desk.json {
        say_json(String::from_utf8_lossy(line).trim_end());
        return Ok(());
    }
    let at = field(&value, "at").get(11..23).unwrap_or_default();
    let level = match field(&value, "level") {
        level @ ("error" | "warn") => format!("{level:5}  "),
        _ => String::new(),
    };
    say(&format!("{at}  {level}{}", defused(field(&value, "text"), has_colours())));
    Ok(())
}

/// What was written of a log into a file.
struct Written {
    file: BufWriter<File>,
    is_text: bool,
    lines: u64,
    /// The position of the last one.
    last: Option<String>,
}

impl Written {
    fn take(&mut self, desk: &Desk, line: &[u8]) -> Result<(), Failed> {
        let Some(value) = read_line(desk, line)? else { return Ok(()) };
        let position = value["position"].as_str();
        // Where it goes on it begins with the one that is there.
        if position.is_some() && position == self.last.as_deref() {
            return Ok(());
        }
        if self.is_text {
            let level = value["level"].as_str().unwrap_or("-");
            let (at, stream, text) = (field(&value, "at"), field(&value, "stream"), field(&value, "text"));
            writeln!(self.file, "{at} {level} {stream} {text}")?;
        } else {
            self.file.write_all(line.trim_ascii_end())?;
            self.file.write_all(b"\n")?;
        }
        self.last = position.map(str::to_owned);
        self.lines += 1;
        Ok(())
    }
}

/// Writes all lines that fit into a file. They come as the API's objects, whatever the file is to hold: by the position
/// of the last one it goes on where it broke.
async fn download(
    desk: &Desk,
    arguments: &ArgMatches,
    path: &str,
    wanted: &[(&str, Option<&str>)],
    name: &str,
) -> Result<(), Failed> {
    let part = format!("{name}.part");
    // What it holds is nobody else's.
    let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
    let is_text = text(arguments, "form") != Some("ndjson");
    let mut written = Written { file: BufWriter::new(file), is_text, lines: 0, last: None };
    let mut tries = 0;
    loop {
        let (before, from) = (written.lines, written.last.clone());
        let more = [
            ("since", text(arguments, "since")),
            ("from", from.as_deref().or(text(arguments, "from"))),
            ("to", text(arguments, "through")),
            ("form", Some("ndjson")),
        ];
        let asked = query(&[wanted, &more].concat());
        let ended = match desk.call.open(&format!("{path}{asked}")).await {
            Ok(response) => lines(response, |line| written.take(desk, line)).await,
            Err(failed) => Err(failed),
        };
        match ended {
            Ok(()) => break,
            Err(Failed::Unreached(_) | Failed::Other(_))
                if written.last.is_some() && (written.lines > before || tries < TRIES) =>
            {
                tries = if written.lines > before { 0 } else { tries + 1 };
                tokio::time::sleep(AGAIN).await;
            }
            Err(failed) => return Err(failed),
        }
    }
    written.file.flush()?;
    written.file.get_ref().sync_all()?;
    std::fs::rename(&part, name)?;
    let lines = written.lines;
    desk.print(&json!({ "file": name, "lines": lines }), |_| {
        say(&format!("It is in {}: {lines} lines.", defused(name, false)));
    })
}
