//! `stoa instance settings …`.

use clap::ArgMatches;
use reqwest::Method;
use serde_json::{Value, json};

use super::failed::Failed;
use super::show::{facts, items, table, time};
use super::{Desk, field, flag, instance, job, needed, text};
use crate::output::say;

pub async fn run(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    match arguments.subcommand() {
        Some(("set", arguments)) => set(desk, arguments).await,
        Some(("history", arguments)) => history(desk, arguments).await,
        Some(("revert", arguments)) => revert(desk, arguments).await,
        Some(("domain", arguments)) => domain(desk, arguments).await,
        Some((_, arguments)) => {
            let found = desk.call.get(&place(desk, arguments)?).await?.body;
            desk.print(&found, show)
        }
        None => Err(Failed::Usage("say what: get, set, history, revert or domain".to_owned())),
    }
}

fn place(desk: &Desk, arguments: &ArgMatches) -> Result<String, Failed> {
    desk.path(&["instances", needed(arguments, "which")?, "settings"])
}

/// Bytes as people write a limit.
fn size(value: &Value) -> String {
    let Some(bytes) = value.as_u64() else { return "as usual".to_owned() };
    for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes > 0 && bytes.is_multiple_of(1 << shift) {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} bytes")
}

fn processors(value: &Value) -> String {
    value.as_f64().map_or_else(|| "as usual".to_owned(), |thousandths| (thousandths / 1000.0).to_string())
}

fn health(check: &Value) -> String {
    if check.is_null() {
        return "as the application says".to_owned();
    }
    let status: Vec<&str> =
        check["status"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    format!(
        "{} answers {} within {} s, asked every {} s, {} failures",
        field(check, "path"),
        status.join(", "),
        check["start_seconds"],
        check["every_seconds"],
        check["failures"]
    )
}

fn plan(plan: &Value) -> String {
    if plan.is_null() {
        return "by hand only".to_owned();
    }
    format!(
        "every day at {} UTC, keeps {} days, {} weeks, {} months",
        field(plan, "at"),
        plan["keep_days"],
        plan["keep_weeks"],
        plan["keep_months"]
    )
}

/// A limit with what stands behind it.
fn limit(found: &Value, name: &str, write: fn(&Value) -> String) -> String {
    let by = field(&found["limit_rules"][name], "enforced_by").replace('_', " ");
    let by = if by.is_empty() { String::new() } else { format!("  ({by})") };
    format!("{}{by}", write(&found["limits"][name]))
}

fn count(value: &Value) -> String {
    value.as_u64().map_or_else(|| "as usual".to_owned(), |count| count.to_string())
}

fn show(found: &Value) {
    facts(&[
        ("Branch", field(found, "branch").to_owned()),
        ("Open to", field(found, "visibility").to_owned()),
        ("Memory", limit(found, "memory", size)),
        ("Processors", limit(found, "processor", processors)),
        ("Processes", limit(found, "processes", count)),
        ("Disk", limit(found, "disk", size)),
        ("Health", health(&found["health"])),
        ("Backups", plan(&found["backup_schedule"])),
    ]);
    let rows = found["environment"].as_array().into_iter().flatten().map(|one| {
        let value = if one["secret"] == true { "(secret)" } else { field(one, "value") };
        vec![field(one, "name").to_owned(), value.to_owned()]
    });
    table(&["NAME", "VALUE"], rows.collect(), "It has no variables of its own.");
    show_domains(found);
    if found["restart_needed"] == true {
        say(
            "What runs was started with others. They count from the next hard restart on: stoa instance restart --hard",
        );
    }
}

fn show_domains(found: &Value) {
    let rows = found["domains"].as_array().into_iter().flatten().map(domain_row);
    table(
        &["DOMAIN", "VERIFIED", "RECORD", "PROOF", "LAST FOUND"],
        rows.collect(),
        "It has no domains of its own.",
    );
}

fn domain_row(one: &Value) -> Vec<String> {
    let verified = if one["verified_at"].is_null() { "no".to_owned() } else { time(one, "verified_at") };
    let rest = ["proof_name", "proof", "problem"].map(|name| field(one, name).to_owned());
    [vec![field(one, "host").to_owned(), verified], rest.to_vec()].concat()
}

/// `512MiB`, `20g`, `1073741824`; `usual` is null.
fn bytes(name: &str, typed: &str) -> Result<Value, Failed> {
    if typed == "usual" {
        return Ok(Value::Null);
    }
    let wrong = || Failed::Usage(format!("--{name} {typed}: has to be a size such as 512MiB, or usual"));
    let lower = typed.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).trim_end();
    let unit = lower[digits.len()..].trim();
    let shift = match unit {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        "t" | "tib" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).map(Value::from).ok_or_else(wrong)
}

fn number(name: &str, typed: &str) -> Result<Value, Failed> {
    if typed == "usual" {
        return Ok(Value::Null);
    }
    let wrong = || Failed::Usage(format!("--{name} {typed}: has to be a number, or usual"));
    typed.parse::<u64>().map(Value::from).map_err(|_| wrong())
}

/// `1.5` processors, in thousandths.
fn thousandths(typed: &str) -> Result<Value, Failed> {
    if typed == "usual" {
        return Ok(Value::Null);
    }
    let wrong = || Failed::Usage(format!("--processor {typed}: has to be a number such as 1.5, or usual"));
    let (whole, rest) = typed.split_once('.').unwrap_or((typed, ""));
    if rest.len() > 3 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let rest: u64 = format!("{rest:0<3}").parse().map_err(|_| wrong())?;
    whole.checked_mul(1000).and_then(|whole| whole.checked_add(rest)).map(Value::from).ok_or_else(wrong)
}

/// What is asked where nothing was set before: what an application has that says nothing.
fn usual_health() -> Value {
    json!({ "path": "/", "status": ["2xx", "3xx"], "start_seconds": 60, "every_seconds": 15, "failures": 3 })
}

fn wished_health(arguments: &ArgMatches, before: &Value) -> Result<Option<Value>, Failed> {
    if flag(arguments, "health-as-told") {
        return Ok(Some(Value::Null));
    }
    let mut wanted = if before.is_null() { usual_health() } else { before.clone() };
    let mut is_wished = false;
    if let Some(path) = text(arguments, "health-path") {
        wanted["path"] = path.into();
        is_wished = true;
    }
    if let Some(status) = text(arguments, "health-status") {
        wanted["status"] = status.split(',').map(str::trim).collect::<Vec<_>>().into();
        is_wished = true;
    }
    for (name, key) in [
        ("health-start", "start_seconds"),
        ("health-every", "every_seconds"),
        ("health-failures", "failures"),
    ] {
        if let Some(typed) = text(arguments, name) {
            wanted[key] = number(name, typed)?;
            is_wished = true;
        }
    }
    Ok(is_wished.then_some(wanted))
}

fn wished_plan(arguments: &ArgMatches, before: &Value) -> Result<Option<Value>, Failed> {
    if flag(arguments, "no-backups") {
        return Ok(Some(Value::Null));
    }
    let first = json!({ "at": "02:00", "keep_days": 7, "keep_weeks": 4, "keep_months": 6 });
    let mut wanted = if before.is_null() { first } else { before.clone() };
    let mut is_wished = false;
    if let Some(at) = text(arguments, "backup-at") {
        wanted["at"] = at.into();
        is_wished = true;
    }
    for (name, key) in
        [("keep-days", "keep_days"), ("keep-weeks", "keep_weeks"), ("keep-months", "keep_months")]
    {
        if let Some(typed) = text(arguments, name) {
            wanted[key] = number(name, typed)?;
            is_wished = true;
        }
    }
    Ok(is_wished.then_some(wanted))
}

fn wished_limits(arguments: &ArgMatches, before: &Value) -> Result<Option<Value>, Failed> {
    let mut wanted = before.clone();
    let mut is_wished = false;
    for name in ["memory", "processor", "processes", "disk"] {
        if let Some(typed) = text(arguments, name) {
            wanted[name] = match name {
                "memory" | "disk" => bytes(name, typed)?,
                "processor" => thousandths(typed)?,
                _ => number(name, typed)?,
            };
            is_wished = true;
        }
    }
    Ok(is_wished.then_some(wanted))
}

/// Only what is wished is sent.
async fn set(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = place(desk, arguments)?;
    let before = desk.call.get(&path).await?;
    let mut body = json!({});
    for name in ["branch", "visibility"] {
        if let Some(value) = text(arguments, name) {
            body[name] = value.into();
        }
    }
    if let Some(limits) = wished_limits(arguments, &before.body["limits"])? {
        body["limits"] = limits;
    }
    if let Some(health) = wished_health(arguments, &before.body["health"])? {
        body["health"] = health;
    }
    if let Some(plan) = wished_plan(arguments, &before.body["backup_schedule"])? {
        body["backup_schedule"] = plan;
    }
    if let Some(environment) = instance::wished_environment(arguments, &before.body["environment"])? {
        body["environment"] = environment;
    }
    if body == json!({}) {
        return Err(Failed::Usage("nothing to set: see --help".to_owned()));
    }
    finish(desk, Method::PATCH, &path, before.tag, &body).await
}

/// Shows what is set now; where another branch is deployed, follows that.
async fn finish(
    desk: &Desk,
    method: Method,
    path: &str,
    tag: Option<reqwest::header::HeaderValue>,
    body: &Value,
) -> Result<(), Failed> {
    let changed = desk.call.change(method, path, tag, body).await?.body;
    if changed["job"].is_null() {
        return desk.print(&changed, show);
    }
    job::follow(desk, changed, "It is deployed").await
}

/// One thing that a change did.
fn part(one: &Value) -> String {
    let name = if one["name"].is_null() { field(one, "setting") } else { field(one, "name") };
    let turn = field(one, "turn");
    if one["secret"] == true {
        return format!("{name} {turn} (secret)");
    }
    let value = |key: &str| one[key].as_str().map_or_else(|| "-".to_owned(), str::to_owned);
    if one["before"].is_null() && one["after"].is_null() {
        return format!("{name} {turn}");
    }
    format!("{name}: {} -> {}", value("before"), value("after"))
}

async fn history(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = format!("{}/changes", place(desk, arguments)?);
    let found = desk.call.list(&path, &[]).await?;
    desk.print(&found, |found| {
        let rows = items(found).map(|one| {
            let parts: Vec<String> = one["parts"].as_array().into_iter().flatten().map(part).collect();
            let can = if one["can_revert"] == true { "yes" } else { "no" };
            vec![
                one["number"].to_string(),
                time(one, "at"),
                field(&one["by"], "name").to_owned(),
                can.to_owned(),
                field(one, "id").to_owned(),
                parts.join("; "),
            ]
        });
        let head = ["NUMBER", "WHEN", "BY", "REVERTIBLE", "ID", "WHAT"];
        table(&head, rows.collect(), "Nothing was changed yet.");
    })
}

async fn revert(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = place(desk, arguments)?;
    let change = needed(arguments, "change")?;
    let before = desk.call.get(&path).await?;
    let id = if change.bytes().all(|byte| byte.is_ascii_digit()) {
        let found = desk.call.list(&format!("{path}/changes"), &[]).await?;
        let one = items(&found).find(|one| one["number"].as_i64() == change.parse().ok()).cloned();
        let one = one.ok_or_else(|| Failed::Other(format!("there is no change {change}")))?;
        field(&one, "id").to_owned()
    } else {
        change.to_owned()
    };
    let which = needed(arguments, "which")?;
    let path = desk.path(&["instances", which, "settings", "changes", &id, "revert"])?;
    finish(desk, Method::POST, &path, before.tag, &json!({})).await
}

async fn domain(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let Some((verb, arguments)) = arguments.subcommand() else {
        return Err(Failed::Usage("say what: add, check or remove".to_owned()));
    };
    let path = place(desk, arguments)?;
    let host = needed(arguments, "host")?;
    if verb == "check" {
        let which = needed(arguments, "which")?;
        let path = desk.path(&["instances", which, "settings", "domains", host, "check"])?;
        let found = desk.call.post(&path, &json!({})).await?.body;
        return desk.print(&found, |one| {
            show_domains(&json!({ "domains": [one] }));
        });
    }
    let before = desk.call.get(&path).await?;
    let all = before.body["domains"].as_array().into_iter().flatten();
    let mut wanted: Vec<Value> = all.map(|one| json!({ "host": one["host"] })).collect();
    if verb == "add" {
        wanted.push(json!({ "host": host }));
    } else {
        let count = wanted.len();
        wanted.retain(|one| !field(one, "host").eq_ignore_ascii_case(host));
        if wanted.len() == count {
            return Err(Failed::Other(format!("it has no domain {host}")));
        }
    }
    let body = json!({ "domains": wanted });
    let changed = desk.call.change(Method::PATCH, &path, before.tag, &body).await?.body;
    desk.print(&changed, |found| {
        show_domains(found);
        if verb == "add" {
            say("Put each proof into the DNS as a TXT record, then: stoa instance settings domain check");
        }
    })
}
