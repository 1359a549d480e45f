//! `stoa project merge`: what it would do, then that.

use std::io::{self, IsTerminal as _};

use clap::ArgMatches;
use serde_json::{Value, json};

use super::failed::Failed;
use super::show::defused;
use super::{Desk, ask, field, flag, needed, text};
use crate::output::say;

/// Commits and files that are told one by one.
const TOLD: usize = 10;

pub async fn run(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["projects", needed(arguments, "which")?, "merge"])?;
    let (source, target) = (needed(arguments, "source")?, needed(arguments, "target")?);
    let mut wish = json!({ "source": source, "target": target });
    if let Some(message) = text(arguments, "message") {
        wish["message"] = message.into();
    }
    let mut dry = wish.clone();
    dry["dry_run"] = true.into();
    if flag(arguments, "dry-run") {
        let preview = desk.call.post(&path, &dry).await?.body;
        return desk.print(&preview, show);
    }
    if !desk.yes {
        let preview = desk.call.post(&path, &dry).await?.body;
        if !desk.json {
            show(&preview);
        }
        if preview["status"] != "clean" {
            return match preview["status"].as_str() {
                Some("up_to_date") => Ok(()),
                _ => {
                    Err(Failed::Other("nothing was merged. Resolve the conflicts first, and push".to_owned()))
                }
            };
        }
        if !io::stdin().is_terminal() {
            return Err(Failed::Usage(
                "nothing was merged: say --yes to merge without being asked".to_owned(),
            ));
        }
        let answer = ask::line("Merge? [y/N] ")?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(Failed::Other("nothing was merged".to_owned()));
        }
        // What was looked at, and nothing that came since.
        wish["source_commit"] = preview["source"]["commit"].clone();
        wish["target_commit"] = preview["target"]["commit"].clone();
    }
    let merged = desk.call.post(&path, &wish).await?.body;
    desk.print(&merged, |merged| done(merged, source, target))
}

fn done(merged: &Value, source: &str, target: &str) {
    let (source, target) = (defused(source, false), defused(target, false));
    if merged["status"] != "merged" {
        say(&format!("{target} has all commits of {source} already."));
        return;
    }
    let commit = field(merged, "commit").get(..10).unwrap_or_default();
    say(&format!("{source} is merged into {target}: {commit}"));
    for one in list(merged, "deployments") {
        let name = defused(field(&one["instance"], "slug"), false);
        say(&format!("  deploys {name}, deployment {}", one["number"].as_i64().unwrap_or(0)));
    }
}

fn list<'v>(of: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    of[name].as_array().into_iter().flatten()
}

fn number(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or(0)
}

fn rest(all: u64, word: &str) {
    let more = all.saturating_sub(TOLD as u64);
    if more > 0 {
        say(&format!("  and {more} more {word}"));
    }
}

fn show(preview: &Value) {
    let (source, target) = (&preview["source"], &preview["target"]);
    let (source, target) = (defused(field(source, "branch"), false), defused(field(target, "branch"), false));
    if preview["status"] == "up_to_date" {
        say(&format!("{target} has all commits of {source} already."));
        return;
    }
    let (commits, files) = (number(preview, "commit_count"), number(preview, "file_count"));
    say(&format!(
        "Merge {source} into {target}: {commits} commits, {files} files, +{} -{}",
        number(preview, "added"),
        number(preview, "removed")
    ));
    for commit in list(preview, "commits").take(TOLD) {
        let id = field(commit, "id").get(..10).unwrap_or_default();
        say(&format!("  {id}  {}", defused(field(commit, "subject"), false)));
    }
    rest(commits, "commits");
    for file in list(preview, "files").take(TOLD) {
        let counts = match (file["added"].as_u64(), file["removed"].as_u64()) {
            (Some(added), Some(removed)) => format!("+{added} -{removed}"),
            _ => "binary".to_owned(),
        };
        say(&format!("  {}  {counts}", defused(field(file, "path"), false)));
    }
    rest(files, "files");
    for conflict in list(preview, "conflicts") {
        let lines: Vec<String> = list(conflict, "lines")
            .map(|lines| match (number(lines, "from"), number(lines, "to")) {
                (from, to) if to < from => format!("before {from}"),
                (from, to) if to == from => from.to_string(),
                (from, to) => format!("{from}-{to}"),
            })
            .collect();
        let place = if lines.is_empty() { String::new() } else { format!(", lines {}", lines.join(", ")) };
        let path = defused(field(conflict, "path"), false);
        say(&format!("  conflict in {path}{place}: {}", defused(field(conflict, "detail"), false)));
    }
    let deploys: Vec<String> =
        list(preview, "deploys").map(|one| defused(field(one, "slug"), false)).collect();
    match deploys.as_slice() {
        [] => say(&format!("No instance deploys {target}.")),
        _ => say(&format!("Deploys {}.", deploys.join(", "))),
    }
}
