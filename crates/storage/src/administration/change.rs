//! What administrators change. Each stands in the installation's audit log and in that of every workspace it concerns.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use stoa_domain::{
    AccountId, Actor, AdministratorPermit, Authority, Conflict, MemberId, Refusal, Resource, ResourceKind,
    WorkspaceId,
};

use crate::account::{self, Ending, keep_an_administrator};
use crate::audit::{NewAuditEvent, Outcome};
use crate::detail::Detail;
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::mail::{self, NewMail};
use crate::member::{clear_profile, tell_access};
use crate::second_factor;
use crate::server::lock_installation;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;
use crate::writer::{ACCOUNT_REVISION, lock_workspace};

crate::statements! {
    FIND = "SELECT name, is_admin, status FROM accounts WHERE id = $1 AND status <> 'deleted'";
    SET_STATUS = "UPDATE accounts SET status = $2, revision = revision + 1 WHERE id = $1";
    SET_ADMINISTRATOR = "UPDATE accounts SET is_admin = $2, revision = revision + 1 WHERE id = $1";
    SET_PASSWORD = "UPDATE accounts SET password_hash = $2, revision = revision + 1 WHERE id = $1";
    END_SESSIONS = "DELETE FROM sessions WHERE account_id = $1";
    END_TOKENS = "DELETE FROM tokens WHERE account_id = $1";
    END_MAILED_LINKS = "DELETE FROM mailed_links WHERE account_id = $1";
    MEMBERSHIPS = "SELECT workspace_id, id FROM members WHERE account_id = $1 ORDER BY workspace_id";
    WORKSPACE_NAME = "SELECT name FROM workspaces WHERE id = $1";
    ACTIVE_OWNERS = "SELECT COUNT(*) FROM members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 AND m.role = 'owner' AND a.status = 'active'";
    MEMBER = "SELECT id FROM members WHERE workspace_id = $1 AND account_id = $2";
    MAKE_OWNER = "UPDATE members SET role = 'owner', access_revision = access_revision + 1
        WHERE workspace_id = $1 AND id = $2";
    ADD_OWNER = "INSERT INTO members (id, workspace_id, account_id, role, access_revision, joined_at)
        VALUES ($1, $2, $3, 'owner', 1, $4)";
}

struct Found {
    name: String,
    is_admin: bool,
    is_active: bool,
}

async fn find(tx: &mut Tx<'_>, account: AccountId) -> Result<Found, Failure> {
    let row = tx.fetch_optional(FIND, values![account]).await?.ok_or(Refusal::NotFound)?;
    Ok(Found { name: row.get(0)?, is_admin: row.get(1)?, is_active: row.get::<String>(2)? == "active" })
}

/// Who did it, for the log of the installation: on the machine there is no account to name.
fn detail(system_user: Option<&str>) -> String {
    system_user.map_or(Detail::default(), |user| Detail::default().text("system_user", user)).finish()
}

/// What the administrator did, in the log of one workspace.
async fn also_in(
    tx: &mut Tx<'_>,
    acting: &Acting,
    workspace: WorkspaceId,
    member: MemberId,
    action: &str,
    name: &str,
) -> Result<(), StorageFault> {
    let event = NewAuditEvent {
        workspace,
        // Where administrators sit is nothing to the workspace.
        actor: acting.actor.clone().map(|actor| Actor { address: None, ..actor }),
        via: acting.via,
        action: action.to_owned(),
        resource: Some(Resource { kind: ResourceKind::Member, id: member.uuid() }),
        resource_name: Some(name.to_owned()),
        second_name: None,
        outcome: Outcome::Done,
        repeated: 1,
        detail: acting.detail.clone(),
    };
    tx.audit_also(&event).await
}

/// Who acts, kept for the events that the write adds beside its own.
#[derive(Clone)]
struct Acting {
    actor: Option<Actor>,
    via: stoa_domain::Via,
    detail: String,
}

impl Acting {
    fn of(permit: &AdministratorPermit) -> Self {
        Self { actor: permit.actor().cloned(), via: permit.via(), detail: detail(permit.system_user()) }
    }

    fn ending(&self, account: AccountId, because: &'static str) -> Ending {
        Ending { account, actor: self.actor.clone(), via: self.via, because }
    }
}

async fn set_status(
    tx: &mut Tx<'_>,
    acting: &Acting,
    account: AccountId,
    active: bool,
) -> Result<(), Failure> {
    let found = find(tx, account).await?;
    if found.is_active == active {
        tx.audit_nothing();
        return Ok(());
    }
    if found.is_admin && !active {
        keep_an_administrator(tx, account).await?;
    }
    let (status, action) =
        if active { ("active", "account.enable") } else { ("disabled", "account.disable") };
    tx.execute(SET_STATUS, values![account, status]).await?;
    if !active {
        for statement in [END_SESSIONS, END_TOKENS, END_MAILED_LINKS] {
            tx.execute(statement, values![account]).await?;
        }
    }
    tx.touched.accounts.push(account);
    for row in tx.fetch_all(MEMBERSHIPS, values![account]).await? {
        let (workspace, member): (WorkspaceId, MemberId) = (row.get(0)?, row.get(1)?);
        tx.touched.members.push((workspace, account));
        tx.tell(workspace, EventType::Changed, ResourceKind::Member, member.uuid()).await?;
        also_in(tx, acting, workspace, member, action, &found.name).await?;
    }
    tx.audit_action(action);
    tx.audit_resource(ResourceKind::Account, account.uuid(), found.name);
    Ok(())
}

async fn set_administrator(tx: &mut Tx<'_>, account: AccountId, is_admin: bool) -> Result<(), Failure> {
    let found = find(tx, account).await?;
    if found.is_admin == is_admin {
        tx.audit_nothing();
        return Ok(());
    }
    if !is_admin {
        keep_an_administrator(tx, account).await?;
    }
    tx.execute(SET_ADMINISTRATOR, values![account, is_admin]).await?;
    tx.touched.accounts.push(account);
    tx.audit_action(if is_admin { "account.make_administrator" } else { "account.unmake_administrator" });
    tx.audit_resource(ResourceKind::Account, account.uuid(), found.name);
    Ok(())
}

async fn set_password(
    tx: &mut Tx<'_>,
    acting: &Acting,
    account: AccountId,
    hash: String,
) -> Result<(), Failure> {
    let found = find(tx, account).await?;
    tx.execute(SET_PASSWORD, values![account, hash]).await?;
    for statement in [END_SESSIONS, END_MAILED_LINKS] {
        tx.execute(statement, values![account]).await?;
    }
    tx.touched.accounts.push(account);
    acting.ending(account, "password_reset").tokens(tx).await?;
    tx.audit_resource(ResourceKind::Account, account.uuid(), found.name);
    Ok(())
}

async fn remove_second_factor(
    tx: &mut Tx<'_>,
    acting: &Acting,
    account: AccountId,
    notice: Option<NewMail>,
) -> Result<(), Failure> {
    let found = find(tx, account).await?;
    if !second_factor::has_any(tx, account).await? {
        let sentence = format!("{} has no second factor. There is nothing to remove.", found.name);
        return Err(Refusal::invalid("account", "no_second_factor", sentence).into());
    }
    acting.ending(account, "removed_by_an_administrator").second_factors(tx).await?;
    account::end_sessions(tx, account).await?;
    if let Some(notice) = notice {
        mail::queue_for_account(tx, account, None, notice).await?;
    }
    tx.audit_resource(ResourceKind::Account, account.uuid(), found.name);
    Ok(())
}

/// The account, where it can be an owner.
async fn find_named(tx: &mut Tx<'_>, account: AccountId) -> Result<Found, Failure> {
    match find(tx, account).await {
        Ok(named) if named.is_active => Ok(named),
        Ok(_) => {
            let sentence = "This account is disabled. Enable it first, or name another.";
            Err(Refusal::invalid("account", "disabled", sentence).into())
        }
        Err(Failure::Refused(Refusal::NotFound)) => {
            Err(Refusal::invalid("account", "unknown", "There is no such account.").into())
        }
        Err(failure) => Err(failure),
    }
}

async fn make_owner(
    tx: &mut Tx<'_>,
    acting: &Acting,
    workspace: WorkspaceId,
    account: AccountId,
    new: MemberId,
) -> Result<(), Failure> {
    // Whoever deletes the account waits, or is waited for; before the workspace, as they do.
    tx.fetch_optional(ACCOUNT_REVISION, values![account]).await?;
    // Its owners take turns too.
    lock_workspace(tx, workspace).await?;
    let row = tx.fetch_optional(WORKSPACE_NAME, values![workspace]).await?.ok_or(Refusal::NotFound)?;
    let workspace_name = row.get::<String>(0)?;
    if tx.fetch_one(ACTIVE_OWNERS, values![workspace]).await?.get::<i64>(0)? > 0 {
        return Err(Refusal::Conflict(Conflict::HasOwner).into());
    }
    let named = find_named(tx, account).await?;
    let now = tx.now();
    let member = match tx.fetch_optional(MEMBER, values![workspace, account]).await? {
        Some(row) => {
            let known: MemberId = row.get(0)?;
            tx.execute(MAKE_OWNER, values![workspace, known]).await?;
            clear_profile(tx, workspace, known).await?;
            tell_access(tx, workspace, known, account).await?;
            tx.tell(workspace, EventType::Changed, ResourceKind::Member, known.uuid()).await?;
            known
        }
        None => {
            tx.execute(ADD_OWNER, values![new, workspace, account, now]).await?;
            tx.touched.members.push((workspace, account));
            tx.tell(workspace, EventType::Created, ResourceKind::Member, new.uuid()).await?;
            new
        }
    };
    also_in(tx, acting, workspace, member, "workspace.name_owner", &named.name).await?;
    tx.audit_resource(ResourceKind::Workspace, workspace.uuid(), workspace_name);
    tx.audit_second(named.name);
    Ok(())
}

impl Store {
    /// A write of an administrator's: one after the other, and the log says who it was.
    async fn administer<W>(&self, permit: AdministratorPermit, work: W) -> Result<(), Failure>
    where
        W: for<'t, 'c> Fn(&'t mut Tx<'c>, Acting) -> BoxFuture<'t, Result<(), Failure>>
            + Send
            + Sync
            + 'static,
    {
        let (acting, work) = (Acting::of(&permit), Arc::new(work));
        let work: Work<()> = Box::new(move |tx| {
            let (acting, work) = (acting.clone(), work.clone());
            Box::pin(async move {
                lock_installation(tx).await?;
                tx.audit_detail(acting.detail.clone());
                work(tx, acting).await
            })
        });
        self.write(permit, work).await
    }

    /// Disables or enables an account. Disabling ends its sessions and tokens, and with them what it has open.
    ///
    /// # Errors
    /// `NotFound`; `LastAdministrator`.
    pub async fn set_account_status(
        &self,
        permit: AdministratorPermit,
        account: AccountId,
        active: bool,
    ) -> Result<(), Failure> {
        self.administer(permit, move |tx, acting| {
            Box::pin(async move { set_status(tx, &acting, account, active).await })
        })
        .await
    }

    /// Makes an account an administrator, or a plain account again.
    ///
    /// # Errors
    /// `NotFound`; `LastAdministrator`.
    pub async fn set_administrator(
        &self,
        permit: AdministratorPermit,
        account: AccountId,
        is_admin: bool,
    ) -> Result<(), Failure> {
        self.administer(permit, move |tx, _| Box::pin(set_administrator(tx, account, is_admin))).await
    }

    /// Sets an account's password and ends all of its sessions and access tokens, and every link that would set another
    /// one.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn reset_password(
        &self,
        permit: AdministratorPermit,
        account: AccountId,
        hash: String,
    ) -> Result<(), Failure> {
        self.administer(permit, move |tx, acting| {
            let hash = hash.clone();
            Box::pin(async move { set_password(tx, &acting, account, hash).await })
        })
        .await
    }

    /// Removes an account's authenticator, passkeys and recovery codes, and signs it out everywhere: for whoever lost
    /// them.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` where there is nothing to remove.
    pub async fn remove_second_factor(
        &self,
        permit: AdministratorPermit,
        account: AccountId,
        notice: Option<NewMail>,
    ) -> Result<(), Failure> {
        self.administer(permit, move |tx, acting| {
            let notice = notice.clone();
            Box::pin(async move { remove_second_factor(tx, &acting, account, notice).await })
        })
        .await
    }

    /// Names an owner for a workspace that has none who is active. `member` is taken where the account isn't in it yet.
    ///
    /// # Errors
    /// `NotFound` without the workspace; `Invalid` for an account that isn't there or isn't active; `HasOwner`.
    pub async fn name_owner(
        &self,
        permit: AdministratorPermit,
        workspace: WorkspaceId,
        account: AccountId,
        member: MemberId,
    ) -> Result<(), Failure> {
        self.administer(permit, move |tx, acting| {
            Box::pin(async move { make_owner(tx, &acting, workspace, account, member).await })
        })
        .await
    }
}
