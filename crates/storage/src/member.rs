//! Members: roles, and the rule that there is always an owner.

use stoa_domain::member::Role;
use stoa_domain::name::sorted_as;
use stoa_domain::permission::member::{ChangeRole, Remove};
use stoa_domain::{
    AccountId, Action, Actor, InvitationId, MemberId, Permit, Refusal, Resource, ResourceKind, Timestamp,
    WorkspaceId,
};
use uuid::Uuid;

use crate::audit::{NewAuditEvent, Outcome};
use crate::detail::Detail;
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    OWNER_NAMES = "SELECT a.name FROM members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 AND m.role = 'owner' AND a.status = 'active' ORDER BY a.sorted_as, a.id LIMIT 10";
    LIST = "SELECT m.id, m.account_id, a.name, a.email, a.email_verified_at, m.role, m.joined_at, m.last_seen_at,
            m.access_revision, a.status
        FROM members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 AND (a.sorted_as, m.id) > ($2, $3)
            AND ($4 OR m.role = $5)
            AND ($6 OR m.role = 'owner' OR EXISTS (SELECT 1 FROM member_actions x WHERE x.member_id = m.id
                AND x.action = $7 AND (x.until_at IS NULL OR x.until_at > $8)))
        ORDER BY a.sorted_as, m.id LIMIT $9";
    FIND = "SELECT m.id, m.account_id, a.name, a.email, a.email_verified_at, m.role, m.joined_at, m.last_seen_at,
            m.access_revision, a.status
        FROM members m JOIN accounts a ON a.id = m.account_id WHERE m.workspace_id = $1 AND m.id = $2";
    OTHER_OWNERS = "SELECT COUNT(*) FROM members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 AND m.id <> $2 AND m.role = 'owner' AND a.status = 'active'";
    OWNERS = "SELECT id FROM members WHERE workspace_id = $1 AND role = 'owner' ORDER BY id";
    SET_ROLE = "UPDATE members SET role = $3, access_revision = access_revision + 1 WHERE workspace_id = $1 AND id = $2";
    CLEAR_ACTIONS = "DELETE FROM member_actions WHERE workspace_id = $1 AND member_id = $2";
    CLEAR_PROJECTS = "DELETE FROM member_projects WHERE workspace_id = $1 AND member_id = $2";
    CLEAR_INSTANCES = "DELETE FROM member_instances WHERE workspace_id = $1 AND member_id = $2";
    CLEAR_SERVERS = "DELETE FROM member_servers WHERE workspace_id = $1 AND member_id = $2";
    REMOVE = "DELETE FROM members WHERE workspace_id = $1 AND id = $2";
    REVOKE_THEIRS = "UPDATE invitations SET status = 'revoked', ended_at = $3
        WHERE workspace_id = $1 AND invited_by = $2 AND status = 'pending' RETURNING id, email";
}

#[derive(Debug, Clone)]
pub struct MemberRecord {
    pub id: MemberId,
    pub account: AccountId,
    pub name: String,
    pub email: String,
    pub email_verified: bool,
    /// Whether the account can be signed in to: an administrator may have disabled it.
    pub is_active: bool,
    pub role: Role,
    pub joined_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
    pub revision: i64,
}

pub(crate) fn read(row: &Row) -> Result<MemberRecord, StorageFault> {
    let role = row.get::<String>(5)?;
    Ok(MemberRecord {
        id: row.get(0)?,
        account: row.get(1)?,
        name: row.get(2)?,
        email: row.get(3)?,
        email_verified: row.get::<Option<Timestamp>>(4)?.is_some(),
        is_active: row.get::<String>(9)? == "active",
        role: Role::from_key(&role).ok_or(StorageFault::Unknown(role))?,
        joined_at: row.get(6)?,
        last_seen_at: row.get(7)?,
        revision: row.get(8)?,
    })
}

/// What a list of members is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberFilter {
    pub role: Option<Role>,
    /// Those who have the action now; owners have all.
    pub action: Option<Action>,
}

pub(crate) async fn find_member_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    member: MemberId,
) -> Result<Option<MemberRecord>, StorageFault> {
    tx.fetch_optional(FIND, values![workspace, member]).await?.as_ref().map(read).transpose()
}

/// Empties a profile: actions and lists.
pub(crate) async fn clear_profile(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    member: MemberId,
) -> Result<(), StorageFault> {
    for statement in [CLEAR_ACTIONS, CLEAR_PROJECTS, CLEAR_INSTANCES, CLEAR_SERVERS] {
        tx.execute(statement, values![workspace, member]).await?;
    }
    Ok(())
}

async fn keep_an_owner(tx: &mut Tx<'_>, workspace: WorkspaceId, but: MemberId) -> Result<(), Failure> {
    if is_last_owner(tx, workspace, but).await? { Err(Refusal::LastOwner.into()) } else { Ok(()) }
}

/// Whether nobody else is an active owner.
pub(crate) async fn is_last_owner(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    member: MemberId,
) -> Result<bool, StorageFault> {
    Ok(tx.fetch_one(OTHER_OWNERS, values![workspace, member]).await?.get::<i64>(0)? == 0)
}

/// What a member invited and nobody has accepted is revoked, each with a word in the log: nobody chose them one by one.
async fn revoke_theirs(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    member: MemberId,
    by: &Actor,
) -> Result<(), StorageFault> {
    let now = tx.now();
    let mut revoked = tx
        .fetch_all(REVOKE_THEIRS, values![workspace, member, now])
        .await?
        .iter()
        .map(|row| Ok((row.get::<String>(1)?, row.get::<InvitationId>(0)?)))
        .collect::<Result<Vec<_>, StorageFault>>()?;
    revoked.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    for (email, invitation) in revoked {
        crate::mail::void(tx, invitation).await?;
        tx.audit_also(&NewAuditEvent {
            workspace,
            actor: Some(by.clone()),
            via: by.via,
            action: "invitation.revoke".to_owned(),
            resource: Some(Resource { kind: ResourceKind::Invitation, id: invitation.uuid() }),
            resource_name: Some(email),
            second_name: None,
            outcome: Outcome::Done,
            repeated: 1,
            detail: r#"{"because":"inviter_lost_it"}"#.to_owned(),
        })
        .await?;
    }
    Ok(())
}

/// Takes a member out; what it invited and nobody accepted is revoked.
pub(crate) async fn take_out(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    (member, account): (MemberId, AccountId),
    by: &Actor,
) -> Result<(), StorageFault> {
    revoke_theirs(tx, workspace, member, by).await?;
    crate::ai::keep_name(tx, workspace, account).await?;
    tx.execute(REMOVE, values![workspace, member]).await.map(drop)
}

impl Store {
    /// The names of those who can grant a permission, ten at most.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_owner_names(&self, workspace: WorkspaceId) -> Result<Vec<String>, StorageFault> {
        let rows = self.fetch_all(OWNER_NAMES, values![workspace]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Members by name, after the one with this name and id.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_members(
        &self,
        workspace: WorkspaceId,
        after: (&str, MemberId),
        filter: MemberFilter,
        limit: i64,
    ) -> Result<Vec<MemberRecord>, StorageFault> {
        let rows = self
            .fetch_all(
                LIST,
                values![
                    workspace,
                    sorted_as(after.0),
                    after.1,
                    filter.role.is_none(),
                    filter.role.map(|role| role.key().to_owned()),
                    filter.action.is_none(),
                    filter.action.map(|action| action.key().to_owned()),
                    self.now(),
                    limit,
                ],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// # Errors
    /// `NotFound`.
    pub async fn load_member(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
    ) -> Result<MemberRecord, Failure> {
        let row = self.fetch_optional(FIND, values![workspace, member]).await?.ok_or(Refusal::NotFound)?;
        Ok(read(&row)?)
    }

    /// Becoming owner empties the profile; being made a member again starts with nothing.
    ///
    /// # Errors
    /// `LastOwner`; `PreconditionFailed` where the member changed meanwhile.
    pub async fn change_role(
        &self,
        permit: Permit<ChangeRole>,
        role: Role,
        expected_revision: Option<i64>,
    ) -> Result<MemberRecord, Failure> {
        let (workspace, member) = (permit.workspace(), *permit.target());
        let by = permit.actor().clone();
        let work: Work<()> = Box::new(move |tx| {
            let by = by.clone();
            Box::pin(async move {
                let found = find_member_in(tx, workspace, member).await?.ok_or(Refusal::NotFound)?;
                if expected_revision.is_some_and(|expected| expected != found.revision) {
                    return Err(Refusal::PreconditionFailed.into());
                }
                tx.audit_name(found.name);
                tx.audit_detail(
                    Detail::default().text("from", found.role.key()).text("to", role.key()).finish(),
                );
                if found.role == role {
                    return Ok(());
                }
                if found.role == Role::Owner {
                    keep_an_owner(tx, workspace, member).await?;
                    revoke_theirs(tx, workspace, member, &by).await?;
                }
                tx.execute(SET_ROLE, values![workspace, member, role.key()]).await?;
                clear_profile(tx, workspace, member).await?;
                tell_access(tx, workspace, member, found.account).await?;
                // Everybody sees who is an owner.
                tx.tell(workspace, EventType::Changed, ResourceKind::Member, member.uuid()).await?;
                Ok(())
            })
        });
        self.write(permit, work).await?;
        self.load_member(workspace, member).await
    }

    /// Removes a member, or lets one leave. What it invited and nobody accepted is revoked.
    ///
    /// # Errors
    /// `LastOwner`; `PreconditionFailed` where the member changed meanwhile.
    pub async fn remove_member(
        &self,
        permit: Permit<Remove>,
        expected_revision: Option<i64>,
    ) -> Result<(), Failure> {
        let (workspace, member) = (permit.workspace(), *permit.target());
        let leaves = permit.member() == member;
        let by = permit.actor().clone();
        let work: Work<()> = Box::new(move |tx| {
            let by = by.clone();
            Box::pin(async move {
                let found = find_member_in(tx, workspace, member).await?.ok_or(Refusal::NotFound)?;
                if expected_revision.is_some_and(|expected| expected != found.revision) {
                    return Err(Refusal::PreconditionFailed.into());
                }
                if found.role == Role::Owner {
                    keep_an_owner(tx, workspace, member).await?;
                }
                if leaves {
                    tx.audit_action("member.leave");
                }
                tx.audit_name(found.name);
                take_out(tx, workspace, (member, found.account), &by).await?;
                tx.touched.members.push((workspace, found.account));
                tx.tell(workspace, EventType::Deleted, ResourceKind::Member, member.uuid()).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}

/// What a change of access leaves behind: the member's pages ask everything anew, and the owners', who alone see what
/// others may do, see the member change.
pub(crate) async fn tell_access(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    member: MemberId,
    account: AccountId,
) -> Result<(), StorageFault> {
    tx.touched.members.push((workspace, account));
    tx.tell_member(workspace, EventType::AccessChanged, ResourceKind::Member, member.uuid(), Some(member))
        .await?;
    tell_owners(tx, workspace, EventType::Changed, ResourceKind::Member, member.uuid()).await
}

/// Tells the owners' pages alone: of what nobody else sees.
pub(crate) async fn tell_owners(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: EventType,
    resource_kind: ResourceKind,
    resource: Uuid,
) -> Result<(), StorageFault> {
    for row in tx.fetch_all(OWNERS, values![workspace]).await? {
        let owner: MemberId = row.get(0)?;
        tx.tell_member(workspace, kind, resource_kind, resource, Some(owner)).await?;
    }
    Ok(())
}
