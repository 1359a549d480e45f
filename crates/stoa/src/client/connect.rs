//! `stoa instance users`, `connect`, `connected`: an instance as one of the application's own users.

use clap::ArgMatches;
use reqwest::Method;
use serde_json::{Value, json};

use super::call::query;
use super::failed::Failed;
use super::show::{defused, items, table, time};
use super::{Desk, field, needed, text};
use crate::output::say;

pub async fn run(desk: &Desk, verb: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    match verb {
        "users" => users(desk, arguments).await,
        "connect" => connect(desk, arguments).await,
        _ => connected(desk, arguments).await,
    }
}

async fn users(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["instances", needed(arguments, "which")?, "connect-as", "users"])?;
    // The application searches; there is no next page to go on to.
    let asked = query(&[("q", text(arguments, "search"))]);
    let found = desk.call.get(&format!("{path}{asked}")).await?.body;
    desk.print(&found, |found| {
        let rows = items(found).map(|one| {
            let state = if one["active"] == true { "" } else { "switched off" };
            vec![
                field(one, "id").to_owned(),
                field(one, "login").to_owned(),
                field(one, "name").to_owned(),
                state.to_owned(),
            ]
        });
        table(&["ID", "LOGIN", "NAME", ""], rows.collect(), "The application lists no such user.");
    })
}

/// The link is for a browser in which the same account is signed in.
async fn connect(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["instances", needed(arguments, "which")?, "connect-as"])?;
    let body = json!({ "user": needed(arguments, "user")?, "reason": text(arguments, "reason").unwrap_or_default() });
    let made = desk.call.post(&path, &body).await?.body;
    desk.print(&made, |made| {
        say("Open this within a minute, in a browser that is signed in as you. It works once:");
        say(&defused(field(made, "url"), false));
    })
}

async fn connected(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let which = needed(arguments, "which")?;
    if let Some(id) = text(arguments, "end") {
        let path = desk.path(&["instances", which, "connect-as", "sessions", id])?;
        desk.call.change(Method::DELETE, &path, None, &Value::Null).await?;
        desk.say("The session has ended.");
        return Ok(());
    }
    let path = desk.path(&["instances", which, "connect-as", "sessions"])?;
    let found = desk.call.get(&path).await?.body;
    desk.print(&found, |found| {
        let rows = items(found).map(|one| {
            vec![
                field(one, "id").to_owned(),
                field(one, "account").to_owned(),
                field(&one["user"], "name").to_owned(),
                time(one, "ends_at"),
                field(one, "reason").to_owned(),
            ]
        });
        table(&["ID", "WHO", "AS", "UNTIL", "REASON"], rows.collect(), "Nobody is connected as a user.");
    })
}
