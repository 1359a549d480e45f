//! `stoa server …`.

use clap::ArgMatches;
use reqwest::Method;
use serde_json::{Value, json};

use super::failed::Failed;
use super::show::{defused, facts, items, table, time};
use super::workspace::wished;
use super::{Desk, field, flag, needed, text, told};
use crate::output::say;

pub async fn run(desk: &Desk, verb: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    match verb {
        "list" => {
            let found =
                desk.call.list(&desk.path(&["servers"])?, &[("q", text(arguments, "search"))]).await?;
            let is_filtered = text(arguments, "search").is_some();
            let first = "Add this machine: stoa server create NAME --local";
            let nothing = desk.nothing(&found, "server", first, is_filtered).await;
            desk.print(&found, |found| {
                let rows = items(found).map(|one| {
                    let count = one["instances"].as_i64().unwrap_or(0).to_string();
                    vec![
                        field(one, "slug").to_owned(),
                        field(one, "name").to_owned(),
                        field(one, "status").to_owned(),
                        count,
                    ]
                });
                table(&["SLUG", "NAME", "STATUS", "INSTANCES"], rows.collect(), &nothing);
            })
        }
        "show" => {
            let found = desk.call.get(&desk.path(&["servers", needed(arguments, "which")?])?).await?.body;
            desk.print(&found, show)
        }
        "create" => {
            let mut body = json!({ "name": needed(arguments, "name")? });
            if flag(arguments, "local") {
                body["local"] = true.into();
            }
            let made = desk.call.post(&desk.path(&["servers"])?, &body).await?.body;
            desk.print(&made, |made| {
                say(&format!("Added the server {}.", told(made, "slug")));
                show_join(made);
            })
        }
        "join" => {
            let path = desk.path(&["servers", needed(arguments, "which")?, "join"])?;
            let made = desk.call.post(&path, &Value::Null).await?.body;
            desk.print(&made, show_join)
        }
        "change" => {
            let path = desk.path(&["servers", needed(arguments, "which")?])?;
            let before = desk.call.get(&path).await?;
            let body = wished(arguments, &[("name", "name")])?;
            let changed = desk.call.change(Method::PATCH, &path, before.tag, &body).await?.body;
            desk.print(&changed, show)
        }
        "forget" => {
            let which = needed(arguments, "which")?;
            let found = desk.call.get(&desk.path(&["servers", which])?).await?.body;
            let slug = told(&found, "slug");
            desk.confirm(&format!("This removes the server {slug} with all instances on it"), &slug)?;
            let body = json!({ "confirm": found["name"] });
            desk.call.post(&desk.path(&["servers", which, "forget"])?, &body).await?;
            desk.say(&format!(
                "Removed the server {slug} with its instances. What is on its machine stays there."
            ));
            Ok(())
        }
        _ => delete(desk, "servers", "server", needed(arguments, "which")?).await,
    }
}

/// The command by which a machine joins, where the answer has one.
fn show_join(one: &Value) {
    let Some(command) = one["join"]["command"].as_str().map(|command| defused(command, false)) else {
        return;
    };
    let until = time(&one["join"], "expires_at");
    say(&format!("Run this on the machine that it is to be, until {until}; it is shown once:\n{command}"));
}

fn size(value: &Value) -> String {
    let bytes = value.as_f64().unwrap_or(0.0);
    format!("{:.1} GiB", bytes / f64::from(1 << 30))
}

fn show(one: &Value) {
    let machine = &one["machine"];
    let of = |used: &str, whole: &str| {
        if machine[whole].is_null() {
            String::new()
        } else {
            format!("{} of {}", size(&machine[used]), size(&machine[whole]))
        }
    };
    let processors = machine["processors"].as_i64().map(|count| count.to_string()).unwrap_or_default();
    facts(&[
        ("Name", field(one, "name").to_owned()),
        ("Slug", field(one, "slug").to_owned()),
        ("Status", field(one, "status").to_owned()),
        ("Away since", time(one, "away_since")),
        ("Instances", one["instances"].as_i64().unwrap_or(0).to_string()),
        ("Processors", processors),
        ("Memory", of("memory_used", "memory")),
        ("Disk", of("disk_used", "disk")),
        ("No sandbox", field(machine, "no_sandbox").to_owned()),
        ("Id", field(one, "id").to_owned()),
    ]);
}

/// Takes a server or a project away, once its slug was typed.
pub async fn delete(desk: &Desk, list: &str, noun: &str, which: &str) -> Result<(), Failed> {
    let path = desk.path(&[list, which])?;
    let before = desk.call.get(&path).await?;
    let slug = told(&before.body, "slug");
    desk.confirm(&format!("This deletes the {noun} {slug}"), &slug)?;
    desk.call.change(Method::DELETE, &path, before.tag, &Value::Null).await?;
    desk.say(&format!("Deleted the {noun} {slug}."));
    Ok(())
}
