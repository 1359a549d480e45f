//! Accounts: the people who can sign in.

mod delete;
mod ending;

use stoa_domain::name::sorted_as;
use stoa_domain::{
    AccountId, AccountPermit, Conflict, Refusal, ResourceKind, SessionId, Timestamp, WorkspaceId,
};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::mail::{self, NewMail};
use crate::mailed_link::{self, LinkKind};
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;
use crate::workspace::{self, MyWorkspace};

pub(crate) use delete::STATEMENTS as DELETE_STATEMENTS;
pub(crate) use ending::{Ending, STATEMENTS as ENDING_STATEMENTS, end_sessions_but, session_of};

crate::statements! {
    INSERT = "INSERT INTO accounts (id, name, email, email_canonical, email_verified_at, password_hash, is_admin,
            mail_on_failure, status, revision, created_at, sorted_as)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', 1, $9, $10)";
    BY_ID = "SELECT id, name, email, email_canonical, email_verified_at, password_hash, is_admin, mail_on_failure, status,
            revision FROM accounts WHERE id = $1";
    BY_EMAIL = "SELECT id, name, email, email_canonical, email_verified_at, password_hash, is_admin, mail_on_failure, status,
            revision FROM accounts WHERE email_canonical = $1";
    /// The account with its workspaces, a row for each, or one row without.
    WITH_WORKSPACES = "SELECT a.id, a.name, a.email, a.email_canonical, a.email_verified_at, a.password_hash, a.is_admin,
            a.mail_on_failure, a.status, a.revision,
            w.id, s.slug, w.name, w.primary_color, w.revision, w.created_at, w.logo_id, w.requires_second_factor, m.role
        FROM accounts a LEFT JOIN members m ON m.account_id = a.id
        LEFT JOIN workspaces w ON w.id = m.workspace_id
        LEFT JOIN workspace_slugs s ON s.workspace_id = w.id AND s.is_current
        WHERE a.id = $1 ORDER BY w.sorted_as, w.id LIMIT 200";
    CHANGE = "UPDATE accounts SET name = COALESCE($2, name), sorted_as = COALESCE($7, sorted_as), mail_on_failure = COALESCE($3, mail_on_failure)
        WHERE id = $1 AND ($4 OR (name = $5 AND mail_on_failure = $6))";
    SET_PASSWORD = "UPDATE accounts SET password_hash = $2, revision = revision + 1 WHERE id = $1";
    /// A better hash of the same password changes nothing that anyone may do.
    REHASH = "UPDATE accounts SET password_hash = $2 WHERE id = $1";
    OTHER_ADMINISTRATORS = "SELECT COUNT(*) FROM accounts WHERE is_admin AND status = 'active' AND id <> $1";
    SEEN = "UPDATE accounts SET last_seen_at = $2 WHERE id = $1";
    SEEN_AS_MEMBER = "UPDATE members SET last_seen_at = $2 WHERE account_id = $1";
}

/// The column in which a workspace begins beside its account.
const FIRST_OF_WORKSPACE: usize = 10;

#[derive(Clone)]
pub struct NewAccount {
    pub id: AccountId,
    pub name: String,
    pub email: String,
    pub email_canonical: String,
    pub email_verified: bool,
    /// A PHC string.
    pub password_hash: String,
    pub is_admin: bool,
}

/// An account as it is stored.
#[derive(Clone)]
pub struct AccountRecord {
    pub id: AccountId,
    pub name: String,
    pub email: String,
    pub email_canonical: String,
    pub email_verified_at: Option<Timestamp>,
    pub password_hash: Option<String>,
    pub is_admin: bool,
    pub mail_on_failure: bool,
    pub is_active: bool,
    pub revision: i64,
}

pub(crate) async fn insert_account(tx: &mut Tx<'_>, account: NewAccount) -> Result<(), StorageFault> {
    let now = tx.now();
    let verified_at = account.email_verified.then_some(now);
    let sorted = sorted_as(&account.name);
    tx.execute(
        INSERT,
        values![
            account.id,
            account.name,
            account.email,
            account.email_canonical,
            verified_at,
            account.password_hash,
            account.is_admin,
            true,
            now,
            sorted,
        ],
    )
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<AccountRecord, StorageFault> {
    Ok(AccountRecord {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        email_canonical: row.get(3)?,
        email_verified_at: row.get(4)?,
        password_hash: row.get(5)?,
        is_admin: row.get(6)?,
        mail_on_failure: row.get(7)?,
        is_active: row.get::<String>(8)? == "active",
        revision: row.get(9)?,
    })
}

pub(crate) async fn find_account_in(
    tx: &mut Tx<'_>,
    email_canonical: &str,
) -> Result<Option<AccountRecord>, StorageFault> {
    tx.fetch_optional(BY_EMAIL, values![email_canonical]).await?.as_ref().map(read).transpose()
}

/// Tells every workspace that the account is called otherwise now, or that its address is another one or proved.
pub(crate) async fn tell_memberships(tx: &mut Tx<'_>, account: AccountId) -> Result<(), StorageFault> {
    for one in delete::memberships(tx, account).await? {
        tx.tell(one.workspace, EventType::Changed, ResourceKind::Member, one.member.uuid()).await?;
    }
    Ok(())
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn find_account(&self, id: AccountId) -> Result<Option<AccountRecord>, StorageFault> {
        self.fetch_optional(BY_ID, values![id]).await?.as_ref().map(read).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn find_account_by_email(
        &self,
        canonical: &str,
    ) -> Result<Option<AccountRecord>, StorageFault> {
        self.fetch_optional(BY_EMAIL, values![canonical]).await?.as_ref().map(read).transpose()
    }

    /// The account with the first 200 of its workspaces, by name.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_account_with_workspaces(
        &self,
        id: AccountId,
    ) -> Result<Option<(AccountRecord, Vec<MyWorkspace>)>, StorageFault> {
        let rows = self.fetch_all(WITH_WORKSPACES, values![id]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let account = read(first)?;
        if first.get::<Option<WorkspaceId>>(FIRST_OF_WORKSPACE)?.is_none() {
            return Ok(Some((account, Vec::new())));
        }
        let workspaces =
            rows.iter().map(|row| workspace::read_mine(row, FIRST_OF_WORKSPACE)).collect::<Result<_, _>>()?;
        Ok(Some((account, workspaces)))
    }

    /// Changes what isn't `None`. `expected`: the name and the wish for mails that the change was made from.
    ///
    /// # Errors
    /// `PreconditionFailed`, or a fault.
    pub async fn change_account(
        &self,
        permit: AccountPermit,
        name: Option<String>,
        mail_on_failure: Option<bool>,
        expected: Option<(String, bool)>,
    ) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let (name, expected) = (name.clone(), expected.clone());
            Box::pin(async move {
                let (is_any, expected) = (expected.is_none(), expected.unzip());
                let (sorted, is_renamed) = (name.as_deref().map(sorted_as), name.is_some());
                let values = values![account, name, mail_on_failure, is_any, expected.0, expected.1, sorted];
                if tx.execute(CHANGE, values).await? == 0 {
                    return Err(Refusal::PreconditionFailed.into());
                }
                tx.touched.accounts.push(account);
                if is_renamed {
                    tell_memberships(tx, account).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Sets the password and ends all other sessions; with `and_tokens` every access token too.
    ///
    /// # Errors
    /// A fault.
    pub async fn set_password(
        &self,
        permit: AccountPermit,
        hash: String,
        keep: SessionId,
        and_tokens: bool,
        notice: Option<NewMail>,
    ) -> Result<(), Failure> {
        let actor = permit.actor().clone();
        let account = actor.account;
        let ending = Ending { account, via: actor.via, actor: Some(actor), because: "password_changed" };
        let work: Work<()> = Box::new(move |tx| {
            let (hash, notice, ending) = (hash.clone(), notice.clone(), ending.clone());
            Box::pin(async move {
                if tx.execute(SET_PASSWORD, values![account, hash]).await? == 0 {
                    return Err(Refusal::NotFound.into());
                }
                end_sessions_but(tx, account, Some(keep)).await?;
                if and_tokens {
                    ending.tokens(tx).await?;
                }
                // A link that was asked for before mustn't set another password after, nor another address.
                for kind in [LinkKind::Reset, LinkKind::EmailChange] {
                    mailed_link::revoke(tx, account, kind).await?;
                }
                if let Some(notice) = notice {
                    mail::queue_for_account(tx, account, None, notice).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}

/// Somebody is left who administers the installation. Whoever asks has taken its turn with it, so that two who go at once
/// don't each count the other.
pub(crate) async fn keep_an_administrator(tx: &mut Tx<'_>, but: AccountId) -> Result<(), Failure> {
    let others = tx.fetch_one(OTHER_ADMINISTRATORS, values![but]).await?.get::<i64>(0)?;
    if others == 0 { Err(Refusal::Conflict(Conflict::LastAdministrator).into()) } else { Ok(()) }
}

/// Signs the account out everywhere.
pub(crate) async fn end_sessions(tx: &mut Tx<'_>, account: AccountId) -> Result<(), StorageFault> {
    end_sessions_but(tx, account, None).await
}

/// Keeps a hash made anew with today's parameters.
pub(crate) async fn rehash(tx: &mut Tx<'_>, account: AccountId, hash: String) -> Result<(), StorageFault> {
    tx.execute(REHASH, values![account, hash]).await.map(drop)
}

pub(crate) async fn seen(tx: &mut Tx<'_>, account: AccountId) -> Result<(), StorageFault> {
    let now = tx.now();
    tx.execute(SEEN, values![account, now]).await?;
    tx.execute(SEEN_AS_MEMBER, values![account, now]).await?;
    Ok(())
}
