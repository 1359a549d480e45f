//! Telling an answer: a table for people, JSON for scripts.

use super::order::{Account, Answer, State, Workspace};
use crate::failure::Ended;
use crate::keeping::counted;
use crate::output::{say, say_json};

/// # Errors
/// Where it can't be written as JSON.
pub fn tell(answer: &Answer, as_json: bool) -> Result<(), Ended> {
    if as_json {
        let text = match answer {
            Answer::Accounts(accounts) => serde_json::to_string_pretty(accounts),
            Answer::Account(account)
            | Answer::PasswordSet(account)
            | Answer::SecondFactorRemoved(account) => serde_json::to_string_pretty(account),
            Answer::Workspaces(workspaces) => serde_json::to_string_pretty(workspaces),
            Answer::Workspace(workspace) => serde_json::to_string_pretty(workspace),
            Answer::State(state) => serde_json::to_string_pretty(state),
            Answer::Audit(events) => serde_json::to_string_pretty(events),
        };
        say_json(&text?);
        return Ok(());
    }
    match answer {
        Answer::Accounts(accounts) if accounts.is_empty() => say("No account matches."),
        Answer::Accounts(accounts) => tell_accounts(accounts),
        Answer::Workspaces(workspaces) if workspaces.is_empty() => say("No workspace matches."),
        Answer::Workspaces(workspaces) => tell_workspaces(workspaces),
        Answer::State(state) => tell_state(state),
        Answer::Audit(events) => events.iter().for_each(|event| tell_event(event, false)),
        Answer::Account(account) => {
            let what = if account.is_admin { "an administrator" } else { "a plain account" };
            say(&format!("{} ({}) is {}, and {what}.", account.name, account.email, account.status));
        }
        Answer::PasswordSet(account) => {
            say(&format!(
                "{} ({}) has a new password, was signed out everywhere, and has no access tokens any more.",
                account.name, account.email
            ));
        }
        Answer::SecondFactorRemoved(account) => {
            say(&format!(
                "{} ({}) has no second factor any more, and was signed out everywhere.",
                account.name, account.email
            ));
        }
        Answer::Workspace(workspace) => {
            say(&format!("{} is owned by {}.", workspace.name, workspace.owners.join(", ")));
        }
    }
    Ok(())
}

/// One event of the installation's log, in one line.
pub fn tell_event(event: &serde_json::Value, as_json: bool) {
    if as_json {
        say_json(&event.to_string());
        return;
    }
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    let from = match text("address") {
        "" => text("via").to_owned(),
        address => format!("{}, {address}", text("via")),
    };
    let more = match event["repeated"].as_i64() {
        Some(times) if times > 1 => format!(", {times} times"),
        _ => String::new(),
    };
    say(&format!("{}  {} {}{more} ({from})", text("at"), text("actor_name"), text("sentence")));
}

/// What somebody who was disabled leaves.
pub fn tell_ownerless() {
    say(
        "Workspaces that have no active owner now are listed by stoa admin workspaces; name one with stoa admin owner.",
    );
}

fn tell_accounts(accounts: &[Account]) {
    let row = |account: &Account| {
        let mut marks = vec![account.status.as_str()];
        if account.is_admin {
            marks.push("administrator");
        }
        if !account.email_verified {
            marks.push("address not confirmed");
        }
        let seen = account.last_seen_at.as_deref().map_or("never", |at| at.get(..10).unwrap_or(at));
        [
            account.name.clone(),
            crate::client::address(&account.email),
            marks.join(", "),
            account.workspaces.to_string(),
            seen.to_owned(),
        ]
    };
    table(["NAME", "E-MAIL", "STATUS", "WORKSPACES", "LAST SEEN"], accounts.iter().map(row));
}

fn tell_workspaces(workspaces: &[Workspace]) {
    let row = |workspace: &Workspace| {
        let owners = if workspace.has_active_owner {
            workspace.owners.join(", ")
        } else {
            "none is active: stoa admin owner".to_owned()
        };
        [
            workspace.slug.clone(),
            workspace.name.clone(),
            owners,
            workspace.members.to_string(),
            workspace.projects.to_string(),
            workspace.servers.to_string(),
            workspace.instances.to_string(),
        ]
    };
    let head = ["SLUG", "NAME", "OWNERS", "MEMBERS", "PROJECTS", "SERVERS", "INSTANCES"];
    table(head, workspaces.iter().map(row));
}

fn tell_state(state: &State) {
    say(&format!("Stoa {} at {}", state.version, state.public_url));
    say(&format!("records  {}, {} KiB", state.database, state.database_size / 1024));
    say(&format!(
        "holds    {}, {}, {}",
        counted(state.accounts, "active account", "active accounts"),
        counted(state.workspaces, "workspace", "workspaces"),
        counted(state.instances, "instance", "instances"),
    ));
    match &state.mail_server {
        None => say("mail     not configured: links are shown to copy"),
        Some(server) => say(&format!("mail     by {server}, {} waiting", state.waiting_mails)),
    }
    if let Some(since) = &state.waiting_since {
        say(&format!("         the oldest since {since}"));
    }
    if let Some(error) = &state.last_mail_error {
        say(&format!("         the mail server said: {}", printable(error)));
    }
    for note in &state.notes {
        say(&format!("note     {note}"));
    }
}

/// What others wrote mustn't command the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Columns as wide as their widest cell, by characters.
fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let rows: Vec<[String; N]> = rows.map(|row| row.map(|cell| printable(&cell))).collect();
    let head = head.map(str::to_owned);
    let mut widths = [0; N];
    for row in std::iter::once(&head).chain(&rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in std::iter::once(&head).chain(&rows) {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
