//! Connect as: an instance opened as one of the application's own users. The application says who its users are and opens
//! the session; its cookies stay here, sealed, and the browser has a host of its own for it.

pub mod jar;
mod keep;
mod open;
mod visit;

use stoa_domain::connect_as::{ConnectRefusal, LONGEST_USER, TICKET_SECONDS, label, parse_reason};
use stoa_domain::instance::{InstanceStatus, State};
use stoa_domain::permission::connect_as as may;
use stoa_domain::{
    Action, Conflict, ConnectSessionId, FieldProblem, InstanceId, Permission, Permit, Refusal, Secret,
    Timestamp,
};
use stoa_storage::attempt::Limit;
use stoa_storage::connect_as::{NamedUser, NewTicket};

pub use open::Opened;
pub use stoa_storage::connect_as::SessionRecord;
pub(crate) use visit::CookieTurns;
pub use visit::{Arrived, Connected};

use crate::abilities::Caller;
use crate::ports::{AppUser, ConnectAnswer, ConnectWish};
use crate::{App, Failure};

/// Users of one answer.
const MOST_USERS: usize = 50;

/// Each asks the application in a sandbox of its own.
const LISTS: Limit = Limit { count: 120, seconds: 60 };
const ASKED: Limit = Limit { count: 30, seconds: 60 };

/// Seconds after which a machine that has its hands full may have one free.
const BUSY_SECONDS: i64 = 5;

/// A link, shown once.
pub struct NewLink {
    pub id: ConnectSessionId,
    pub url: Secret,
    pub expires_at: Timestamp,
}

/// A session that goes on, as the caller sees it.
#[derive(Debug, Clone)]
pub struct SeenSession {
    pub record: SessionRecord,
    pub is_own: bool,
    /// Its own host: only to whoever's browser is known there.
    pub url: Option<String>,
}

/// Whether one can connect to it now. `way`: how the release that runs says so, or `none`; `None` where that isn't known,
/// and its machine is asked.
pub(crate) fn can_connect(state: State, way: Option<&str>) -> Result<(), Refusal> {
    if state.is_being_deleted {
        return Err(Refusal::Conflict(Conflict::BeingDeleted));
    }
    if state.lacks_its_data {
        return Err(Refusal::Conflict(Conflict::AwaitsBackup));
    }
    if !state.has_release {
        return Err(Refusal::Conflict(Conflict::NothingDeployed));
    }
    if way == Some("none") {
        return Err(Refusal::ConnectAs(ConnectRefusal::NoWay));
    }
    // While it is deployed, the release before goes on.
    match state.status {
        InstanceStatus::Running | InstanceStatus::Deploying => Ok(()),
        _ => Err(Refusal::Conflict(Conflict::NotRunning)),
    }
}

fn user_problem(code: &'static str, detail: &str) -> Refusal {
    Refusal::Invalid(vec![FieldProblem::new("user", code, detail)])
}

impl App {
    /// The application's users that fit a text, as it lists them.
    ///
    /// # Errors
    /// `Conflict` or `ConnectAs` where it can't be asked, `TooManyRequests`, or a fault.
    pub async fn list_application_users(
        &self,
        permit: Permit<may::ListUsers>,
        query: String,
    ) -> Result<Vec<AppUser>, Failure> {
        let (caller, instance) = (Caller::of(&permit), *permit.target());
        self.needs_way(&caller, instance).await?;
        self.count_connecting("list", &permit, LISTS).await?;
        let query: String = query.chars().filter(|letter| !letter.is_control()).take(LONGEST_USER).collect();
        self.users(&caller, instance, query, MOST_USERS).await
    }

    /// Makes the link by which the same account connects, once and within a minute.
    ///
    /// # Errors
    /// `Invalid`, `Conflict` or `ConnectAs` where it can't be asked, `TooManyRequests`, or a fault.
    pub async fn ask_to_connect(
        &self,
        permit: Permit<may::Ask>,
        user: String,
        reason: &str,
    ) -> Result<NewLink, Failure> {
        let (caller, instance) = (Caller::of(&permit), *permit.target());
        let reason = parse_reason(reason).map_err(|detail| Refusal::invalid("reason", "invalid", detail))?;
        let length = user.chars().count();
        if !(1..=LONGEST_USER).contains(&length) || user.chars().any(char::is_control) {
            return Err(user_problem("invalid", "This isn't the id of a user, as the list has it.").into());
        }
        self.needs_way(&caller, instance).await?;
        self.count_connecting("ask", &permit, ASKED).await?;
        let user = self.named_user(&caller, instance, user).await?;
        let secret = self.new_secret("");
        let mut random = [0; 16];
        self.outside().rng.fill(&mut random);
        let expires_at = self.store().now().plus_seconds(TICKET_SECONDS);
        let id = ConnectSessionId::new(self.new_uuid());
        let new = NewTicket { id, ticket_hash: secret.hash, label: label(random), user, reason, expires_at };
        self.store().ask_to_connect(permit, new).await?;
        let text = secret.text.reveal_text().unwrap_or_default();
        let url = Secret::from_text(format!("{}/connect/{text}", self.settings().public_url));
        Ok(NewLink { id, url, expires_at })
    }

    /// Those that go on: one's own, to an owner all.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_connect_sessions(
        &self,
        permit: Permit<may::ListSessions>,
    ) -> Result<Vec<SeenSession>, Failure> {
        let own = permit.account();
        let sessions = self.store().list_connect_sessions(&permit).await?;
        let seen = |record: SessionRecord| {
            let is_own = record.account == own;
            let url = is_own.then(|| self.settings().url_of(&self.connect_host(&record.label)));
            SeenSession { is_own, url, record }
        };
        Ok(sessions.into_iter().map(seen).collect())
    }

    /// Ends one at once; the application is told right after.
    ///
    /// # Errors
    /// `NotFound`, also for another's.
    pub async fn end_connect_session(&self, permit: Permit<may::End>, id: &str) -> Result<(), Failure> {
        let id = id.parse::<ConnectSessionId>().map_err(|_| Refusal::NotFound)?;
        Ok(self.store().end_connect_session(permit, id).await?)
    }

    /// The host of a session.
    pub(crate) fn connect_host(&self, label: &str) -> String {
        format!("{label}.{}", self.settings().instance_domain)
    }

    async fn needs_way(&self, caller: &Caller, instance: InstanceId) -> Result<(), Failure> {
        let (sees_everything, member) = (caller.sees_everything, caller.member);
        let record = self.store().load_instance(caller.workspace, instance, sees_everything, member).await?;
        Ok(can_connect(record.state, record.connect_as.as_deref())?)
    }

    async fn count_connecting<P: Permission>(
        &self,
        what: &str,
        permit: &Permit<P>,
        limit: Limit,
    ) -> Result<(), Failure> {
        let bucket = format!("connect:{what}:{}", permit.actor().account);
        match self.store().count_attempt(bucket, limit).await? {
            Some(retry_after) => Err(Refusal::TooManyRequests { retry_after }.into()),
            None => Ok(()),
        }
    }

    async fn users(
        &self,
        caller: &Caller,
        instance: InstanceId,
        query: String,
        limit: usize,
    ) -> Result<Vec<AppUser>, Failure> {
        match self.ask_application(caller, instance, ConnectWish::List { query, limit }).await? {
            ConnectAnswer::Users(users) => Ok(users),
            _ => Err(crate::Fault::new("a list of users was asked for, and something else answered").into()),
        }
    }

    /// The user as the application names it now: it is asked for the id, and for its first users. One that isn't among
    /// those is named by the id, and whether there is such a user is for `open` to say.
    async fn named_user(
        &self,
        caller: &Caller,
        instance: InstanceId,
        id: String,
    ) -> Result<NamedUser, Failure> {
        let is_it = |user: &AppUser| user.id == id;
        let mut found = self.users(caller, instance, id.clone(), MOST_USERS).await?.into_iter().find(is_it);
        if found.is_none() {
            // An application needn't look for what is asked in its ids: then it is looked for among the first.
            found = self.users(caller, instance, String::new(), MOST_USERS).await?.into_iter().find(is_it);
        }
        match found {
            Some(user) if !user.active => {
                Err(user_problem("inactive", "This user is switched off in the application.").into())
            }
            Some(user) => Ok(NamedUser { id, login: user.login, name: user.name }),
            None => Ok(NamedUser { login: id.clone(), name: id.clone(), id }),
        }
    }

    /// Has the machine ask the application, and makes of what isn't an answer a refusal for this caller.
    pub(crate) async fn ask_application(
        &self,
        caller: &Caller,
        instance: InstanceId,
        wish: ConnectWish,
    ) -> Result<ConnectAnswer, Failure> {
        let refusal = match self.machine_of(instance).await?.machine.connect_as(instance, wish).await? {
            ConnectAnswer::NotPossible(sentence) => ConnectRefusal::NotPossible(sentence),
            ConnectAnswer::Failed { sentence, quote } => {
                // What an application writes is a log's.
                let quote = quote.filter(|_| caller.has(Action::ViewLogs));
                ConnectRefusal::Failed { sentence, quote }
            }
            ConnectAnswer::Busy => {
                return Err(Refusal::TooManyRequests { retry_after: BUSY_SECONDS }.into());
            }
            ConnectAnswer::NoSandbox(reason) => return Err(Refusal::NoSandbox(reason).into()),
            answer => return Ok(answer),
        };
        Err(Refusal::ConnectAs(refusal).into())
    }
}
