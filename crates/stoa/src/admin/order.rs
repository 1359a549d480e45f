//! What `stoa admin` asks, what it is answered, and how that is carried out.

use serde::{Deserialize, Serialize};
use stoa_app::administration::{AdministeredWorkspace, InstallationState, SeenAccount};
use stoa_app::{App, Failure};
use stoa_domain::{AccountId, AdministratorPermit, Refusal, WorkspaceId};
use stoa_http::routes::{exported, time};

/// Rows asked for at once.
const CHUNK: i64 = 200;

/// An account is named by its address or its id, a workspace by its slug or its id.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    Accounts {
        search: Option<String>,
    },
    Account {
        account: String,
    },
    Workspaces {
        search: Option<String>,
    },
    State,
    /// The next of the installation's log, before the one with this number.
    Audit {
        before: Option<i64>,
    },
    SetStatus {
        account: String,
        active: bool,
    },
    NameOwner {
        workspace: String,
        account: String,
    },
    /// A PHC string.
    SetPassword {
        account: String,
        hash: String,
    },
    RemoveSecondFactor {
        account: String,
    },
    SetAdministrator {
        account: String,
        is_admin: bool,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Accounts(Vec<Account>),
    Account(Account),
    Workspaces(Vec<Workspace>),
    Workspace(Workspace),
    State(State),
    /// As an export has them, newest first. None are left where there are none.
    Audit(Vec<serde_json::Value>),
    PasswordSet(Account),
    SecondFactorRemoved(Account),
}

#[derive(Serialize, Deserialize)]
pub struct Account {
    pub id: String,
    pub name: String,
    pub email: String,
    pub email_verified: bool,
    pub is_admin: bool,
    pub status: String,
    pub workspaces: i64,
    /// Slugs.
    pub last_owner_of: Vec<String>,
    pub last_seen_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub struct Workspace {
    pub id: String,
    pub slug: String,
    pub name: String,
    /// Addresses of those who are active.
    pub owners: Vec<String>,
    pub has_active_owner: bool,
    pub members: i64,
    pub projects: i64,
    pub servers: i64,
    pub instances: i64,
}

#[derive(Serialize, Deserialize)]
pub struct State {
    pub version: String,
    pub public_url: String,
    pub database: String,
    /// Bytes.
    pub database_size: i64,
    pub mail_server: Option<String>,
    pub waiting_mails: i64,
    pub waiting_since: Option<String>,
    pub last_mail_error: Option<String>,
    pub accounts: i64,
    pub workspaces: i64,
    pub instances: i64,
    pub notes: Vec<String>,
}

impl Account {
    fn of(SeenAccount { account, last_owner_of }: SeenAccount) -> Self {
        Self {
            id: account.id.to_string(),
            name: account.name,
            email: account.email,
            email_verified: account.email_verified,
            is_admin: account.is_admin,
            status: if account.is_active { "active" } else { "disabled" }.to_owned(),
            workspaces: account.workspaces,
            last_owner_of: last_owner_of.into_iter().map(|workspace| workspace.slug).collect(),
            last_seen_at: account.last_seen_at.map(time),
        }
    }
}

impl Workspace {
    fn of(found: AdministeredWorkspace) -> Self {
        let owners: Vec<String> =
            found.owners.into_iter().filter(|owner| owner.is_active).map(|owner| owner.email).collect();
        Self {
            id: found.id.to_string(),
            slug: found.slug,
            name: found.name,
            has_active_owner: !owners.is_empty(),
            owners,
            members: found.members,
            projects: found.projects,
            servers: found.servers,
            instances: found.instances,
        }
    }
}

impl State {
    fn of(state: InstallationState) -> Self {
        let records = state.records;
        Self {
            version: state.version.to_owned(),
            public_url: state.public_url,
            database: if state.is_sqlite { "sqlite" } else { "postgresql" }.to_owned(),
            database_size: records.database_size,
            mail_server: state.mail_route.map(|route| route.server),
            waiting_mails: records.waiting_mails,
            waiting_since: records.waiting_since.map(time),
            last_mail_error: records.mail_trouble.map(|trouble| trouble.error),
            accounts: records.accounts,
            workspaces: records.workspaces,
            instances: records.instances,
            notes: state.notes.into_iter().map(|note| note.detail).collect(),
        }
    }
}

/// Does it, as `user` of the operating system's. A refusal is a sentence for whoever sits before the terminal.
///
/// # Errors
/// The sentence.
pub async fn carry_out(app: &App, order: Order, user: &str) -> Result<Answer, String> {
    try_to(app, order, user).await.map_err(|failure| stoa_http::problem::tell_failure(&failure).detail)
}

async fn try_to(app: &App, order: Order, user: &str) -> Result<Answer, Failure> {
    let permit = |operation| AdministratorPermit::on_the_machine(operation, user.to_owned());
    Ok(match order {
        Order::Accounts { search } => {
            Answer::Accounts(accounts(app, &permit("administration.list"), search).await?)
        }
        Order::Workspaces { search } => {
            Answer::Workspaces(workspaces(app, &permit("administration.list"), search).await?)
        }
        Order::State => {
            Answer::State(State::of(app.view_installation(&permit("administration.view")).await?))
        }
        Order::Audit { before } => {
            let permit = permit("administration.read_audit");
            let records = app.list_installation_audit(&permit, before, CHUNK).await?;
            let lines = records.into_iter().map(|record| exported(record, WorkspaceId::INSTALLATION));
            Answer::Audit(lines.collect::<Result<_, _>>().map_err(stoa_app::Fault::new)?)
        }
        Order::Account { account } => {
            let id = account_id(app, &account).await?;
            let seen = app.view_administered_account(&permit("administration.view"), id).await;
            Answer::Account(Account::of(seen.map_err(|failure| unknown(failure, "account", &account))?))
        }
        Order::SetStatus { account, active } => {
            let id = account_id(app, &account).await?;
            let changed = app.set_account_status(permit("account.change_status"), id, active).await;
            Answer::Account(Account::of(changed.map_err(|failure| unknown(failure, "account", &account))?))
        }
        Order::SetAdministrator { account, is_admin } => {
            let id = account_id(app, &account).await?;
            let changed = app.set_administrator(permit("account.change_administrator"), id, is_admin).await;
            Answer::Account(Account::of(changed.map_err(|failure| unknown(failure, "account", &account))?))
        }
        Order::SetPassword { account, hash } => {
            let id = account_id(app, &account).await?;
            let changed = app.reset_password(permit("account.reset_password"), id, hash).await;
            Answer::PasswordSet(Account::of(
                changed.map_err(|failure| unknown(failure, "account", &account))?,
            ))
        }
        Order::RemoveSecondFactor { account } => {
            let id = account_id(app, &account).await?;
            let changed = app.remove_second_factor(permit("account.remove_second_factor"), id).await;
            Answer::SecondFactorRemoved(Account::of(
                changed.map_err(|failure| unknown(failure, "account", &account))?,
            ))
        }
        Order::NameOwner { workspace, account } => {
            let id = account_id(app, &account).await?;
            let changed = app.name_owner(permit("workspace.name_owner"), &workspace, id).await;
            Answer::Workspace(Workspace::of(
                changed.map_err(|failure| unknown(failure, "workspace", &workspace))?,
            ))
        }
    })
}

async fn account_id(app: &App, word: &str) -> Result<AccountId, Failure> {
    app.find_named_account(word).await.map_err(|failure| unknown(failure, "account", word))
}

/// On the machine nothing is hidden: what isn't there is said to be what it is.
fn unknown(failure: Failure, kind: &str, word: &str) -> Failure {
    match failure {
        Failure::Refused(Refusal::NotFound) => {
            Refusal::invalid(kind, "unknown", format!("There is no {kind} {word}. See stoa admin {kind}s."))
                .into()
        }
        other => other,
    }
}

async fn accounts(
    app: &App,
    permit: &AdministratorPermit,
    search: Option<String>,
) -> Result<Vec<Account>, Failure> {
    let (mut name, mut id, mut found) = (String::new(), AccountId::new(uuid::Uuid::nil()), Vec::new());
    loop {
        let page = app.list_administered_accounts(permit, (&name, id), search.as_deref(), CHUNK).await?;
        let Some(last) = page.last() else { return Ok(found) };
        (name, id) = (last.account.name.clone(), last.account.id);
        found.extend(page.into_iter().map(Account::of));
    }
}

async fn workspaces(
    app: &App,
    permit: &AdministratorPermit,
    search: Option<String>,
) -> Result<Vec<Workspace>, Failure> {
    let (mut name, mut id, mut found) = (String::new(), WorkspaceId::INSTALLATION, Vec::new());
    loop {
        let page = app.list_administered_workspaces(permit, (&name, id), search.as_deref(), CHUNK).await?;
        let Some(last) = page.last() else { return Ok(found) };
        (name, id) = (last.name.clone(), last.id);
        found.extend(page.into_iter().map(Workspace::of));
    }
}
