//! Second factors: an authenticator's codes, passkeys, and the recovery codes that stand in for both.

mod passkey;

use stoa_domain::permission::workspace::ViewSignInRules;
use stoa_domain::{AccountId, AccountPermit, Conflict, Permit, Refusal, ShownWrong, Timestamp};

use crate::account;
use crate::ceremony::CeremonyKind;
use crate::detail::Detail;
use crate::failure::{Failure, StorageFault};
use crate::mail::{self, NewMail};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;
use crate::writer::lock_workspace;

pub(crate) use passkey::STATEMENTS as PASSKEY_STATEMENTS;
pub use passkey::{NewPasskey, PasskeyRecord};

crate::statements! {
    FIND_TOTP = "SELECT secret, last_step, created_at FROM second_factors WHERE account_id = $1";
    SET_TOTP = "INSERT INTO second_factors (account_id, secret, last_step, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id) DO UPDATE SET secret = $2, last_step = $3, created_at = $4";
    /// A step that was taken, and every one before it, counts no more.
    TAKE_STEP = "UPDATE second_factors SET last_step = $2 WHERE account_id = $1 AND last_step < $2";
    REMOVE_TOTP = "DELETE FROM second_factors WHERE account_id = $1";
    COUNT_CODES = "SELECT COUNT(*) FROM recovery_codes WHERE account_id = $1 AND used_at IS NULL";
    INSERT_CODE = "INSERT INTO recovery_codes (account_id, code_hash) VALUES ($1, $2)";
    TAKE_CODE = "UPDATE recovery_codes SET used_at = $3 WHERE account_id = $1 AND code_hash = $2 AND used_at IS NULL";
    REMOVE_CODES = "DELETE FROM recovery_codes WHERE account_id = $1";
    HAS_ANY = "SELECT account_id FROM second_factors WHERE account_id = $1
        UNION ALL SELECT account_id FROM passkeys WHERE account_id = $1 LIMIT 1";
    TAKE_CEREMONY = "DELETE FROM ceremonies WHERE token_hash = $1 AND kind = $2 AND account_id = $3 AND expires_at > $4";
    RAISE = "UPDATE accounts SET revision = revision + 1 WHERE id = $1";
    COUNT_MEMBERS = "SELECT COUNT(*) FROM members WHERE workspace_id = $1";
    COUNT_WITHOUT = "SELECT COUNT(*) FROM members m WHERE m.workspace_id = $1
        AND NOT EXISTS (SELECT 1 FROM second_factors f WHERE f.account_id = m.account_id)
        AND NOT EXISTS (SELECT 1 FROM passkeys p WHERE p.account_id = m.account_id)";
    DEMANDED_BY = "SELECT w.name FROM workspaces w JOIN members m ON m.workspace_id = w.id
        WHERE m.account_id = $1 AND w.requires_second_factor ORDER BY w.sorted_as, w.id LIMIT 20";
    DEMANDING = "SELECT w.id FROM workspaces w JOIN members m ON m.workspace_id = w.id
        WHERE m.account_id = $1 AND m.role = 'owner' AND w.requires_second_factor ORDER BY w.id";
    /// Workspaces that demand what none of their active owners has but this account.
    ALONE_WITH_ONE = "SELECT w.name FROM workspaces w JOIN members m ON m.workspace_id = w.id
        WHERE m.account_id = $1 AND m.role = 'owner' AND w.requires_second_factor
            AND NOT EXISTS (SELECT 1 FROM members o JOIN accounts a ON a.id = o.account_id
                WHERE o.workspace_id = w.id AND o.account_id <> $1 AND o.role = 'owner' AND a.status = 'active'
                    AND (EXISTS (SELECT 1 FROM second_factors f WHERE f.account_id = a.id)
                        OR EXISTS (SELECT 1 FROM passkeys p WHERE p.account_id = a.id)))
        ORDER BY w.sorted_as, w.id LIMIT 20";
}

/// An authenticator app's half of the secret.
#[derive(Clone)]
pub struct TotpRecord {
    /// Sealed for this row.
    pub secret: Vec<u8>,
    pub last_step: i64,
    pub created_at: Timestamp,
}

/// All that an account has besides its password.
#[derive(Clone, Default)]
pub struct SecondFactors {
    pub totp: Option<TotpRecord>,
    pub passkeys: Vec<PasskeyRecord>,
    /// Recovery codes that weren't used yet.
    pub recovery_codes: i64,
}

impl SecondFactors {
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }
}

/// A second factor that was shown and is right; it is used up in the write that rests on it.
#[derive(Clone)]
pub enum FactorUse {
    /// The account has none.
    None,
    /// A code of this 30-second step.
    Totp { step: i64 },
    /// A recovery code, by its hash.
    Recovery { hash: Vec<u8> },
    /// A passkey, with what it counts now, sealed.
    Passkey { id: stoa_domain::PasskeyId, credential: Vec<u8> },
}

impl FactorUse {
    /// The word for the audit log.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Totp { .. } => "code",
            Self::Recovery { .. } => "recovery_code",
            Self::Passkey { .. } => "passkey",
        }
    }

    /// What the audit event of what rests on it says.
    pub(crate) fn detail(&self) -> String {
        Detail::default().text("second_factor", self.key()).finish()
    }
}

/// Uses the factor up: what was used already, here or on another replica, is refused.
pub(crate) async fn use_factor(
    tx: &mut Tx<'_>,
    account: AccountId,
    factor: FactorUse,
) -> Result<(), Failure> {
    let now = tx.now();
    let shown = match factor {
        FactorUse::Recovery { .. } => ShownWrong::RecoveryCode,
        FactorUse::Passkey { .. } => ShownWrong::Passkey,
        FactorUse::None | FactorUse::Totp { .. } => ShownWrong::Code,
    };
    let used = match factor {
        FactorUse::None => return Ok(()),
        FactorUse::Totp { step } => tx.execute(TAKE_STEP, values![account, step]).await?,
        FactorUse::Recovery { hash } => tx.execute(TAKE_CODE, values![account, hash, now]).await?,
        FactorUse::Passkey { id, credential } => passkey::used(tx, account, id, credential).await?,
    };
    if used == 0 {
        return Err(Refusal::SecondFactorDue { ways: Vec::new(), wrong: Some(shown) }.into());
    }
    Ok(())
}

/// Whether the account has a second factor.
pub(crate) async fn has_any(tx: &mut Tx<'_>, account: AccountId) -> Result<bool, StorageFault> {
    Ok(tx.fetch_optional(HAS_ANY, values![account]).await?.is_some())
}

async fn replace_codes(
    tx: &mut Tx<'_>,
    account: AccountId,
    hashes: Vec<Vec<u8>>,
) -> Result<(), StorageFault> {
    tx.execute(REMOVE_CODES, values![account]).await?;
    for hash in hashes {
        tx.execute(INSERT_CODE, values![account, hash]).await?;
    }
    Ok(())
}

/// Keeps recovery codes where the account has none left. Answers whether these are now its codes.
async fn keep_first_codes(
    tx: &mut Tx<'_>,
    account: AccountId,
    hashes: Vec<Vec<u8>>,
) -> Result<bool, StorageFault> {
    let left = tx.fetch_one(COUNT_CODES, values![account]).await?.get::<i64>(0)?;
    if left > 0 {
        return Ok(false);
    }
    replace_codes(tx, account, hashes).await?;
    Ok(true)
}

/// Where a second factor is demanded, an owner has one, who can do something about it. Asked once one was removed: the
/// account's last one stays where that would leave a workspace without. A plain member's may go: what it is demanded for
/// closes, and opens again with another.
async fn keep_an_owners(tx: &mut Tx<'_>, account: AccountId) -> Result<(), Failure> {
    if has_any(tx, account).await? {
        return Ok(());
    }
    // Owners take turns, so that no two remove theirs at once, each because of the other's.
    for row in tx.fetch_all(DEMANDING, values![account]).await? {
        lock_workspace(tx, row.get(0)?).await?;
    }
    let names = tx.fetch_all(ALONE_WITH_ONE, values![account]).await?;
    let names = names.iter().map(|row| row.get(0)).collect::<Result<Vec<String>, _>>()?;
    if names.is_empty() { Ok(()) } else { Err(Refusal::LastSecondFactorOf(names).into()) }
}

/// What every change of a second factor leaves behind.
async fn changed(tx: &mut Tx<'_>, account: AccountId, notice: Option<NewMail>) -> Result<(), StorageFault> {
    if !has_any(tx, account).await? {
        // Codes that stand in for nothing open nothing.
        tx.execute(REMOVE_CODES, values![account]).await?;
    }
    tx.execute(RAISE, values![account]).await?;
    tx.touched.accounts.push(account);
    if let Some(notice) = notice {
        mail::queue_for_account(tx, account, None, notice).await?;
    }
    Ok(())
}

/// Ends a ceremony inside of the write that it leads to.
async fn take_ceremony(
    tx: &mut Tx<'_>,
    account: AccountId,
    kind: CeremonyKind,
    token_hash: Vec<u8>,
) -> Result<(), Failure> {
    let now = tx.now();
    match tx.execute(TAKE_CEREMONY, values![token_hash, kind.key(), account, now]).await? {
        0 => {
            Err(Refusal::invalid("ceremony", "over", "This took too long, or was done already. Begin again.")
                .into())
        }
        _ => Ok(()),
    }
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn find_second_factors(&self, account: AccountId) -> Result<SecondFactors, StorageFault> {
        let totp = self.fetch_optional(FIND_TOTP, values![account]).await?;
        let totp = totp.map(|row| {
            Ok::<_, StorageFault>(TotpRecord {
                secret: row.get(0)?,
                last_step: row.get(1)?,
                created_at: row.get(2)?,
            })
        });
        let codes = self.fetch_optional(COUNT_CODES, values![account]).await?;
        Ok(SecondFactors {
            totp: totp.transpose()?,
            passkeys: self.list_passkeys(account, None, passkey::MOST).await?,
            recovery_codes: codes.map_or(Ok(0), |row| row.get(0))?,
        })
    }

    /// Names of the account's workspaces that demand a second factor, twenty at most.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_demanding_workspaces(&self, account: AccountId) -> Result<Vec<String>, StorageFault> {
        self.fetch_all(DEMANDED_BY, values![account]).await?.iter().map(|row| row.get(0)).collect()
    }

    /// How many members a workspace has, and how many of them have no second factor.
    ///
    /// # Errors
    /// A fault.
    pub async fn count_without_second_factor(
        &self,
        permit: &Permit<ViewSignInRules>,
    ) -> Result<(i64, i64), StorageFault> {
        let count = async |statement| {
            let row = self.fetch_optional(statement, values![permit.workspace()]).await?;
            row.map_or(Ok(0), |row| row.get(0))
        };
        Ok((count(COUNT_MEMBERS).await?, count(COUNT_WITHOUT).await?))
    }

    /// Keeps an authenticator whose first code, of `step`, was right, and recovery codes where there are none.
    /// Every other session ends. Answers whether the codes are now the account's.
    ///
    /// # Errors
    /// `Invalid` where the ceremony is over.
    pub async fn set_totp(
        &self,
        permit: AccountPermit,
        ceremony: Vec<u8>,
        secret: Vec<u8>,
        step: i64,
        codes: Vec<Vec<u8>>,
        notice: Option<NewMail>,
    ) -> Result<bool, Failure> {
        let (account, keep) = (permit.actor().account, account::session_of(&permit));
        let work: Work<bool> = Box::new(move |tx| {
            let (ceremony, secret, codes, notice) =
                (ceremony.clone(), secret.clone(), codes.clone(), notice.clone());
            Box::pin(async move {
                let now = tx.now();
                take_ceremony(tx, account, CeremonyKind::Totp, ceremony).await?;
                tx.execute(SET_TOTP, values![account, secret, step, now]).await?;
                let is_first = keep_first_codes(tx, account, codes).await?;
                changed(tx, account, notice).await?;
                // Whoever is signed in elsewhere never showed it. After the revision: a sign-in that read the one before is
                // waited for, and ended.
                account::end_sessions_but(tx, account, keep).await?;
                Ok(is_first)
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// `NotFound` where there is none; `LastSecondFactorOf` the workspaces that demand one of which no other owner has one.
    pub async fn remove_totp(&self, permit: AccountPermit, notice: Option<NewMail>) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let notice = notice.clone();
            Box::pin(async move {
                if tx.execute(REMOVE_TOTP, values![account]).await? == 0 {
                    return Err(Refusal::NotFound.into());
                }
                keep_an_owners(tx, account).await?;
                Ok(changed(tx, account, notice).await?)
            })
        });
        self.write(permit, work).await
    }

    /// New recovery codes, by their hashes; the old ones count no more.
    ///
    /// # Errors
    /// `Conflict` where the account has no second factor.
    pub async fn replace_recovery_codes(
        &self,
        permit: AccountPermit,
        hashes: Vec<Vec<u8>>,
    ) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let hashes = hashes.clone();
            Box::pin(async move {
                if !has_any(tx, account).await? {
                    return Err(Refusal::Conflict(Conflict::NoSecondFactor).into());
                }
                Ok(replace_codes(tx, account, hashes).await?)
            })
        });
        self.write(permit, work).await
    }
}
