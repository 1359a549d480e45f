//! `stoa instance …`.

use clap::ArgMatches;
use reqwest::Method;
use serde_json::{Value, json};

use super::failed::Failed;
use super::show::{defused, facts, has_colours, items, table, time, words};
use super::workspace::wished;
use super::{
    Desk, ask, backup, connect, deployment, field, flag, job, logs, needed, process, settings, text, told,
};

pub async fn run(desk: &Desk, verb: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    match verb {
        "list" => list(desk, arguments).await,
        "show" => {
            let found = desk.call.get(&desk.path(&["instances", needed(arguments, "which")?])?).await?.body;
            desk.print(&found, show)
        }
        "create" => create(desk, arguments).await,
        "change" => change(desk, arguments).await,
        "delete" => delete(desk, arguments).await,
        "start" => act(desk, arguments, "start", &json!({}), "It is started").await,
        "stop" => {
            let body = if flag(arguments, "cancel") { json!({ "cancel": true }) } else { json!({}) };
            act(desk, arguments, "stop", &body, "It is stopped").await
        }
        "restart" => {
            let mode = if flag(arguments, "hard") { "hard" } else { "soft" };
            act(desk, arguments, "restart", &json!({ "mode": mode }), "It is restarted").await
        }
        "deploy" => {
            let mut body = json!({});
            for name in ["commit", "release"] {
                if let Some(value) = text(arguments, name) {
                    body[name] = value.into();
                }
            }
            act(desk, arguments, "deploy", &body, "It is deployed").await
        }
        "backup" | "backups" | "restore" | "download" | "backup-delete" | "backup-key" => {
            backup::run(desk, verb, arguments).await
        }
        "settings" => settings::run(desk, arguments).await,
        "deployments" => deployment::list(desk, arguments).await,
        "processes" | "schedules" => process::run(desk, verb, arguments).await,
        "logs" => logs::read(desk, arguments).await,
        "users" | "connect" | "connected" => connect::run(desk, verb, arguments).await,
        "cancel" => {
            let found = desk.call.get(&desk.path(&["instances", needed(arguments, "which")?])?).await?.body;
            let Some(id) = found["job"]["id"].as_str() else {
                return Err(Failed::Other("nothing goes on there".to_owned()));
            };
            let cancelled = desk.call.post(&desk.path(&["jobs", id, "cancel"])?, &Value::Null).await?.body;
            desk.print(&cancelled, |job| {
                crate::output::say(&format!("It is told to end: {}", job::in_words(job)));
            })
        }
        _ => environment(desk, arguments).await,
    }
}

async fn list(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let asked = [
        ("q", text(arguments, "search")),
        ("project", text(arguments, "project")),
        ("server", text(arguments, "server")),
        ("stage", text(arguments, "stage")),
        ("status", text(arguments, "status")),
    ];
    let found = desk.call.list(&desk.path(&["instances"])?, &asked).await?;
    let is_filtered = asked.iter().any(|(_, value)| value.is_some());
    let first = "Make one: stoa instance create (see --help)";
    let nothing = desk.nothing(&found, "instance", first, is_filtered).await;
    desk.print(&found, |found| {
        let rows = items(found).map(|one| {
            let project = field(&one["project"], "slug").to_owned();
            let [slug, name, stage, branch, url] =
                ["slug", "name", "stage", "branch", "url"].map(|name| field(one, name).to_owned());
            vec![slug, name, project, stage, state(one), branch, url]
        });
        table(&["SLUG", "NAME", "PROJECT", "STAGE", "STATUS", "BRANCH", "URL"], rows.collect(), &nothing);
    })
}

/// How an instance is, as far as anybody knows.
fn state(one: &Value) -> String {
    let status = field(one, "status");
    if one["is_server_away"] == true { format!("not reached (was {status})") } else { status.to_owned() }
}

/// A state, in the colour of the page's where colours are for the reader.
fn status(word: &str) -> String {
    let colour = match word {
        "running" => "32",
        "failed" => "31",
        "deploying" | "deleting" => "33",
        _ => return word.to_owned(),
    };
    if has_colours() { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_owned() }
}

fn show(one: &Value) {
    crate::output::say(&format!("{}  {}", defused(field(one, "name"), false), status(&state(one))));
    let is_protected = if one["is_protected"] == true { "yes" } else { "" };
    facts(&[
        ("Why", field(one, "reason").to_owned()),
        ("Address", field(one, "url").to_owned()),
        ("Open to", field(one, "visibility").to_owned()),
        ("Project", field(&one["project"], "slug").to_owned()),
        ("Server", field(&one["server"], "slug").to_owned()),
        ("Stage", field(one, "stage").to_owned()),
        ("Branch", field(one, "branch").to_owned()),
        ("Commit", field(one, "commit").to_owned()),
        ("Protected", is_protected.to_owned()),
        ("You may", words(&one["may"])),
        ("Goes on", job::in_words(&one["job"])),
        ("Since", time(one, "created_at")),
        ("Slug", field(one, "slug").to_owned()),
        ("Id", field(one, "id").to_owned()),
    ]);
}

/// The variables, changed where something is wished: the others are sent as they are, a secret one without its value,
/// which it keeps.
async fn environment(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["instances", needed(arguments, "which")?, "environment"])?;
    let before = desk.call.get(&path).await?;
    let Some(wanted) = wished_environment(arguments, &before.body["environment"])? else {
        return desk.print(&before.body, show_environment);
    };
    let body = json!({ "environment": wanted });
    let changed = desk.call.change(Method::PUT, &path, before.tag, &body).await?.body;
    desk.print(&changed, |changed| {
        show_environment(changed);
        if changed["restart_needed"] == true {
            crate::output::say("It counts from the next hard restart on: stoa instance restart --hard");
        }
    })
}

/// All variables as they are to be; `None` where nothing is wished of them.
pub fn wished_environment(arguments: &ArgMatches, before: &Value) -> Result<Option<Value>, Failed> {
    let wished = variables(arguments)?;
    let unset: Vec<&String> = arguments.get_many("unset").into_iter().flatten().collect();
    if wished.is_empty() && unset.is_empty() {
        return Ok(None);
    }
    let is_replaced = |one: &Value| {
        let name = field(one, "name");
        unset.iter().any(|unset| *unset == name) || wished.iter().any(|wished| field(wished, "name") == name)
    };
    let all = before.as_array().into_iter().flatten();
    let mut all: Vec<Value> = all.filter(|one| !is_replaced(one)).cloned().collect();
    all.extend(wished);
    Ok(Some(all.into()))
}

fn show_environment(found: &Value) {
    let rows = found["environment"].as_array().into_iter().flatten().map(|one| {
        let value = if one["secret"] == true { "(secret)" } else { field(one, "value") };
        vec![field(one, "name").to_owned(), value.to_owned()]
    });
    table(&["NAME", "VALUE"], rows.collect(), "It has no variables of its own.");
}

async fn create(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let mut body = json!({ "name": needed(arguments, "name")? });
    for name in ["project", "server", "stage", "branch"] {
        body[name] = needed(arguments, name)?.into();
    }
    if let Some(visibility) = text(arguments, "visibility") {
        body["visibility"] = visibility.into();
    }
    if let Some(backup) = text(arguments, "from-backup") {
        body["from_backup"] = backup.into();
    }
    let variables = variables(arguments)?;
    if !variables.is_empty() {
        body["environment"] = variables.into();
    }
    let made = desk.call.post(&desk.path(&["instances"])?, &body).await?.body;
    // Its slug is made from its name, and every other command asks for it.
    desk.say(&format!("Made the instance {}.", told(&made, "slug")));
    job::follow(desk, made, "It is deployed").await
}

/// Those that are named on the command line, secret ones with values that are read.
fn variables(arguments: &ArgMatches) -> Result<Vec<Value>, Failed> {
    let mut variables = Vec::new();
    for pair in arguments.get_many::<String>("set").into_iter().flatten() {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failed::Usage(format!("--set {pair}: has to be NAME=VALUE")))?;
        variables.push(json!({ "name": name, "value": value }));
    }
    for name in arguments.get_many::<String>("secret").into_iter().flatten() {
        variables.push(json!({ "name": name, "value": ask::secret(&format!("{name}: "))?, "secret": true }));
    }
    Ok(variables)
}

async fn change(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let mut body =
        wished(arguments, &[("name", "name"), ("visibility", "visibility"), ("protected", "is_protected")])?;
    if let Some(word) = body["is_protected"].as_str() {
        body["is_protected"] = (word == "true").into();
    } else if let Some(fields) = body.as_object_mut() {
        fields.remove("is_protected");
    }
    let path = desk.path(&["instances", needed(arguments, "which")?])?;
    let before = desk.call.get(&path).await?;
    let changed = desk.call.change(Method::PATCH, &path, before.tag, &body).await?.body;
    desk.print(&changed, show)
}

async fn delete(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["instances", needed(arguments, "which")?])?;
    let before = desk.call.get(&path).await?;
    let name = told(&before.body, "name");
    desk.confirm(&format!("This deletes the instance {name} with its data"), &name)?;
    let mut body = json!({ "confirm": name });
    if flag(arguments, "cancel") {
        body["cancel"] = true.into();
    }
    if flag(arguments, "backup") {
        body["backup"] = true.into();
    }
    let answer = desk.call.change(Method::DELETE, &path, before.tag, &body).await?.body;
    job::follow(desk, answer, "It is deleted").await
}

async fn act(
    desk: &Desk,
    arguments: &ArgMatches,
    verb: &str,
    body: &Value,
    done: &str,
) -> Result<(), Failed> {
    let path = desk.path(&["instances", needed(arguments, "which")?, verb])?;
    let answer = desk.call.post(&path, body).await?.body;
    job::follow(desk, answer, done).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_says_that_an_instance_runs_whose_server_isnt_reached() {
        let of = |is_server_away: bool| json!({ "status": "running", "is_server_away": is_server_away });
        assert_eq!(
            (state(&of(false)), state(&of(true))),
            ("running".into(), "not reached (was running)".into())
        );
    }
}
