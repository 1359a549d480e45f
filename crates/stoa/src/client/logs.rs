//! Logs, read and followed. A stream that breaks off is opened again behind its last line.

use std::time::Duration;

use clap::ArgMatches;
use serde_json::Value;

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
    let follows = flag(arguments, "follow");
    let path = desk.path(&["instances", which, "logs"])?;
    let mut after: Option<String> = None;
    let mut tries = 0;
    loop {
        let is_first = after.is_none();
        let asked = query(&[
            ("source", deployment.as_ref().map(|_| "deployment").or(text(arguments, "source"))),
            ("deployment", deployment.as_deref()),
            ("follow", follows.then_some("true")),
            ("q", text(arguments, "search")),
            ("level", levels.as_deref()),
            ("since", text(arguments, "since").filter(|_| is_first)),
            ("until", text(arguments, "until")),
            ("after", after.as_deref()),
            ("limit", limit.as_deref().or(Some(LINES)).filter(|_| is_first)),
        ]);
        let before = after.clone();
        let ended = match desk.call.open(&format!("{path}{asked}")).await {
            Ok(response) => lines(desk, response, &mut after).await,
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

/// Prints what comes, until it ends.
async fn lines(
    desk: &Desk,
    mut response: reqwest::Response,
    after: &mut Option<String>,
) -> Result<(), Failed> {
    let mut rest = Vec::new();
    while let Some(piece) = response.chunk().await? {
        rest.extend_from_slice(&piece);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            print(desk, &line, after)?;
        }
        if rest.len() > LONGEST {
            return Err(Failed::Other("the server sends a line without an end".to_owned()));
        }
    }
    if rest.is_empty() { Ok(()) } else { print(desk, &rest, after) }
}

fn print(desk: &Desk, line: &[u8], after: &mut Option<String>) -> Result<(), Failed> {
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    let value: Value = serde_json::from_slice(line)?;
    // A right that ended is told as the last line.
    if value["code"].is_string() && value["text"].is_null() {
        let status = value["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
        return Err(Failed::Refused(desk.call.problem(status, &value)));
    }
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
