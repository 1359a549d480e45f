//! `stoa admin`: on the machine what administrators do on the page, whether Stoa runs or not.
//!
//! Where it runs it is asked over a socket in its data directory; else this process takes the directory and does the
//! same itself. Either way the same use-cases do it, and the audit log says that it was a command.

mod order;
mod password;
mod socket;
mod tell;

use std::io;
use std::os::unix::fs::MetadataExt as _;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::failure::Ended;
use crate::serve;
use crate::settings::{self, Settings};
use order::{Answer, Order};

pub use socket::listen;

/// What is asked, and how the answer is shown.
pub struct Wish {
    order: Order,
    as_json: bool,
    /// Disabling the last active owner of a workspace is meant.
    even_last_owner: bool,
    /// Events of the audit log, all where there is none.
    most: Option<u64>,
}

pub fn command() -> Command {
    let named = |name: &'static str, help: &'static str| Arg::new(name).required(true).help(help);
    let account = || named("account", "Its e-mail address or its id");
    let search = || Arg::new("search").long("search").value_name("TEXT").help("Only those that match");
    let sub = |name: &'static str, about: &'static str| {
        settings::with_flags_below(Command::new(name))
            .about(about)
            .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Prints JSON, for scripts"))
    };
    Command::new("admin")
        .about("Administers the installation on its machine, whether Stoa runs or not")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(sub("accounts", "Lists every account").arg(search()))
        .subcommand(sub("workspaces", "Lists every workspace: its owners and its size").arg(search()))
        .subcommand(sub("state", "Says how mail and storage stand"))
        .subcommand(
            sub("audit", "Prints the installation's audit log, newest first")
                .about("Prints the installation's own audit log, newest first: signing in, accounts, administration. With --json it is an export for stoa audit verify, a line each")
                .arg(
                    Arg::new("limit")
                        .long("limit")
                        .value_name("COUNT")
                        .value_parser(clap::value_parser!(u64).range(1..))
                        .help("Only so many"),
                ),
        )
        .subcommand(
            sub("disable", "Disables an account: its sessions and tokens end at once").arg(account()).arg(
                Arg::new("even_last_owner")
                    .long("even-last-owner")
                    .action(ArgAction::SetTrue)
                    .help("Also where a workspace is left without an active owner"),
            ),
        )
        .subcommand(sub("enable", "Lets a disabled account sign in again").arg(account()))
        .subcommand(
            sub("owner", "Names an owner for a workspace that has none who is active")
                .arg(named("workspace", "Its slug or its id"))
                .arg(account()),
        )
        .subcommand(
            sub("reset-password", "Sets an account's password")
                .arg(account())
                .about("Sets an account's password, and ends all of its sessions and access tokens. It is asked for, or read from standard input: one line"),
        )
        .subcommand(
            sub("remove-second-factor", "Removes an account's authenticator, passkeys and recovery codes")
                .arg(account())
                .about("Removes an account's authenticator, passkeys and recovery codes, signs it out everywhere and tells it by mail. Make sure by another way that it is they who ask"),
        )
        .subcommand(sub("make-administrator", "Makes an account an administrator").arg(account()))
        .subcommand(sub("unmake-administrator", "Makes an administrator a plain account").arg(account()))
}

/// Reads the command line. The new password is asked for here, before anything is opened.
///
/// # Errors
/// Where a password can't be read, or isn't good enough.
pub fn wish(name: &str, flags: &ArgMatches) -> Result<Wish, Ended> {
    let text = |name: &str| flags.get_one::<String>(name).cloned().unwrap_or_default();
    let account = || text("account");
    let search = || flags.get_one::<String>("search").cloned();
    let order = match name {
        "accounts" => Order::Accounts { search: search() },
        "workspaces" => Order::Workspaces { search: search() },
        "state" => Order::State,
        "audit" => Order::Audit { before: None },
        "disable" => Order::SetStatus { account: account(), active: false },
        "enable" => Order::SetStatus { account: account(), active: true },
        "owner" => Order::NameOwner { workspace: text("workspace"), account: account() },
        "reset-password" => Order::SetPassword { account: account(), hash: password::ask(&text("account"))? },
        "remove-second-factor" => Order::RemoveSecondFactor { account: account() },
        "make-administrator" => Order::SetAdministrator { account: account(), is_admin: true },
        "unmake-administrator" => Order::SetAdministrator { account: account(), is_admin: false },
        _ => return Err(Ended::said("this isn't a command of stoa admin; see stoa admin --help")),
    };
    let most = (name == "audit").then(|| flags.get_one::<u64>("limit").copied()).flatten();
    let even_last_owner = name == "disable" && flags.get_flag("even_last_owner");
    Ok(Wish { order, as_json: flags.get_flag("json"), even_last_owner, most })
}

/// # Errors
/// Where it is refused, or Stoa can't be asked.
pub async fn admin(settings: Settings, wish: Wish) -> Result<(), Ended> {
    if !settings.data_dir.is_dir() {
        return Err(Ended::said(format!(
            "there is no data directory {}. Name it with --data-dir",
            settings.data_dir.display()
        )));
    }
    match serve::take_lock(&settings) {
        // Held until it is done: no start of Stoa comes between.
        Ok(_lock) => {
            is_owners(&settings)?;
            let (app, store) = serve::open_for_commands(settings).await?;
            let user = socket::user_name(nix::unistd::getuid().as_raw());
            let outcome = carry_out(wish, async |order| Ok(order::carry_out(&app, order, &user).await)).await;
            store.close().await;
            outcome
        }
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            let path = serve::admin_socket(&settings);
            carry_out(wish, async |order| socket::ask(&path, &order).await).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Files that another user made would keep Stoa from starting.
fn is_owners(settings: &Settings) -> Result<(), Ended> {
    let owner = std::fs::metadata(&settings.data_dir)?.uid();
    if owner == nix::unistd::geteuid().as_raw() {
        return Ok(());
    }
    let name = socket::user_name(owner);
    Err(Ended::said(format!(
        "{} belongs to {name}, and Stoa doesn't run. Run this as {name}",
        settings.data_dir.display()
    )))
}

/// Asks, perhaps after a look at what would be left without an owner, and tells the answer.
async fn carry_out(
    wish: Wish,
    ask: impl AsyncFn(Order) -> Result<Result<Answer, String>, Ended>,
) -> Result<(), Ended> {
    let ask = async |order| ask(order).await?.map_err(Ended::said);
    // Asked before: of one that is disabled it isn't known any more.
    let leaves = match &wish.order {
        Order::SetStatus { account, active: false } => {
            match ask(Order::Account { account: account.clone() }).await? {
                Answer::Account(found) if !found.last_owner_of.is_empty() => Some(found),
                _ => None,
            }
        }
        _ => None,
    };
    if let Some(found) = leaves.as_ref().filter(|_| !wish.even_last_owner) {
        let names: Vec<&str> = found.last_owner_of.iter().map(String::as_str).collect();
        return Err(Ended::said(format!(
            "{} is the last active owner of {}: nobody could grant anything there. Repeat with --even-last-owner, \
             and name another with stoa admin owner",
            found.name,
            names.join(", ")
        )));
    }
    let as_json = wish.as_json;
    if let Order::Audit { before } = wish.order {
        return tell_audit(ask, before, wish.most, as_json).await;
    }
    let answer = ask(wish.order).await?;
    tell::tell(&answer, as_json)?;
    if leaves.is_some() && !as_json {
        tell::tell_ownerless();
    }
    Ok(())
}

/// Piece by piece: it may be long.
async fn tell_audit(
    ask: impl AsyncFn(Order) -> Result<Answer, Ended>,
    mut before: Option<i64>,
    most: Option<u64>,
    as_json: bool,
) -> Result<(), Ended> {
    let mut left = most.unwrap_or(u64::MAX);
    while left > 0 {
        let Answer::Audit(events) = ask(Order::Audit { before }).await? else { break };
        if events.is_empty() {
            break;
        }
        before = events.last().and_then(|event| event["seq"].as_i64());
        for event in events.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            tell::tell_event(event, as_json);
        }
        left = left.saturating_sub(events.len() as u64);
    }
    Ok(())
}
