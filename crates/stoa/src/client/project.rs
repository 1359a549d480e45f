//! `stoa project …`.

use clap::ArgMatches;
use reqwest::Method;
use serde_json::{Value, json};

use super::call::query;
use super::failed::Failed;
use super::server::delete;
use super::show::{defused, facts, items, table, time};
use super::workspace::wished;
use super::{Desk, commit, field, merge, needed, remote, text, told};
use crate::output::say;

pub async fn run(desk: &Desk, verb: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    match verb {
        "list" => {
            let found =
                desk.call.list(&desk.path(&["projects"])?, &[("q", text(arguments, "search"))]).await?;
            let is_filtered = text(arguments, "search").is_some();
            let first = "Make one: stoa project create NAME";
            let nothing = desk.nothing(&found, "project", first, is_filtered).await;
            desk.print(&found, |found| {
                let rows = items(found).map(|one| {
                    let count = one["instances"].as_i64().unwrap_or(0).to_string();
                    let branch = field(one, "default_branch").to_owned();
                    vec![field(one, "slug").to_owned(), field(one, "name").to_owned(), branch, count]
                });
                table(&["SLUG", "NAME", "DEFAULT BRANCH", "INSTANCES"], rows.collect(), &nothing);
            })
        }
        "show" => {
            let found = desk.call.get(&desk.path(&["projects", needed(arguments, "which")?])?).await?.body;
            desk.print(&found, show)
        }
        "create" => {
            let mut body = json!({ "name": needed(arguments, "name")?, "repository": { "kind": "hosted" } });
            if let Some(url) = text(arguments, "remote") {
                body["repository"] = json!({ "kind": "remote", "url": url });
                if let Some(credential) = remote::credential(arguments)? {
                    body["repository"]["credential"] = credential;
                }
            }
            if let Some(branch) = text(arguments, "default-branch") {
                body["default_branch"] = branch.into();
            }
            let made = desk.call.post(&desk.path(&["projects"])?, &body).await?.body;
            let is_remote = made["repository"]["kind"] == "remote";
            if is_remote && !desk.json {
                let path = desk.path(&["projects", field(&made, "slug"), "remote"])?;
                let key = desk.call.get(&path).await?.body;
                say(&format!("Made the project {}. It is fetched now.", told(&made, "slug")));
                if !key["public_key"].is_null() {
                    say(&format!("Give the repository this deploy key:\n  {}", told(&key, "public_key")));
                }
                return Ok(());
            }
            desk.print(&made, |made| {
                let url = told(&made["repository"], "url");
                say(&format!(
                    "Made the project {}. Push to it:\n  git remote add stoa {url}",
                    told(made, "slug")
                ));
            })
        }
        "change" => {
            let names = [("name", "name"), ("slug", "slug"), ("default-branch", "default_branch")];
            let body = wished(arguments, &names)?;
            let path = desk.path(&["projects", needed(arguments, "which")?])?;
            let before = desk.call.get(&path).await?;
            let changed = desk.call.change(Method::PATCH, &path, before.tag, &body).await?.body;
            desk.print(&changed, show)
        }
        "delete" => delete(desk, "projects", "project", needed(arguments, "which")?).await,
        "branches" => {
            let which = needed(arguments, "which")?;
            let path = desk.path(&["projects", which, "branches"])?;
            let found = desk.call.list(&path, &[("q", text(arguments, "search"))]).await?;
            desk.print(&found, |found| branches(found, which))
        }
        "commit" => commit::run(desk, arguments).await,
        "merge" => merge::run(desk, arguments).await,
        "remote" => remote::run(desk, arguments).await,
        _ => {
            let path = desk.path(&["projects", needed(arguments, "which")?, "commits"])?;
            let limit = arguments.get_one::<u16>("limit").copied().unwrap_or(20).to_string();
            let asked = query(&[("branch", text(arguments, "branch")), ("limit", Some(&limit))]);
            let found = desk.call.get(&format!("{path}{asked}")).await?.body;
            desk.print(&found, |found| {
                let rows = items(found).map(|one| {
                    let id = field(one, "id").get(..10).unwrap_or_default().to_owned();
                    vec![
                        id,
                        time(one, "at"),
                        field(one, "author_name").to_owned(),
                        field(one, "subject").to_owned(),
                    ]
                });
                table(&["COMMIT", "AT", "BY", "SUBJECT"], rows.collect(), "Nothing was pushed yet.");
            })
        }
    }
}

fn branches(found: &Value, project: &str) {
    let running = |one: &Value| -> Vec<String> {
        let instances = one["instances"].as_array().into_iter().flatten();
        instances.map(|instance| field(instance, "slug").to_owned()).collect()
    };
    let count = |of: &Value| of.as_u64().map_or_else(String::new, |count| count.to_string());
    let rows = items(found).map(|one| {
        let commit = &one["commit"];
        vec![
            field(one, "name").to_owned(),
            // One that was deleted, and is still deployed, has none.
            if commit.is_null() {
                "deleted".to_owned()
            } else {
                field(commit, "id").get(..10).unwrap_or_default().to_owned()
            },
            count(&one["ahead"]),
            count(&one["behind"]),
            field(commit, "subject").to_owned(),
            running(one).join(", "),
        ]
    });
    let head = ["BRANCH", "COMMIT", "AHEAD", "BEHIND", "SUBJECT", "INSTANCES"];
    table(&head, rows.collect(), "Nothing was pushed yet.");
    for one in items(found).filter(|one| one["commit"].is_null()) {
        after_its_end(one, &running(one), project);
    }
}

/// What comes next of a branch that was deleted: nothing by itself.
fn after_its_end(branch: &Value, deployed_by: &[String], project: &str) {
    let is_default = branch["is_default"] == true;
    let kind = if is_default { "default branch" } else { "branch" };
    say(&format!("\nThe {kind} {} was deleted. Push it again, or:", told(branch, "name")));
    if is_default {
        let project = defused(project, false);
        say(&format!(
            "  make another the default one: stoa project change {project} --default-branch BRANCH"
        ));
    }
    for instance in deployed_by {
        let instance = defused(instance, false);
        say(&format!(
            "  {instance} goes on as it is until its branch is pushed: stoa instance settings set {instance} --branch BRANCH"
        ));
    }
}

/// How it stands with a remote repository; nothing for one that is here.
fn fetched(remote: &Value) -> String {
    if remote.is_null() { String::new() } else { remote::state(remote) }
}

fn show(one: &Value) {
    facts(&[
        ("Name", field(one, "name").to_owned()),
        ("Slug", field(one, "slug").to_owned()),
        ("Repository", field(&one["repository"], "url").to_owned()),
        ("Fetched", fetched(&one["repository"]["remote"])),
        ("Default branch", field(one, "default_branch").to_owned()),
        ("Instances", one["instances"].as_i64().unwrap_or(0).to_string()),
        ("Since", time(one, "created_at")),
        ("Id", field(one, "id").to_owned()),
    ]);
}
