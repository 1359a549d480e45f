//! Invitations: an address asked into a workspace, by a link of which only the hash is kept.

use stoa_domain::email::EmailAddress;
use stoa_domain::invitation::{InvitationStatus, LIFETIME_SECONDS, LinkState};
use stoa_domain::permission::invitation::{Create, Resend, Revoke};
use stoa_domain::{
    AccountId, AccountPermit, InvitationId, LogoId, MemberId, OpenPermit, Permit, Refusal, ResourceKind,
    SessionId, Timestamp, WorkspaceId,
};

use crate::account::{self, Ending, NewAccount, find_account_in, insert_account};
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::mail::{self, NewMail};
use crate::member::tell_owners;
use crate::row::Row;
use crate::session::{NewSession, insert_session};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO invitations (id, workspace_id, email, email_canonical, invited_by, status, delivery, message,
            expires_at, created_at) VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9)";
    INSERT_LINK = "INSERT INTO invitation_links (token_hash, workspace_id, invitation_id, issued_at) VALUES ($1, $2, $3, $4)";
    END_LINKS = "UPDATE invitation_links SET ended_at = $2 WHERE invitation_id = $1 AND ended_at IS NULL";
    /// With whether its inviter's word still counts.
    PENDING = "SELECT i.id, i.expires_at, CAST(CASE WHEN m.role = 'owner' AND a.status = 'active' THEN 1 ELSE 0 END AS BIGINT)
        FROM invitations i LEFT JOIN members m ON m.id = i.invited_by LEFT JOIN accounts a ON a.id = m.account_id
        WHERE i.workspace_id = $1 AND i.email_canonical = $2 AND i.status = 'pending'";
    END_EXPIRED = "UPDATE invitations SET status = 'revoked', ended_at = $2 WHERE id = $1";
    IS_MEMBER = "SELECT m.id FROM members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 AND a.email_canonical = $2";
    LIST = "SELECT i.id, i.email, i.status, i.delivery, i.message, i.expires_at, i.created_at, a.name, l.status, l.last_error,
            COALESCE(l.ended_at, l.created_at), l.next_at
        FROM invitations i
        LEFT JOIN members m ON m.id = i.invited_by LEFT JOIN accounts a ON a.id = m.account_id
        LEFT JOIN mails l ON l.id = (SELECT x.id FROM mails x WHERE x.invitation_id = i.id ORDER BY x.id DESC LIMIT 1)
        WHERE i.workspace_id = $1 AND i.status = 'pending' AND m.role = 'owner' AND a.status = 'active' AND i.id > $2
        ORDER BY i.id LIMIT $3";
    FIND = "SELECT i.id, i.email, i.status, i.delivery, i.message, i.expires_at, i.created_at, a.name, l.status, l.last_error,
            COALESCE(l.ended_at, l.created_at), l.next_at
        FROM invitations i
        LEFT JOIN members m ON m.id = i.invited_by LEFT JOIN accounts a ON a.id = m.account_id
        LEFT JOIN mails l ON l.id = (SELECT x.id FROM mails x WHERE x.invitation_id = i.id ORDER BY x.id DESC LIMIT 1)
        WHERE i.workspace_id = $1 AND i.id = $2";
    RENEW = "UPDATE invitations SET status = 'pending', delivery = $2, expires_at = $3, invited_by = $4, ended_at = NULL WHERE id = $1";
    REVOKE = "UPDATE invitations SET status = 'revoked', ended_at = $2 WHERE id = $1 AND status = 'pending'";
    ACCEPT = "UPDATE invitations SET status = 'accepted', accepted_by = $2, ended_at = $3 WHERE id = $1 AND status = 'pending'";
    BY_LINK = "SELECT i.id, i.workspace_id, i.email, i.email_canonical, i.status, i.delivery, i.expires_at, l.ended_at,
            w.name, s.slug, w.primary_color, w.logo_id, a.name, m.role, a.status, i.message,
            EXISTS (SELECT 1 FROM invitation_links n WHERE n.invitation_id = i.id AND n.ended_at IS NULL)
        FROM invitation_links l JOIN invitations i ON i.id = l.invitation_id
        JOIN workspaces w ON w.id = i.workspace_id
        JOIN workspace_slugs s ON s.workspace_id = w.id AND s.is_current
        LEFT JOIN members m ON m.id = i.invited_by LEFT JOIN accounts a ON a.id = m.account_id
        WHERE l.token_hash = $1";
    HAS_MEMBER = "SELECT id FROM members WHERE workspace_id = $1 AND account_id = $2";
    INSERT_MEMBER = "INSERT INTO members (id, workspace_id, account_id, role, access_revision, invited_by, joined_at,
            last_seen_at) VALUES ($1, $2, $3, 'member', 1, $4, $5, $5) ON CONFLICT (workspace_id, account_id) DO NOTHING";
    /// A link that went by mail shows that its address is the account's, also where that was made by a copied one.
    VERIFY = "UPDATE accounts SET email_verified_at = $2 WHERE id = $1 AND email_verified_at IS NULL";
    INVITER = "SELECT invited_by FROM invitations WHERE id = $1";
}

/// An invitation to be made.
#[derive(Clone)]
pub struct NewInvitation {
    pub id: InvitationId,
    pub email: EmailAddress,
    pub message: Option<String>,
    pub link: NewLink,
}

/// A link to be issued, and the mail that carries it where one does.
#[derive(Clone)]
pub struct NewLink {
    pub token_hash: Vec<u8>,
    pub mail: Option<NewMail>,
}

impl NewLink {
    fn delivery(&self) -> &'static str {
        if self.mail.is_some() { "mail" } else { "link" }
    }
}

/// An invitation as its workspace lists it.
#[derive(Debug, Clone)]
pub struct InvitationRecord {
    pub id: InvitationId,
    pub email: String,
    pub status: InvitationStatus,
    pub delivery: String,
    pub message: Option<String>,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    pub invited_by: Option<String>,
    /// How its newest mail stands: `waiting`, `sent` or `refused`.
    pub mail_status: Option<String>,
    pub mail_error: Option<String>,
    /// Since when it stands so.
    pub mail_since: Option<Timestamp>,
    /// When a mail that waits is tried next.
    pub mail_next_at: Option<Timestamp>,
}

/// What a link leads to.
#[derive(Debug, Clone)]
pub struct LinkedInvitation {
    pub id: InvitationId,
    pub workspace: WorkspaceId,
    pub email: String,
    pub email_canonical: String,
    pub status: InvitationStatus,
    pub by_mail: bool,
    pub link: LinkState,
    pub workspace_name: String,
    pub workspace_slug: String,
    pub primary_color: String,
    pub logo: Option<LogoId>,
    pub invited_by: String,
    pub message: Option<String>,
    pub expires_at: Timestamp,
}

fn read(row: &Row, now: Timestamp) -> Result<InvitationRecord, StorageFault> {
    let expires_at = row.get(5)?;
    Ok(InvitationRecord {
        id: row.get(0)?,
        email: row.get(1)?,
        status: InvitationStatus::of(&row.get::<String>(2)?, expires_at, now),
        delivery: row.get(3)?,
        message: row.get(4)?,
        expires_at,
        created_at: row.get(6)?,
        invited_by: row.get(7)?,
        mail_status: row.get(8)?,
        mail_error: row.get(9)?,
        mail_since: row.get(10)?,
        mail_next_at: row.get(11)?,
    })
}

fn read_linked(row: &Row, now: Timestamp) -> Result<LinkedInvitation, StorageFault> {
    let stored = row.get::<String>(4)?;
    let inviter_owns = row.get::<Option<String>>(13)?.as_deref() == Some("owner")
        && row.get::<Option<String>>(14)?.as_deref() == Some("active");
    let mut status = InvitationStatus::of(&stored, row.get(6)?, now);
    // An invitation is its inviter's word: it ends when the inviter is no longer an owner.
    if status == InvitationStatus::Pending && !inviter_owns {
        status = InvitationStatus::Revoked;
    }
    Ok(LinkedInvitation {
        id: row.get(0)?,
        workspace: row.get(1)?,
        email: row.get(2)?,
        email_canonical: row.get(3)?,
        status,
        by_mail: row.get::<String>(5)? == "mail",
        link: match (row.get::<Option<Timestamp>>(7)?, row.get(16)?) {
            (None, _) => LinkState::Newest,
            (Some(_), true) => LinkState::Replaced,
            (Some(_), false) => LinkState::Voided,
        },
        workspace_name: row.get(8)?,
        workspace_slug: row.get(9)?,
        primary_color: row.get(10)?,
        logo: row.get(11)?,
        invited_by: row.get::<Option<String>>(12)?.unwrap_or_default(),
        message: row.get(15)?,
        expires_at: row.get(6)?,
    })
}

async fn issue(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    invitation: InvitationId,
    link: NewLink,
) -> Result<(), StorageFault> {
    let now = tx.now();
    tx.execute(END_LINKS, values![invitation, now]).await?;
    mail::void(tx, invitation).await?;
    tx.execute(INSERT_LINK, values![link.token_hash, workspace, invitation, now]).await?;
    if let Some(letter) = link.mail {
        mail::queue(tx, Some(workspace), Some(invitation), letter).await?;
    }
    Ok(())
}

impl Store {
    /// # Errors
    /// `AlreadyMember`, `InvitationPending`.
    pub async fn create_invitation(
        &self,
        permit: Permit<Create>,
        new: NewInvitation,
    ) -> Result<InvitationRecord, Failure> {
        let (workspace, inviter, id) = (permit.workspace(), permit.member(), new.id);
        let work: Work<()> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                let now = tx.now();
                let canonical = new.email.canonical();
                if tx.fetch_optional(IS_MEMBER, values![workspace, canonical]).await?.is_some() {
                    return Err(Refusal::AlreadyMember.into());
                }
                if let Some(row) = tx.fetch_optional(PENDING, values![workspace, canonical]).await? {
                    if row.get::<Timestamp>(1)? > now && row.get::<i64>(2)? == 1 {
                        return Err(Refusal::InvitationPending.into());
                    }
                    tx.execute(END_EXPIRED, values![row.get::<InvitationId>(0)?, now]).await?;
                }
                let expires_at = now.plus_seconds(LIFETIME_SECONDS);
                tx.execute(
                    INSERT,
                    values![
                        new.id,
                        workspace,
                        new.email.as_shown(),
                        canonical,
                        inviter,
                        new.link.delivery(),
                        new.message,
                        expires_at,
                        now
                    ],
                )
                .await?;
                issue(tx, workspace, new.id, new.link).await?;
                tx.audit_resource(ResourceKind::Invitation, new.id.uuid(), new.email.as_shown());
                tell_owners(tx, workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid())
                    .await?;
                Ok(())
            })
        });
        self.write(permit, work).await?;
        self.load_invitation(workspace, id).await
    }

    /// # Errors
    /// `NotFound`.
    pub async fn load_invitation(
        &self,
        workspace: WorkspaceId,
        id: InvitationId,
    ) -> Result<InvitationRecord, Failure> {
        let row = self.fetch_optional(FIND, values![workspace, id]).await?.ok_or(Refusal::NotFound)?;
        Ok(read(&row, self.now())?)
    }

    /// Pending and expired ones, oldest first, after the one with this id.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_invitations(
        &self,
        workspace: WorkspaceId,
        after: InvitationId,
        limit: i64,
    ) -> Result<Vec<InvitationRecord>, StorageFault> {
        let now = self.now();
        let rows = self.fetch_all(LIST, values![workspace, after, limit]).await?;
        rows.iter().map(|row| read(row, now)).collect()
    }

    /// A new link; the old one ends.
    ///
    /// # Errors
    /// The refusal of an invitation that was accepted or revoked.
    pub async fn resend_invitation(
        &self,
        permit: Permit<Resend>,
        link: NewLink,
    ) -> Result<InvitationRecord, Failure> {
        let (workspace, id, inviter) = (permit.workspace(), *permit.target(), permit.member());
        let work: Work<()> = Box::new(move |tx| {
            let link = link.clone();
            Box::pin(async move {
                let now = tx.now();
                let row = tx.fetch_optional(FIND, values![workspace, id]).await?.ok_or(Refusal::NotFound)?;
                let found = read(&row, now)?;
                match found.status {
                    InvitationStatus::Pending | InvitationStatus::Expired => {}
                    ended => ended.usable(LinkState::Newest)?,
                }
                let expires_at = now.plus_seconds(LIFETIME_SECONDS);
                tx.execute(RENEW, values![id, link.delivery(), expires_at, inviter]).await?;
                issue(tx, workspace, id, link).await?;
                tx.audit_name(found.email);
                tell_owners(tx, workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid())
                    .await?;
                Ok(())
            })
        });
        self.write(permit, work).await?;
        self.load_invitation(workspace, id).await
    }

    /// # Errors
    /// The refusal of an invitation that was accepted or revoked before.
    pub async fn revoke_invitation(&self, permit: Permit<Revoke>) -> Result<(), Failure> {
        let (workspace, id) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let row = tx.fetch_optional(FIND, values![workspace, id]).await?.ok_or(Refusal::NotFound)?;
                let found = read(&row, now)?;
                if tx.execute(REVOKE, values![id, now]).await? == 0 {
                    found.status.usable(LinkState::Newest)?;
                }
                mail::void(tx, id).await?;
                tx.audit_name(found.email);
                tell_owners(tx, workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid())
                    .await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// A fault.
    pub async fn find_invitation_by_link(
        &self,
        token_hash: &[u8],
    ) -> Result<Option<LinkedInvitation>, StorageFault> {
        let now = self.now();
        self.fetch_optional(BY_LINK, values![token_hash]).await?.map(|row| read_linked(&row, now)).transpose()
    }

    /// Accepts with the account that is signed in. Two at once make one membership. A mailed link may be the first proof
    /// of the account's address: `notice` tells what ended with it.
    ///
    /// # Errors
    /// The link's own state first; `WrongAccount`.
    pub async fn accept_invitation(
        &self,
        permit: AccountPermit,
        token_hash: Vec<u8>,
        member: MemberId,
        notice: Option<NewMail>,
    ) -> Result<WorkspaceId, Failure> {
        let actor = permit.actor().clone();
        let (account, keep) = (actor.account, account::session_of(&permit));
        let ending = Ending { account, via: actor.via, actor: Some(actor), because: "address_proved" };
        let work: Work<_> = Box::new(move |tx| {
            let (token_hash, ending, notice) = (token_hash.clone(), ending.clone(), notice.clone());
            Box::pin(async move {
                let found = usable_in(tx, &token_hash).await?;
                let holder = find_account_in(tx, &found.email_canonical).await?;
                if holder.is_none_or(|holder| holder.id != account) {
                    return Err(Refusal::WrongAccount.into());
                }
                if found.by_mail {
                    let now = tx.now();
                    if tx.execute(VERIFY, values![account, now]).await? > 0 {
                        account::tell_memberships(tx, account).await?;
                        ending.everything_before_the_proof(tx, keep).await?;
                        if let Some(notice) = notice {
                            mail::queue_for_account(tx, account, None, notice).await?;
                        }
                    }
                }
                join(tx, &found, account, member).await?;
                Ok(found.workspace)
            })
        });
        self.write(permit, work).await
    }

    /// Accepts by making an account with the invited address, and signs it in.
    ///
    /// # Errors
    /// The link's own state first; `WrongCredentials` where the address has an account already.
    pub async fn accept_with_new_account(
        &self,
        permit: OpenPermit,
        token_hash: Vec<u8>,
        member: MemberId,
        account: NewAccount,
        session: NewSession,
    ) -> Result<(WorkspaceId, SessionId), Failure> {
        let work: Work<_> = Box::new(move |tx| {
            let (token_hash, mut account, session) = (token_hash.clone(), account.clone(), session.clone());
            Box::pin(async move {
                let found = usable_in(tx, &token_hash).await?;
                if find_account_in(tx, &found.email_canonical).await?.is_some() {
                    return Err(Refusal::Unauthenticated.into());
                }
                account.email = found.email.clone();
                account.email_canonical = found.email_canonical.clone();
                // Only a link that went by mail says anything about the address.
                account.email_verified = found.by_mail;
                let id = account.id;
                tx.audit_actor(session.actor(id, account.name.clone()));
                insert_account(tx, account).await?;
                let session_id = insert_session(tx, id, session).await?;
                join(tx, &found, id, member).await?;
                Ok((found.workspace, session_id))
            })
        });
        self.write(permit, work).await
    }
}

async fn usable_in(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<LinkedInvitation, Failure> {
    let now = tx.now();
    let row = tx.fetch_optional(BY_LINK, values![token_hash]).await?.ok_or(Refusal::NotFound)?;
    let found = read_linked(&row, now)?;
    found.status.usable(found.link)?;
    Ok(found)
}

/// Makes the membership: with no action, no project, no instance and no server.
async fn join(
    tx: &mut Tx<'_>,
    found: &LinkedInvitation,
    account: AccountId,
    member: MemberId,
) -> Result<(), Failure> {
    let now = tx.now();
    let (workspace, id) = (found.workspace, found.id);
    if tx.execute(ACCEPT, values![id, account, now]).await? == 0 {
        return Err(Refusal::InvitationUsed.into());
    }
    tx.execute(END_LINKS, values![id, now]).await?;
    mail::void(tx, id).await?;
    let inviter = tx.fetch_one(INVITER, values![id]).await?.get::<MemberId>(0)?;
    tx.execute(INSERT_MEMBER, values![member, workspace, account, inviter, now]).await?;
    tx.audit_in(workspace);
    tx.audit_resource(ResourceKind::Invitation, id.uuid(), found.email.clone());
    tx.touched.members.push((workspace, account));
    tx.tell(workspace, EventType::Created, ResourceKind::Member, member.uuid()).await?;
    Ok(())
}
