//! `stoa permission …`.

use std::collections::BTreeSet;

use clap::ArgMatches;
use reqwest::Method;
use serde_json::{Value, json};

use super::call::query;
use super::failed::Failed;
use super::show::{defused, facts, items, moment, table, words};
use super::{Desk, field, listed, member, needed, text, told};
use crate::output::{complain, say};

/// The lists, each with the noun of one entry of it and where its things are asked for.
const LISTS: [(&str, &str); 3] = [("projects", "project"), ("instances", "instance"), ("servers", "server")];

pub async fn run(desk: &Desk, verb: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    match verb {
        "presets" => {
            let found = desk.call.list(&desk.path(&["presets"])?, &[]).await?;
            return desk.print(&found, |found| {
                let rows =
                    items(found).map(|one| vec![field(one, "name").to_owned(), words(&one["actions"])]);
                table(&["PRESET", "ACTIONS"], rows.collect(), "There is none.");
            });
        }
        "who" => return who(desk, arguments).await,
        _ => {}
    }
    let id = member::find(desk, needed(arguments, "which")?).await?;
    match verb {
        "show" => {
            let found = desk.call.get(&desk.path(&["members", &id, "permissions"])?).await?.body;
            let names = if desk.json { Names::default() } else { Names::of(desk, &found).await? };
            desk.print(&found, |found| show(found, &names))
        }
        "set" => set(desk, &id, arguments).await,
        _ => {
            let asked = ["action", "project", "instance", "server"].map(|name| (name, text(arguments, name)));
            let path = desk.path(&["members", &id, "explain"])?;
            let found = desk.call.get(&format!("{path}{}", query(&asked))).await?.body;
            desk.print(&found, |found| {
                let word = if found["allowed"] == true { "Allowed" } else { "Not allowed" };
                let detail = for_terminal(field(found, "detail"), arguments);
                say(&format!("{word}: {}", defused(&detail, false)));
            })
        }
    }
}

/// The API's sentence, with the command where it names the page's own switches.
fn for_terminal(detail: &str, arguments: &ArgMatches) -> String {
    let set = format!("stoa permission set {}", text(arguments, "which").unwrap_or("MEMBER"));
    let action = text(arguments, "action").unwrap_or("ACTION");
    let thing = LISTS.iter().find_map(|(_, noun)| Some(format!("{noun}:{}", text(arguments, noun)?)));
    let thing = thing.unwrap_or_else(|| "instance:SLUG".to_owned());
    detail
        .replace("Switch it on under Action Permissions.", &format!("Grant it: {set} --add {action}"))
        .replace("Add it under Resource Access.", &format!("Grant it: {set} --add {thing}"))
}

async fn who(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let asked = ["action", "project", "instance", "server"].map(|name| (name, text(arguments, name)));
    let found = desk.call.list(&desk.path(&["permissions", "who"])?, &asked).await?;
    desk.print(&found, |found| {
        let rows =
            items(found).map(|one| vec![field(one, "name").to_owned(), field(one, "because").to_owned()]);
        table(&["NAME", "BECAUSE"], rows.collect(), "Nobody may.");
    })
}

/// The actions of a preset, by its name.
async fn preset(desk: &Desk, name: &str) -> Result<Entries, Failed> {
    let found = desk.call.list(&desk.path(&["presets"])?, &[]).await?;
    let meant =
        items(&found).find(|one| field(one, "name").eq_ignore_ascii_case(name) || field(one, "id") == name);
    match meant {
        Some(one) => Ok(entries(one, "actions")),
        None => Err(Failed::Other(format!("there is no preset {name}. See stoa permission presets"))),
    }
}

/// What ids are called.
#[derive(Default)]
struct Names(std::collections::HashMap<String, String>);

impl Names {
    /// Of the entries of a profile; an owner's has none.
    async fn of(desk: &Desk, profile: &Value) -> Result<Self, Failed> {
        let mut names = Self::default();
        for (list, _) in
            LISTS.iter().filter(|(list, _)| profile[*list].as_array().is_some_and(|all| !all.is_empty()))
        {
            names.add(desk, list).await?;
        }
        Ok(names)
    }

    async fn add(&mut self, desk: &Desk, list: &str) -> Result<(), Failed> {
        let found = desk.call.list(&desk.path(&[list])?, &[]).await?;
        self.0.extend(items(&found).map(|one| (field(one, "id").to_owned(), field(one, "slug").to_owned())));
        Ok(())
    }

    fn name<'n>(&'n self, id: &'n str) -> &'n str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

fn show(profile: &Value, names: &Names) {
    let list = |name: &str| match profile[name].as_array() {
        None => "not restricted".to_owned(),
        Some(all) if all.is_empty() => "none".to_owned(),
        Some(all) => {
            let mut named: Vec<&str> =
                all.iter().filter_map(Value::as_str).map(|id| names.name(id)).collect();
            named.sort_unstable();
            named.join(", ")
        }
    };
    let actions = words(&profile["actions"]);
    facts(&[
        ("Actions", if actions.is_empty() { "none".to_owned() } else { actions }),
        ("Projects", list("projects")),
        ("Instances", list("instances")),
        ("Servers", list("servers")),
    ]);
    for (id, until) in profile["until"].as_object().into_iter().flatten() {
        say(&format!("{} until {}", names.name(id), moment(until.as_str().unwrap_or_default())));
    }
}

type Entries = BTreeSet<String>;

fn entries(profile: &Value, list: &str) -> Entries {
    profile[list].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

async fn set(desk: &Desk, member: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["members", member, "permissions"])?;
    let before = desk.call.get(&path).await?;
    if before.body["projects"].is_null() {
        let found = desk.call.get(&desk.path(&["members", member])?).await?.body;
        let name = told(&found["account"], "name");
        return Err(Failed::Other(format!(
            "{name} is an owner, and may do everything. Only a plain member has permissions of their own: stoa member change {member} --role member"
        )));
    }
    let mut wished = before.body.clone();
    let mut names = Names::of(desk, &before.body).await?;
    if let Some(text) = text(arguments, "actions") {
        wished["actions"] = json!(listed(text).collect::<BTreeSet<_>>());
    }
    if let Some(name) = text(arguments, "preset") {
        wished["actions"] = json!(preset(desk, name).await?);
    }
    for (list, noun) in LISTS {
        if let Some(text) = text(arguments, list) {
            let mut ids = Entries::new();
            for slug in listed(text) {
                ids.insert(id_of(desk, list, noun, slug, &mut names).await?);
            }
            wished[list] = json!(ids);
        }
    }
    for (argument, adds) in [("add", true), ("remove", false)] {
        for word in arguments.get_many::<String>(argument).into_iter().flatten() {
            let (list, entry) = entry_of(desk, word, &mut names).await?;
            let mut all = entries(&wished, list);
            if adds {
                all.insert(entry)
            } else {
                all.remove(&entry)
            };
            wished[list] = json!(all);
        }
    }
    let mut asked = Entries::new();
    for pair in arguments.get_many::<String>("until").into_iter().flatten() {
        let (word, time) =
            pair.split_once('=').ok_or_else(|| Failed::Usage(format!("{pair}: has to be WORD=TIME")))?;
        let (_, entry) = entry_of(desk, word, &mut names).await?;
        let mut ends = wished["until"].as_object().cloned().unwrap_or_default();
        match time.trim() {
            "" => _ = ends.remove(&entry),
            time => {
                asked.insert(entry.clone());
                ends.insert(entry, time.into());
            }
        }
        wished["until"] = Value::Object(ends);
    }
    // An end is of what is granted still. One that is asked for now and is of nothing is for the server to refuse.
    if let Some(ends) = wished["until"].as_object().cloned() {
        let mut granted: Entries = ALL.iter().flat_map(|list| entries(&wished, list)).collect();
        granted.extend(asked);
        let kept: serde_json::Map<_, _> = ends.into_iter().filter(|(of, _)| granted.contains(of)).collect();
        wished["until"] = Value::Object(kept);
    }
    if is_same(&before.body, &wished) {
        return desk.print(&before.body, |_| say("Nothing changes."));
    }
    let saved = desk.call.change(Method::PUT, &path, before.tag, &wished).await?.body;
    if !desk.json {
        differences(&before.body, &saved, &names);
    }
    desk.print(&saved, |saved| show(saved, &names))
}

/// A word of the command line, which was looked at when it was read: an action, or one thing of a list.
async fn entry_of(desk: &Desk, word: &str, names: &mut Names) -> Result<(&'static str, String), Failed> {
    let Some((noun, slug)) = word.split_once(':') else { return Ok(("actions", word.to_owned())) };
    let known = LISTS.iter().find(|(_, known)| *known == noun);
    let (list, noun) = known.ok_or_else(|| {
        Failed::Usage(format!("{word}: has to be an action, or project:, instance: or server: and a slug"))
    })?;
    Ok((list, id_of(desk, list, noun, slug, names).await?))
}

const ALL: [&str; 4] = ["actions", "projects", "instances", "servers"];

fn is_same(before: &Value, after: &Value) -> bool {
    let ends = |profile: &Value| profile["until"].as_object().cloned().unwrap_or_default();
    ALL.iter().all(|list| entries(before, list) == entries(after, list)) && ends(before) == ends(after)
}

/// What has changed.
fn differences(before: &Value, after: &Value, names: &Names) {
    for list in ALL {
        let (old, new) = (entries(before, list), entries(after, list));
        for added in new.difference(&old) {
            complain(&format!("+ {list}: {}", defused(names.name(added), false)));
        }
        for removed in old.difference(&new) {
            complain(&format!("- {list}: {}", defused(names.name(removed), false)));
        }
    }
}

async fn id_of(desk: &Desk, list: &str, noun: &str, slug: &str, names: &mut Names) -> Result<String, Failed> {
    let answer = desk.call.get(&desk.path(&[list, slug])?).await;
    match answer {
        Ok(found) => {
            let id = field(&found.body, "id").to_owned();
            names.0.insert(id.clone(), field(&found.body, "slug").to_owned());
            Ok(id)
        }
        Err(Failed::Refused(problem)) if problem.status == 404 => {
            Err(Failed::Other(format!("there is no {noun} {slug}. See stoa {noun} list")))
        }
        Err(failed) => Err(failed),
    }
}
