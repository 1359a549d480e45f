//! `stoa project remote …`: how a project's remote repository is reached, and how it stands with it.

use clap::ArgMatches;
use reqwest::Method;
use serde_json::{Value, json};

use super::failed::Failed;
use super::show::{facts, time};
use super::{Desk, ask, field, needed, text, told};
use crate::output::say;

pub async fn run(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let which = needed(arguments, "which")?;
    let path = |word: &[&str]| desk.path(&[&["projects", which, "remote"], word].concat());
    if arguments.get_flag("test") {
        let tested = desk.call.post(&path(&["test"])?, &json!({})).await?.body;
        desk.print(&tested, test)?;
        return if tested["ok"] == true {
            Ok(())
        } else {
            Err(Failed::Other("the repository isn't reached".to_owned()))
        };
    }
    if arguments.get_flag("webhook") {
        let made = desk.call.post(&path(&["webhook"])?, &json!({})).await?.body;
        return desk.print(&made, |made| {
            say("Let the repository call this address after each push. The secret isn't shown again:");
            facts(&[("Address", told(made, "url")), ("Secret", told(made, "secret"))]);
        });
    }
    if arguments.get_flag("remove-webhook") {
        desk.call.change(Method::DELETE, &path(&["webhook"])?, None, &Value::Null).await?;
        desk.say("The webhook is removed: what is pushed there is fetched at its times alone.");
        return Ok(());
    }
    if let Some(kind) = [("remove-token", "token"), ("renew-key", "deploy_key")]
        .into_iter()
        .find_map(|(flag, kind)| arguments.get_flag(flag).then_some(kind))
    {
        return remove_credential(desk, kind, &path(&[])?, &path(&["credential"])?).await;
    }
    if arguments.get_flag("fetch") {
        let remote = desk.call.post(&path(&["fetch"])?, &json!({})).await?.body;
        return desk.print(&remote, |_| say("It is fetched as soon as there is a place."));
    }
    let mut change = json!({});
    if let Some(url) = text(arguments, "to") {
        change["url"] = url.into();
    }
    if let Some(fingerprint) = text(arguments, "accept-host-key") {
        change["host_key"] = fingerprint.into();
    }
    if let Some(credential) = credential(arguments)? {
        change["credential"] = credential;
    }
    let remote = if change == json!({}) {
        desk.call.get(&path(&[])?).await?.body
    } else {
        let before = desk.call.get(&path(&[])?).await?;
        desk.call.change(Method::PATCH, &path(&[])?, before.tag, &change).await?.body
    };
    desk.print(&remote, show)
}

/// The API has one thing for both: what goes is what is there, so it has to be what is meant.
async fn remove_credential(desk: &Desk, kind: &str, remote: &str, path: &str) -> Result<(), Failed> {
    let before = desk.call.get(remote).await?;
    if field(&before.body, "credential") != kind {
        let sentence = match kind {
            "token" => "there is no token to take away",
            _ => "there is no deploy key: only what is reached by ssh has one",
        };
        return Err(Failed::Other(sentence.to_owned()));
    }
    let after = desk.call.change(Method::DELETE, path, before.tag, &Value::Null).await?.body;
    desk.print(&after, |after| match kind {
        "token" => say("The token is gone."),
        _ => say(&format!(
            "Give the repository this deploy key, and take the old one away there:\n  {}",
            told(after, "public_key")
        )),
    })
}

/// A token is asked for, or read from standard input: in an argument everybody on the machine would read it.
pub fn credential(arguments: &ArgMatches) -> Result<Option<Value>, Failed> {
    if !arguments.get_flag("token") {
        return Ok(None);
    }
    let mut credential = json!({ "token": ask::secret("Token: ")? });
    if let Some(user) = text(arguments, "user") {
        credential["user"] = user.into();
    }
    Ok(Some(credential))
}

/// How it stands, in a few words.
pub fn state(remote: &Value) -> String {
    let fetched = time(remote, "fetched_at");
    let problem = &remote["problem"];
    if !problem.is_null() {
        let said = field(problem, "said");
        let quoted = if said.is_empty() { String::new() } else { format!(" ({said})") };
        return format!("since {}: {}{quoted}", time(problem, "since"), field(problem, "detail"));
    }
    match field(remote, "status") {
        "fetching" => "being fetched".to_owned(),
        "waiting" => "not fetched yet".to_owned(),
        _ => format!("fetched {fetched}"),
    }
}

fn show(remote: &Value) {
    let host_key = &remote["host_key"];
    let known = if host_key.is_null() {
        String::new()
    } else {
        format!("{} {}", field(host_key, "kind"), field(host_key, "fingerprint"))
    };
    let passed_over = remote["passed_over"].as_i64().unwrap_or(0);
    facts(&[
        ("Address", field(remote, "url").to_owned()),
        ("State", state(remote)),
        ("Credential", field(remote, "credential").to_owned()),
        ("Deploy key", field(remote, "public_key").to_owned()),
        ("Host key", known),
        ("Shown instead", field(remote, "offered_host_key").to_owned()),
        ("Passed over", if passed_over > 0 { format!("{passed_over} names") } else { String::new() }),
        ("Webhook", field(remote, "webhook_url").to_owned()),
        ("Called", time(remote, "webhook_heard_at")),
        ("Next fetch", time(remote, "next_fetch_at")),
    ]);
}

fn test(tested: &Value) {
    if tested["ok"] == true {
        let count = tested["branches"].as_u64().unwrap_or(0);
        say(&format!("It answers: {count} branches."));
        return;
    }
    let problem = &tested["problem"];
    facts(&[
        ("Problem", field(problem, "detail").to_owned()),
        ("It said", field(problem, "said").to_owned()),
        ("Shown instead", field(tested, "offered_host_key").to_owned()),
    ]);
}
