//! An instance's deployments.

use clap::ArgMatches;
use serde_json::Value;

use super::call::query;
use super::failed::Failed;
use super::show::{items, table, time};
use super::{Desk, field, needed};

pub async fn list(desk: &Desk, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["instances", needed(arguments, "which")?, "deployments"])?;
    let limit = arguments.get_one::<u16>("limit").copied().unwrap_or(20).to_string();
    let found = desk.call.get(&format!("{path}{}", query(&[("limit", Some(&limit))]))).await?.body;
    desk.print(&found, |found| {
        let rows = items(found).map(|one| {
            let number = one["number"].as_i64().unwrap_or(0);
            let mark = if one["is_current"] == true { "*" } else { "" };
            vec![
                format!("{number}{mark}"),
                field(one, "status").to_owned(),
                field(one, "commit").get(..10).unwrap_or_default().to_owned(),
                field(one, "cause").to_owned(),
                time(one, "created_at"),
                field(one, "reason").to_owned(),
            ]
        });
        table(&["NO", "STATUS", "COMMIT", "CAUSE", "AT", "WHY"], rows.collect(), "It was never deployed.");
    })
}

/// A deployment's id, by its number.
pub async fn find(desk: &Desk, instance: &str, number: &str) -> Result<String, Failed> {
    if uuid::Uuid::try_parse(number).is_ok() {
        return Ok(number.to_owned());
    }
    let path = desk.path(&["instances", instance, "deployments"])?;
    let found = desk.call.list(&path, &[]).await?;
    let meant = items(&found)
        .find(|one: &&Value| one["number"].as_i64().is_some_and(|own| own.to_string() == number));
    match meant {
        Some(one) => Ok(field(one, "id").to_owned()),
        None => Err(Failed::Other(format!(
            "it has no deployment {number}. See stoa instance deployments {instance}"
        ))),
    }
}
