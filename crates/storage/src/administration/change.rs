//! What administrators change. Each stands in the installation's audit log and in that of every workspace it concerns.

use stoa_domain::{
    AccountId, Actor, AdministratorPermit, Authority, Conflict, MemberId, Refusal, Resource, ResourceKind,
    WorkspaceId,
};

use crate::audit::{NewAuditEvent, Outcome};
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::member::{clear_profile, tell_access};
use crate::server::lock_installation;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;
use crate::writer::lock_workspace;

crate::statements! {
    FIND = "SELECT name, is_admin, status FROM accounts WHERE id = $1 AND status <> 'deleted'";
    OTHER_ADMINISTRATORS = "SELECT COUNT(*) FROM accounts WHERE is_admin AND status = 'active' AND id <> $1";
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

/// Somebody is left who administers the installation, also where two are taken away at once.
async fn keep_an_administrator(tx: &mut Tx<'_>, but: AccountId) -> Result<(), Failure> {
    let others = tx.fetch_one(OTHER_ADMINISTRATORS, values![but]).await?.get::<i64>(0)?;
    if others == 0 { Err(Refusal::Conflict(Conflict::LastAdministrator).into()) } else { Ok(()) }
}

/// Who did it, for the log of the installation: on the machine there is no account to name.
fn detail(system_user: Option<&str>) -> String {
    let Some(user) = system_user else { return "{}".to_owned() };
    // A name of the operating system's; whatever else stood in it mustn't end the text that it stands in.
    let plain: String =
        user.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).take(64).collect();
    format!(r#"{{"system_user":"{plain}"}}"#)
}

/// What the administrator did, in the log of one workspace.
async fn also_in(
    tx: &mut Tx<'_>,
    permit: &Acting,
    workspace: WorkspaceId,
    member: MemberId,
    action: &str,
    name: &str,
) -> Result<(), StorageFault> {
    let event = NewAuditEvent {
        workspace,
        // Where administrators sit is nothing to the workspace.
        actor: permit.actor.clone().map(|actor| Actor { address: None, ..actor }),
        via: permit.via,
        action: action.to_owned(),
        resource: Some(Resource { kind: ResourceKind::Member, id: member.uuid() }),
        resource_name: Some(name.to_owned()),
        second_name: None,
        outcome: Outcome::Done,
        repeated: 1,
        detail: permit.detail.clone(),
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
}

impl Store {
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
        let acting = Acting::of(&permit);
        let work: Work<()> = Box::new(move |tx| {
            let acting = acting.clone();
            Box::pin(async move {
                lock_installation(tx).await?;
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
                    also_in(tx, &acting, workspace, member, action, &found.name).await?;
                }
                tx.audit_action(action);
                tx.audit_resource(ResourceKind::Account, account.uuid(), found.name);
                tx.audit_detail(acting.detail);
                Ok(())
            })
        });
        self.write(permit, work).await
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
        let acting = Acting::of(&permit);
        let work: Work<()> = Box::new(move |tx| {
            let acting = acting.clone();
            Box::pin(async move {
                lock_installation(tx).await?;
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
                tx.audit_action(if is_admin {
                    "account.make_administrator"
                } else {
                    "account.unmake_administrator"
                });
                tx.audit_resource(ResourceKind::Account, account.uuid(), found.name);
                tx.audit_detail(acting.detail);
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Sets an account's password and ends all of its sessions, and every link that would set another one.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn reset_password(
        &self,
        permit: AdministratorPermit,
        account: AccountId,
        hash: String,
    ) -> Result<(), Failure> {
        let acting = Acting::of(&permit);
        let work: Work<()> = Box::new(move |tx| {
            let (acting, hash) = (acting.clone(), hash.clone());
            Box::pin(async move {
                let found = find(tx, account).await?;
                tx.execute(SET_PASSWORD, values![account, hash]).await?;
                for statement in [END_SESSIONS, END_MAILED_LINKS] {
                    tx.execute(statement, values![account]).await?;
                }
                tx.touched.accounts.push(account);
                tx.audit_resource(ResourceKind::Account, account.uuid(), found.name);
                tx.audit_detail(acting.detail);
                Ok(())
            })
        });
        self.write(permit, work).await
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
        let acting = Acting::of(&permit);
        let work: Work<()> = Box::new(move |tx| {
            let acting = acting.clone();
            Box::pin(async move {
                // Two administrators at once take turns.
                lock_workspace(tx, workspace).await?;
                let row =
                    tx.fetch_optional(WORKSPACE_NAME, values![workspace]).await?.ok_or(Refusal::NotFound)?;
                let workspace_name = row.get::<String>(0)?;
                if tx.fetch_one(ACTIVE_OWNERS, values![workspace]).await?.get::<i64>(0)? > 0 {
                    return Err(Refusal::Conflict(Conflict::HasOwner).into());
                }
                let named = match find(tx, account).await {
                    Ok(named) if named.is_active => named,
                    Ok(_) => {
                        let sentence = "This account is disabled. Enable it first, or name another.";
                        return Err(Refusal::invalid("account", "disabled", sentence).into());
                    }
                    Err(Failure::Refused(Refusal::NotFound)) => {
                        return Err(
                            Refusal::invalid("account", "unknown", "There is no such account.").into()
                        );
                    }
                    Err(failure) => return Err(failure),
                };
                let now = tx.now();
                let member = match tx.fetch_optional(MEMBER, values![workspace, account]).await? {
                    Some(row) => {
                        let known: MemberId = row.get(0)?;
                        tx.execute(MAKE_OWNER, values![workspace, known]).await?;
                        clear_profile(tx, workspace, known).await?;
                        tell_access(tx, workspace, known, account).await?;
                        known
                    }
                    None => {
                        tx.execute(ADD_OWNER, values![member, workspace, account, now]).await?;
                        tx.touched.members.push((workspace, account));
                        tx.tell(workspace, EventType::Created, ResourceKind::Member, member.uuid()).await?;
                        member
                    }
                };
                also_in(tx, &acting, workspace, member, "workspace.name_owner", &named.name).await?;
                tx.audit_resource(ResourceKind::Workspace, workspace.uuid(), workspace_name);
                tx.audit_second(named.name);
                tx.audit_detail(acting.detail);
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}
