//! Deleting an account: its memberships, sessions, tokens and links go; the row stays, without address and password, so
//! that what it did keeps its name.

use stoa_domain::member::Role;
use stoa_domain::{AccountId, AccountPermit, MemberId, Refusal, Resource, ResourceKind, WorkspaceId};

use crate::audit::{NewAuditEvent, Outcome};
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::mail::{self, NewMail};
use crate::member;
use crate::server::lock_installation;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    MEMBERSHIPS = "SELECT m.workspace_id, m.id, m.role, w.name FROM members m JOIN workspaces w ON w.id = m.workspace_id
        WHERE m.account_id = $1 ORDER BY m.workspace_id";
    END_TOKENS = "DELETE FROM tokens WHERE account_id = $1";
    END_LINKS = "DELETE FROM mailed_links WHERE account_id = $1";
    END_CEREMONIES = "DELETE FROM ceremonies WHERE account_id = $1";
    REMOVE_TOTP = "DELETE FROM second_factors WHERE account_id = $1";
    REMOVE_CODES = "DELETE FROM recovery_codes WHERE account_id = $1";
    REMOVE_PASSKEYS = "DELETE FROM passkeys WHERE account_id = $1";
    REMOVE_IDENTITIES = "DELETE FROM identities WHERE account_id = $1";
    FORGET_ANSWERS = "DELETE FROM idempotency WHERE account_id = $1";
    VOID_MAILS = "UPDATE mails SET status = 'void', content = NULL, ended_at = $2
        WHERE account_id = $1 AND status = 'waiting'";
    /// No address has this form, so it is nobody's.
    DELETE = "UPDATE accounts SET status = 'deleted', email = '', email_canonical = $2, email_verified_at = NULL,
            password_hash = NULL, is_admin = $3, revision = revision + 1
        WHERE id = $1 AND status = 'active'";
}

pub(super) struct Membership {
    pub workspace: WorkspaceId,
    pub member: MemberId,
    is_owner: bool,
    name: String,
}

/// Where the account is a member.
pub(super) async fn memberships(
    tx: &mut Tx<'_>,
    account: AccountId,
) -> Result<Vec<Membership>, StorageFault> {
    let rows = tx.fetch_all(MEMBERSHIPS, values![account]).await?;
    rows.iter()
        .map(|row| {
            Ok(Membership {
                workspace: row.get(0)?,
                member: row.get(1)?,
                is_owner: row.get::<String>(2)? == Role::Owner.key(),
                name: row.get(3)?,
            })
        })
        .collect()
}

impl Store {
    /// # Errors
    /// `LastOwnerOf` the workspaces that nobody else owns; `Conflict` for the last administrator.
    pub async fn delete_account(
        &self,
        permit: AccountPermit,
        notice: Option<NewMail>,
    ) -> Result<(), Failure> {
        let actor = permit.actor().clone();
        let account = actor.account;
        let is_admin = permit.is_admin();
        let work: Work<()> = Box::new(move |tx| {
            let (actor, notice) = (actor.clone(), notice.clone());
            Box::pin(async move {
                if is_admin {
                    lock_installation(tx).await?;
                }
                // First of all: who accepts an invitation at the same moment waits for it, or is seen below.
                if tx.execute(DELETE, values![account, format!("deleted {account}"), false]).await? == 0 {
                    return Err(Refusal::Unauthenticated.into());
                }
                let mine = memberships(tx, account).await?;
                // Writing into a workspace's log takes its turn among those who change its owners. So the events come
                // first; where it is refused nothing of them stays.
                for one in &mine {
                    let resource = Resource { kind: ResourceKind::Member, id: one.member.uuid() };
                    tx.audit_also(&NewAuditEvent {
                        workspace: one.workspace,
                        actor: Some(actor.clone()),
                        via: actor.via,
                        action: "member.leave".to_owned(),
                        resource: Some(resource),
                        resource_name: Some(actor.name.clone()),
                        second_name: None,
                        outcome: Outcome::Done,
                        repeated: 1,
                        detail: r#"{"because":"account_deleted"}"#.to_owned(),
                    })
                    .await?;
                }
                let mut last_of = Vec::new();
                for one in mine.iter().filter(|one| one.is_owner) {
                    if member::is_last_owner(tx, one.workspace, one.member).await? {
                        last_of.push(one.name.clone());
                    }
                }
                if !last_of.is_empty() {
                    last_of.sort_unstable();
                    return Err(Refusal::LastOwnerOf(last_of).into());
                }
                if is_admin {
                    super::keep_an_administrator(tx, account).await?;
                }
                for one in &mine {
                    member::take_out(tx, one.workspace, (one.member, account), &actor).await?;
                    tx.touched.members.push((one.workspace, account));
                    tx.tell(one.workspace, EventType::Deleted, ResourceKind::Member, one.member.uuid())
                        .await?;
                }
                super::end_sessions(tx, account).await?;
                for statement in [
                    END_TOKENS,
                    END_LINKS,
                    END_CEREMONIES,
                    REMOVE_TOTP,
                    REMOVE_CODES,
                    REMOVE_PASSKEYS,
                    REMOVE_IDENTITIES,
                    FORGET_ANSWERS,
                ] {
                    tx.execute(statement, values![account]).await?;
                }
                let now = tx.now();
                tx.execute(VOID_MAILS, values![account, now]).await?;
                tx.audit_name(actor.name);
                if let Some(notice) = notice {
                    mail::queue_for_account(tx, account, None, notice).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}
