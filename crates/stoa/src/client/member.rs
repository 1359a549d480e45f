//! `stoa member …`.

use clap::ArgMatches;
use reqwest::Method;
use serde_json::{Value, json};

use super::failed::Failed;
use super::show::{address, facts, items, table, time, words};
use super::{Desk, field, needed, text, told};

pub async fn run(desk: &Desk, verb: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    match verb {
        "list" => {
            let found =
                desk.call.list(&desk.path(&["members"])?, &[("q", text(arguments, "search"))]).await?;
            desk.print(&found, |found| {
                let rows = items(found).map(|one| {
                    let account = &one["account"];
                    let seen = time(one, "last_seen_at");
                    vec![
                        field(account, "name").to_owned(),
                        address(field(account, "email")),
                        field(one, "role").to_owned(),
                        seen,
                    ]
                });
                table(&["NAME", "E-MAIL", "ROLE", "LAST SEEN"], rows.collect(), "Nobody is found.");
            })
        }
        "show" => {
            let id = find(desk, needed(arguments, "which")?).await?;
            let found = desk.call.get(&desk.path(&["members", &id])?).await?.body;
            desk.print(&found, show)
        }
        "change" => {
            let id = find(desk, needed(arguments, "which")?).await?;
            let path = desk.path(&["members", &id])?;
            let before = desk.call.get(&path).await?;
            let body = json!({ "role": needed(arguments, "role")? });
            let changed = desk.call.change(Method::PATCH, &path, before.tag, &body).await?.body;
            desk.print(&changed, show)
        }
        _ => {
            let id = find(desk, needed(arguments, "which")?).await?;
            let path = desk.path(&["members", &id])?;
            let before = desk.call.get(&path).await?;
            let name = told(&before.body["account"], "name");
            desk.confirm(&format!("This removes {name} from the workspace"), &name)?;
            desk.call.change(Method::DELETE, &path, before.tag, &Value::Null).await?;
            desk.say(&format!("Removed {name}."));
            Ok(())
        }
    }
}

fn show(one: &Value) {
    let account = &one["account"];
    let is_unverified = account["email_verified"] == false;
    let email = address(field(account, "email"));
    facts(&[
        ("Name", field(account, "name").to_owned()),
        ("E-mail", if is_unverified { format!("{email} (not verified)") } else { email }),
        ("Account", field(account, "status").to_owned()),
        ("Role", field(one, "role").to_owned()),
        ("Actions", words(&one["permissions"]["actions"])),
        ("Member since", time(one, "joined_at")),
        ("Last seen", time(one, "last_seen_at")),
        ("Id", field(one, "id").to_owned()),
    ]);
}

/// A member's id, by an id, an address or a name.
pub async fn find(desk: &Desk, which: &str) -> Result<String, Failed> {
    if uuid::Uuid::try_parse(which).is_ok() {
        return Ok(which.to_owned());
    }
    let found = desk.call.list(&desk.path(&["members"])?, &[("q", Some(which))]).await?;
    let is_meant = |one: &&Value| {
        let account = &one["account"];
        field(account, "email").eq_ignore_ascii_case(which) || field(account, "name") == which
    };
    let meant: Vec<&Value> = items(&found).filter(is_meant).collect();
    match meant.as_slice() {
        [one] => Ok(field(one, "id").to_owned()),
        [] => Err(Failed::Other(format!("no member is {which}. See stoa member list"))),
        _ => {
            Err(Failed::Other(format!("several members are called {which}. Name one by the e-mail address")))
        }
    }
}
