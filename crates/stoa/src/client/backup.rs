//! `stoa instance backup|backups|backup-delete|backup-key|restore|download`.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use clap::ArgMatches;
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::failed::Failed;
use super::show::{defused, facts, items, table, time};
use super::{Desk, field, job, needed, text, told};
use crate::output::say;

/// Before a download that broke off goes on.
const AGAIN: Duration = Duration::from_secs(1);
/// So often without a byte in between.
const TRIES: u32 = 10;

pub async fn run(desk: &Desk, verb: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    match verb {
        "backup" => create(desk, arguments).await,
        "backups" => list(desk, arguments).await,
        "restore" => restore(desk, arguments).await,
        "backup-delete" => delete(desk, arguments).await,
        "backup-key" => key(desk, arguments).await,
        _ => download(desk, arguments).await,
    }
}

async fn create(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["instances", needed(arguments, "which")?, "backups"])?;
    let body = text(arguments, "note").map_or_else(|| json!({}), |note| json!({ "note": note }));
    let answer = desk.call.post(&path, &body).await?.body;
    let done = format!("It is backed up as {}", told(&answer, "backup"));
    job::follow(desk, answer, &done).await
}

/// Bytes as people say them.
fn size(count: &Value) -> String {
    let mut value = count.as_f64().unwrap_or(0.0);
    for unit in ["B", "KB", "MB", "GB"] {
        if value < 999.5 {
            return format!("{value:.0} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// How it stands: whole, unless what it is on is gone.
fn standing(backup: &Value) -> &str {
    if backup["is_reachable"] == false { "unreachable" } else { field(backup, "status") }
}

/// What there is to know of it: why it failed, what is wrong with it, what it was made for.
fn remark(backup: &Value) -> String {
    if field(backup, "status") == "failed" {
        return field(backup, "reason").to_owned();
    }
    let gone = if backup["is_reachable"] == false { "Its server was removed." } else { "" };
    let all = [gone, field(backup, "warning"), field(backup, "note")];
    all.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(" ")
}

async fn list(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let found = match text(arguments, "which") {
        Some(which) => desk.call.list(&desk.path(&["instances", which, "backups"])?, &[]).await?,
        None => desk.call.list(&desk.path(&["backups"])?, &[("deleted", Some("true"))]).await?,
    };
    desk.print(&found, |found| {
        let rows = items(found).map(|one| {
            vec![
                field(one, "id").to_owned(),
                field(&one["instance"], "name").to_owned(),
                time(one, "created_at"),
                standing(one).to_owned(),
                field(one, "cause").to_owned(),
                field(one, "commit").get(..10).unwrap_or_default().to_owned(),
                size(&one["size"]),
                remark(one),
            ]
        });
        let head = ["ID", "INSTANCE", "MADE", "STATUS", "CAUSE", "COMMIT", "SIZE", "NOTE"];
        table(&head, rows.collect(), "There is no backup.");
    })
}

/// The backup that is meant: the one that is named, or the newest that is whole.
async fn meant(desk: &Desk, arguments: &ArgMatches) -> Result<Value, Failed> {
    if let Some(id) = text(arguments, "backup") {
        return Ok(desk.call.get(&desk.path(&["backups", id])?).await?.body);
    }
    let which = needed(arguments, "which")?;
    let found = desk.call.list(&desk.path(&["instances", which, "backups"])?, &[]).await?;
    let newest = items(&found).find(|one| field(one, "status") == "ready").cloned();
    newest.ok_or_else(|| Failed::Other(format!("there is no backup. Make one: stoa instance backup {which}")))
}

async fn restore(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let which = needed(arguments, "which")?;
    let into = desk.call.get(&desk.path(&["instances", which])?).await?.body;
    let backup = meant(desk, arguments).await?;
    let name = told(&into, "name");
    let sentence = format!(
        "This replaces what the instance {name} holds by the backup of {}; what it holds now is backed up first",
        time(&backup, "created_at")
    );
    desk.confirm(&sentence, &name)?;
    let mut body = json!({ "confirm": name });
    if into["id"] != backup["instance"]["id"] {
        body["into"] = into["id"].clone();
    }
    let path = desk.path(&["backups", field(&backup, "id"), "restore"])?;
    let answer = desk.call.post(&path, &body).await?.body;
    job::follow(desk, answer, "It is restored").await
}

async fn delete(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["backups", needed(arguments, "backup")?])?;
    let backup = desk.call.get(&path).await?.body;
    let name = told(&backup["instance"], "name");
    let made = time(&backup, "created_at");
    desk.confirm(&format!("This deletes the backup of {made} of the instance {name}"), &name)?;
    desk.call.change(Method::DELETE, &path, None, &Value::Null).await?;
    desk.say(&format!("The backup of {made} is deleted."));
    Ok(())
}

async fn key(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["backups", needed(arguments, "backup")?, "key"])?;
    let found = desk.call.get(&path).await?.body;
    desk.print(&found, |found| {
        let fact = |name| field(found, name).to_owned();
        facts(&[
            ("Password", fact("password")),
            ("Repository", fact("repository")),
            ("Tag", fact("tag")),
            ("Command", fact("command")),
        ]);
    })
}

async fn download(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let backup = meant(desk, arguments).await?;
    let id = field(&backup, "id").to_owned();
    let path = desk.path(&["backups", &id, "download"])?;
    let name = text(arguments, "to").map_or_else(|| format!("{id}.tar.zst"), str::to_owned);
    // What it holds is nobody else's. One that is there already is gone on with.
    let mut file =
        OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(format!("{name}.part"))?;
    let mut tries = 0;
    loop {
        let before = file.seek(std::io::SeekFrom::End(0))?;
        match fetch(desk, &path, &mut file, before).await {
            Ok(()) => break,
            Err(Failed::Refused(problem)) => return Err(Failed::Refused(problem)),
            Err(failed) => {
                tries = if file.metadata()?.len() > before { 0 } else { tries + 1 };
                if tries >= TRIES {
                    return Err(failed);
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
    file.sync_all()?;
    std::fs::rename(format!("{name}.part"), &name)?;
    let length = file.metadata()?.len();
    desk.print(&json!({ "backup": id, "file": name, "size": length }), |_| {
        say(&format!("It is in {}: {}.", defused(&name, false), size(&json!(length))));
    })
}

/// What is missing of it behind the first `from` bytes.
async fn fetch(desk: &Desk, path: &str, file: &mut File, from: u64) -> Result<(), Failed> {
    let Some(response) = desk.call.open_from(path, from).await? else { return Ok(()) };
    if from > 0 && response.status() != reqwest::StatusCode::PARTIAL_CONTENT {
        file.set_len(0)?;
    }
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        file.write_all(&piece?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_backup_stands_beside_what_it_was_made_for() {
        let backup = json!({ "status": "ready", "is_reachable": false, "warning": "It is damaged.", "note": "before" });
        assert_eq!(standing(&backup), "unreachable");
        assert_eq!(remark(&backup), "Its server was removed. It is damaged. before");
        let backup = json!({ "status": "ready", "is_reachable": true, "warning": null, "note": "before" });
        assert_eq!((standing(&backup), remark(&backup)), ("ready", "before".to_owned()));
        let backup =
            json!({ "status": "failed", "reason": "The disk is full.", "is_reachable": true, "note": null });
        assert_eq!((standing(&backup), remark(&backup)), ("failed", "The disk is full.".to_owned()));
    }
}
