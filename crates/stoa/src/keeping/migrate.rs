//! `stoa migrate`: the schema brought up to date, or everything moved to PostgreSQL.

use std::io::{BufRead as _, IsTerminal as _};

use stoa_domain::Secret;
use stoa_storage::keeping;
use stoa_storage::store::Place;
use url::Url;

use super::moved::Mark;
use super::{on_postgres, refuse_half_restored, settle_unfinished};
use crate::failure::Ended;
use crate::output::{complain, say};
use crate::serve::{open_records, place_of_records, take_lock};
use crate::settings::Settings;

/// # Errors
/// Where the records can't be opened, or can't be moved. Those that are there stay as they are then.
pub async fn migrate(settings: Settings, to: Option<String>) -> Result<(), Ended> {
    refuse_half_restored(&settings)?;
    let Some(to) = to else { return bring_up_to_date(&settings).await };
    let Place::Sqlite(file) = place_of_records(&settings)? else {
        return Err(Ended::said(
            "STOA_DATABASE_URL is set: the records are on PostgreSQL already. Move from SQLite without it",
        ));
    };
    let address = address(&to)?;
    let address = address.reveal_text().unwrap_or_default();
    // Nobody writes meanwhile.
    let _lock = take_lock(&settings)?;
    let look = keeping::look(&file).await?;
    let mark = mark(&settings, address)?;
    let (copied, events) = keeping::move_to_postgres(&file, address)
        .await
        .map_err(|fault| Ended::because("nothing was moved", fault))?;
    mark.set()?;
    say(&format!(
        "Moved {} rows of {} tables to PostgreSQL; each table was read again and is the same.",
        copied.rows, copied.tables
    ));
    match events {
        Ok(count) => say(&format!("The audit log holds: {count} events.")),
        Err(fault) => complain(&Ended::because("note", fault).to_string()),
    }
    on_postgres(look.has_local_machine && settings.local_server);
    say(&format!(
        "The master key {} and the repositories {} stay where they are, and so does {}, which is marked as moved: no command reads it any more. Remove it when you are sure.",
        settings.master_key_file.display(),
        settings.repositories_dir.display(),
        file.display()
    ));
    Ok(())
}

fn mark(settings: &Settings, address: &str) -> Result<Mark, Ended> {
    let at = super::now()?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Mark::make(&settings.data_dir, &keeping::name_of(address)?, &at)
        .map_err(|error| super::written("nothing was moved: the old records can't be marked as moved", error))
}

async fn bring_up_to_date(settings: &Settings) -> Result<(), Ended> {
    let _lock = take_lock(settings)?;
    let from = keeping::version_of(&place_of_records(settings)?)
        .await
        .map_err(|fault| Ended::because("the records can't be opened", fault))?;
    let store = open_records(settings).await?;
    let is_any = store.find_installation().await?.is_some();
    store.close().await;
    if let Some(note) = settle_unfinished(settings, is_any)? {
        complain(&format!("note: {note}"));
    }
    let to = stoa_storage::known_version();
    if from == to {
        say(&format!("The records are at version {to} already."));
    } else {
        say(&format!("The records were at version {from}, and are at version {to} now."));
    }
    Ok(())
}

/// The address of the other database. One with a password never stands in a process list.
fn address(to: &str) -> Result<Secret, Ended> {
    if to != "-" {
        let has_password = Url::parse(to).is_ok_and(|url| {
            url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
        });
        if has_password {
            return Err(Ended::said(
                "an address with a password would stand in the list of processes. Give it on standard input: stoa migrate --to -",
            ));
        }
        return checked(to);
    }
    if std::io::stdin().is_terminal() {
        return checked(&rpassword::prompt_password(
            "Address of the PostgreSQL (postgres://…), not shown: ",
        )?);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    checked(&line)
}

fn checked(text: &str) -> Result<Secret, Ended> {
    let text = text.trim();
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Ok(Secret::from_text(text.to_owned()))
    } else {
        Err(Ended::said("the address has to begin with postgres://"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_no_argument() {
        for with in ["postgres://stoa:hush@db/stoa", "postgres://stoa@db/stoa?password=hush"] {
            let refused = address(with).err().unwrap().to_string();
            assert!(refused.contains("--to -") && !refused.contains("hush"), "{refused}");
        }
        assert!(address("postgres://stoa@db/stoa").is_ok());
        assert!(address("mysql://stoa@db/stoa").is_err());
    }
}
