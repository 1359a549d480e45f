//! `stoa project commit`: what a commit says, and what it changes.

use clap::ArgMatches;
use serde_json::Value;

use super::call::query;
use super::failed::Failed;
use super::show::{defused, facts, has_colours, items, time};
use super::{Desk, field, needed, text};
use crate::output::say;

/// Letters of an id.
const WHOLE: usize = 40;
/// Commits among which one is looked for by the beginning of its id.
const NEWEST: Option<&str> = Some("200");

pub async fn run(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let (which, commit) = (needed(arguments, "which")?, needed(arguments, "commit")?);
    let commit = if commit.len() < WHOLE {
        whole(desk, which, &commit.to_ascii_lowercase(), text(arguments, "branch")).await?
    } else {
        commit.to_owned()
    };
    let found = desk.call.get(&desk.path(&["projects", which, "commits", &commit])?).await?.body;
    desk.print(&found, show)
}

/// The one id that begins so, among the newest commits of a branch: the API takes whole ones alone.
async fn whole(desk: &Desk, which: &str, begin: &str, branch: Option<&str>) -> Result<String, Failed> {
    let path = desk.path(&["projects", which, "commits"])?;
    let newest =
        desk.call.get(&format!("{path}{}", query(&[("branch", branch), ("limit", NEWEST)]))).await?.body;
    let mut fitting = items(&newest).map(|one| field(one, "id")).filter(|id| id.starts_with(begin));
    match (fitting.next(), fitting.next()) {
        (Some(id), None) => Ok(id.to_owned()),
        (Some(_), Some(_)) => Err(Failed::Other(format!("more than one commit begins with {begin}"))),
        (None, _) => Err(Failed::Other(format!(
            "none of the newest 200 commits of the branch begins with {begin}. Say the whole id, or another --branch"
        ))),
    }
}

fn list<'v>(of: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    of[name].as_array().into_iter().flatten()
}

fn number(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or(0)
}

fn show(commit: &Value) {
    let (author, committer) = (field(commit, "author_name"), field(commit, "committer_name"));
    let parents: Vec<&str> = list(commit, "parents").filter_map(|id| id.as_str()?.get(..10)).collect();
    facts(&[
        ("Commit", field(commit, "id").to_owned()),
        ("Parents", parents.join(", ")),
        ("By", format!("{author} <{}>", field(commit, "author_email"))),
        ("Committed by", if committer == author { String::new() } else { committer.to_owned() }),
        ("At", time(commit, "at")),
    ]);
    say("");
    for line in field(commit, "message").trim_end().lines() {
        say(&format!("    {}", defused(line, false)));
    }
    let (files, told) = (number(commit, "file_count"), list(commit, "files").count() as u64);
    say(&format!("\n{files} files, +{} -{}", number(commit, "added"), number(commit, "removed")));
    for file in list(commit, "files") {
        difference(file);
    }
    if files > told {
        say(&format!("\nand {} more files", files - told));
    }
}

/// As git writes it, but for what nobody reads.
fn difference(file: &Value) {
    let (path, from) = (field(file, "path"), field(file, "from"));
    let from = if from.is_empty() { path } else { from };
    let before = if field(file, "change") == "added" { "/dev/null".to_owned() } else { format!("a/{from}") };
    let after = if field(file, "change") == "removed" { "/dev/null".to_owned() } else { format!("b/{path}") };
    say(&format!("\n--- {}\n+++ {}", defused(&before, false), defused(&after, false)));
    if list(file, "hunks").next().is_none() {
        say(&format!("({})", field(file, "form")));
    }
    for hunk in list(file, "hunks") {
        say(&format!(
            "@@ -{},{} +{},{} @@",
            number(hunk, "old_start"),
            number(hunk, "old_lines"),
            number(hunk, "new_start"),
            number(hunk, "new_lines")
        ));
        for line in list(hunk, "lines").filter_map(Value::as_str) {
            let colour = match line.as_bytes().first() {
                Some(b'+') if has_colours() => "\x1b[32m",
                Some(b'-') if has_colours() => "\x1b[31m",
                _ => "",
            };
            let end = if colour.is_empty() { "" } else { "\x1b[0m" };
            say(&format!("{colour}{}{end}", defused(line, false)));
        }
    }
    if file["is_cut"] == true {
        say("(there is more of it)");
    }
}
