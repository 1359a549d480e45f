//! `stoa invite …`.

use clap::ArgMatches;
use reqwest::Method;
use serde_json::{Value, json};

use super::failed::Failed;
use super::show::{address, defused, items, table, time};
use super::{Desk, field, needed, text, told};
use crate::output::{say, say_json};

pub async fn run(desk: &Desk, verb: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    match verb {
        "list" => {
            let found =
                desk.call.list(&desk.path(&["invitations"])?, &[("q", text(arguments, "search"))]).await?;
            desk.print(&found, |found| {
                let rows = items(found).map(|one| {
                    let mail = &one["mail"];
                    let state = match field(mail, "error") {
                        "" => field(mail, "status").to_owned(),
                        error => format!("{}: {error}", field(mail, "status")),
                    };
                    vec![
                        address(field(one, "email")),
                        field(one, "status").to_owned(),
                        time(one, "expires_at"),
                        state,
                    ]
                });
                table(&["ADDRESS", "STATUS", "UNTIL", "MAIL"], rows.collect(), "No invitation waits.");
            })
        }
        "create" => create(desk, arguments).await,
        "resend" => {
            let id = find(desk, needed(arguments, "which")?).await?;
            let sent = desk.call.post(&desk.path(&["invitations", &id, "resend"])?, &Value::Null).await?.body;
            desk.print(&sent, tell)
        }
        _ => {
            let which = needed(arguments, "which")?;
            let id = find(desk, which).await?;
            let path = desk.path(&["invitations", &id])?;
            desk.call.change(Method::DELETE, &path, None, &Value::Null).await?;
            desk.say(&format!("Revoked the invitation of {which}."));
            Ok(())
        }
    }
}

/// Each address by itself: one that is refused says nothing of the next.
async fn create(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let addresses = arguments.get_many::<String>("which").into_iter().flatten();
    let path = desk.path(&["invitations"])?;
    let (mut made, mut refused) = (Vec::new(), Vec::new());
    for wanted in addresses {
        let mut body = json!({ "email": wanted });
        if let Some(message) = text(arguments, "message") {
            body["message"] = message.into();
        }
        match desk.call.post(&path, &body).await {
            Ok(answer) => {
                if !desk.json {
                    tell(&answer.body);
                }
                made.push(answer.body);
            }
            Err(Failed::Refused(problem)) => {
                refused.push((wanted.clone(), problem));
            }
            Err(failed) => return Err(failed),
        }
    }
    if desk.json {
        say_json(&serde_json::to_string_pretty(&json!({ "items": made, "next": null }))?);
    }
    match refused.len() {
        0 => Ok(()),
        1 => Err(Failed::Several("one address wasn't invited".to_owned(), refused)),
        count => Err(Failed::Several(format!("{count} addresses weren't invited"), refused)),
    }
}

fn tell(one: &Value) {
    let email = told(one, "email");
    match one["link"].as_str().map(|link| defused(link, false)) {
        Some(link) => {
            say(&format!("Invited {email}. No mail is set up: hand this link on, it is shown once.\n{link}"))
        }
        None => say(&format!("Invited {email} by mail, until {}.", time(one, "expires_at"))),
    }
}

async fn find(desk: &Desk, which: &str) -> Result<String, Failed> {
    if uuid::Uuid::try_parse(which).is_ok() {
        return Ok(which.to_owned());
    }
    let found = desk.call.list(&desk.path(&["invitations"])?, &[("q", Some(which))]).await?;
    let meant = items(&found).find(|one| field(one, "email").eq_ignore_ascii_case(which));
    match meant {
        Some(one) => Ok(field(one, "id").to_owned()),
        None => Err(Failed::Other(format!("no invitation of {which} waits. See stoa invite list"))),
    }
}
