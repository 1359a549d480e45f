//! What opens an account besides its password ends with the trust in it: where the password is set anew, where an
//! address is proved for the first time, where an administrator takes the second factor away.

use stoa_domain::{
    AccountId, Actor, Authority, Credential, Resource, ResourceKind, SessionId, TokenId, Via, WorkspaceId,
};

use crate::audit::{NewAuditEvent, Outcome};
use crate::failure::StorageFault;
use crate::tx::Tx;
use crate::values;

crate::statements! {
    END_SESSIONS = "DELETE FROM sessions WHERE account_id = $1";
    END_OTHER_SESSIONS = "DELETE FROM sessions WHERE account_id = $1 AND id <> $2";
    END_TOKENS = "DELETE FROM tokens WHERE account_id = $1 RETURNING id, name";
    END_LINKS = "DELETE FROM mailed_links WHERE account_id = $1";
    END_CEREMONIES = "DELETE FROM ceremonies WHERE account_id = $1";
    REMOVE_TOTP = "DELETE FROM second_factors WHERE account_id = $1";
    REMOVE_CODES = "DELETE FROM recovery_codes WHERE account_id = $1";
    REMOVE_PASSKEYS = "DELETE FROM passkeys WHERE account_id = $1 RETURNING name";
    REMOVE_IDENTITIES = "DELETE FROM identities WHERE account_id = $1 RETURNING email";
    RAISE = "UPDATE accounts SET revision = revision + 1 WHERE id = $1";
}

/// The session that asks, where it is one.
pub(crate) fn session_of(authority: &dyn Authority) -> Option<SessionId> {
    match authority.actor()?.credential {
        Credential::Session(id) => Some(id),
        Credential::Token(_) | Credential::Job => None,
    }
}

/// Signs the account out everywhere, but for the session that is named.
pub(crate) async fn end_sessions_but(
    tx: &mut Tx<'_>,
    account: AccountId,
    keep: Option<SessionId>,
) -> Result<(), StorageFault> {
    match keep {
        Some(keep) => tx.execute(END_OTHER_SESSIONS, values![account, keep]).await?,
        None => tx.execute(END_SESSIONS, values![account]).await?,
    };
    tx.touched.accounts.push(account);
    Ok(())
}

/// Something else's end, told in the log beside what it ends by.
#[derive(Clone)]
pub(crate) struct Ending {
    pub account: AccountId,
    pub actor: Option<Actor>,
    pub via: Via,
    /// A word for the log's detail.
    pub because: &'static str,
}

impl Ending {
    async fn tell(
        &self,
        tx: &mut Tx<'_>,
        action: &str,
        resource: Resource,
        name: Option<String>,
        second_name: Option<String>,
    ) -> Result<(), StorageFault> {
        tx.audit_also(&NewAuditEvent {
            workspace: WorkspaceId::INSTALLATION,
            actor: self.actor.clone(),
            via: self.via,
            action: action.to_owned(),
            resource: Some(resource),
            resource_name: name,
            second_name,
            outcome: Outcome::Done,
            repeated: 1,
            detail: format!(r#"{{"because":"{}"}}"#, self.because),
        })
        .await
    }

    fn own(&self) -> Resource {
        Resource { kind: ResourceKind::Account, id: self.account.uuid() }
    }

    /// Deletes every access token.
    pub(crate) async fn tokens(&self, tx: &mut Tx<'_>) -> Result<(), StorageFault> {
        for row in tx.fetch_all(END_TOKENS, values![self.account]).await? {
            let resource = Resource { kind: ResourceKind::Token, id: row.get::<TokenId>(0)?.uuid() };
            self.tell(tx, "token.delete", resource, Some(row.get(1)?), None).await?;
        }
        tx.touched.accounts.push(self.account);
        Ok(())
    }

    /// Removes authenticator, passkeys and recovery codes, and what was begun with them.
    pub(crate) async fn second_factors(&self, tx: &mut Tx<'_>) -> Result<(), StorageFault> {
        let account = self.account;
        // First: a sign-in that has read the revision before is waited for, and what it made is seen by what ends it.
        tx.execute(RAISE, values![account]).await?;
        if tx.execute(REMOVE_TOTP, values![account]).await? > 0 {
            self.tell(tx, "account.remove_authenticator", self.own(), None, None).await?;
        }
        for row in tx.fetch_all(REMOVE_PASSKEYS, values![account]).await? {
            self.tell(tx, "account.remove_passkey", self.own(), None, Some(row.get(0)?)).await?;
        }
        for statement in [REMOVE_CODES, END_CEREMONIES] {
            tx.execute(statement, values![account]).await?;
        }
        tx.touched.accounts.push(account);
        Ok(())
    }

    /// Whoever made the account may not have been whoever reads its mail: of what was made before its address was
    /// proved nothing stays, but the session that proves it.
    pub(crate) async fn everything_before_the_proof(
        &self,
        tx: &mut Tx<'_>,
        keep: Option<SessionId>,
    ) -> Result<(), StorageFault> {
        end_sessions_but(tx, self.account, keep).await?;
        self.tokens(tx).await?;
        self.second_factors(tx).await?;
        for row in tx.fetch_all(REMOVE_IDENTITIES, values![self.account]).await? {
            self.tell(tx, "account.unlink_provider", self.own(), None, Some(row.get(0)?)).await?;
        }
        tx.execute(END_LINKS, values![self.account]).await.map(drop)
    }
}
