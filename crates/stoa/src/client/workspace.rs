//! `stoa workspace …`.

use clap::ArgMatches;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::call::path;
use super::failed::Failed;
use super::kept::Kept;
use super::show::{facts, items, table, time, words};
use super::{Desk, WHICH, field, needed, text, told};

pub async fn run(desk: &Desk, verb: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    match verb {
        "list" => {
            let found = desk.call.list(&path(&["workspaces"]), &[("q", text(arguments, "search"))]).await?;
            desk.print(&found, |found| list(desk, found))
        }
        "show" => {
            let chosen = text(arguments, "which").or(desk.workspace.as_deref());
            let which = chosen.ok_or_else(|| Failed::Usage(WHICH.to_owned()))?;
            let found = desk.call.get(&path(&["workspaces", which])).await?.body;
            desk.print(&found, show)
        }
        "create" => create(desk, arguments).await,
        "change" => change(desk, arguments).await,
        "delete" => delete(desk, needed(arguments, "which")?).await,
        _ => choose(desk, needed(arguments, "which")?).await,
    }
}

fn list(desk: &Desk, found: &Value) {
    let rows = items(found).map(|one| {
        let is_meant = desk.workspace.as_deref() == Some(field(one, "slug"));
        let mark = if is_meant { "*" } else { "" };
        let mut row =
            [field(one, "slug"), field(one, "name"), field(one, "role")].map(str::to_owned).to_vec();
        // What isn't shown isn't counted.
        let count =
            |noun: &str| one["counts"][noun].as_i64().map_or("-".to_owned(), |count| count.to_string());
        row.extend(["members", "projects", "instances"].map(count));
        row.push(mark.to_owned());
        row
    });
    table(
        &["SLUG", "NAME", "ROLE", "MEMBERS", "PROJECTS", "INSTANCES", ""],
        rows.collect(),
        "You are in no workspace. Make one: stoa workspace create NAME",
    );
}

fn show(one: &Value) {
    facts(&[
        ("Name", field(one, "name").to_owned()),
        ("Slug", field(one, "slug").to_owned()),
        ("Id", field(one, "id").to_owned()),
        ("Your role", field(one, "role").to_owned()),
        ("Your actions", words(&one["permissions"]["actions"])),
        ("Colour", field(one, "primary_color").to_owned()),
        ("Since", time(one, "created_at")),
    ]);
}

async fn create(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let mut body = json!({ "name": needed(arguments, "name")? });
    if let Some(slug) = text(arguments, "slug") {
        body["slug"] = slug.into();
    }
    let made = desk.call.post(&path(&["workspaces"]), &body).await?.body;
    desk.print(&made, |made| {
        crate::output::say(&format!(
            "Made the workspace {0}. Use it: stoa workspace use {0}",
            told(made, "slug")
        ));
    })
}

/// The fields that were named on the command line.
pub fn wished(arguments: &ArgMatches, names: &[(&str, &str)]) -> Result<Value, Failed> {
    let mut body = Map::new();
    for (argument, name) in names {
        if let Some(value) = text(arguments, argument) {
            body.insert((*name).to_owned(), value.into());
        }
    }
    if body.is_empty() {
        let flags: Vec<String> = names.iter().map(|(argument, _)| format!("--{argument}")).collect();
        return Err(Failed::Usage(format!("say what to change: {}", flags.join(", "))));
    }
    Ok(Value::Object(body))
}

async fn change(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let body = wished(arguments, &[("name", "name"), ("slug", "slug"), ("color", "primary_color")])?;
    let path = path(&["workspaces", needed(arguments, "which")?]);
    let before = desk.call.get(&path).await?;
    let changed = desk.call.change(Method::PATCH, &path, before.tag, &body).await?.body;
    desk.print(&changed, show)
}

async fn delete(desk: &Desk, which: &str) -> Result<(), Failed> {
    let path = path(&["workspaces", which]);
    let before = desk.call.get(&path).await?;
    let slug = told(&before.body, "slug");
    desk.confirm(&format!("This deletes the workspace {slug} with all in it"), &slug)?;
    desk.call.change(Method::DELETE, &path, before.tag, &json!({ "confirm": slug })).await?;
    desk.say(&format!("Deleted the workspace {slug}."));
    Ok(())
}

async fn choose(desk: &Desk, which: &str) -> Result<(), Failed> {
    let found = desk.call.get(&path(&["workspaces", which])).await?.body;
    let slug = told(&found, "slug");
    let mut kept = Kept::read()?;
    let Some(site) = kept.sites.get_mut(desk.call.base().as_str()) else {
        return Err(Failed::Usage(
            "nothing is kept of this installation. Name the workspace with --workspace".to_owned(),
        ));
    };
    site.workspace = Some(slug.clone());
    kept.write()?;
    desk.print(&found, |_| crate::output::say(&format!("Commands are about the workspace {slug}.")))
}
