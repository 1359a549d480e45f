//! AI settings of a workspace, and what was asked by whom. A key comes in sealed; nothing here could open it.

use stoa_domain::ai::{Feature, Provider};
use stoa_domain::permission::ai::{Change, DescribeMerge, Edit, Explain, ProposeProfile, Remove, Test};
use stoa_domain::{
    AccountId, Actor, MemberId, Permission, Permit, Refusal, ResourceKind, SystemPermit, Timestamp,
    WorkspaceId,
};

use crate::detail::Detail;
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

/// Microseconds of a day.
const DAY: i64 = 24 * 3600 * 1_000_000;

crate::statements! {
    FIND = "SELECT provider, model, base_url, api_key, key_last4, key_set_by, key_set_at, revision
        FROM ai_settings WHERE workspace_id = $1";
    IS_SET = "SELECT EXISTS (SELECT 1 FROM ai_settings WHERE workspace_id = $1)";
    PUT = "INSERT INTO ai_settings (workspace_id, provider, model, base_url, api_key, key_last4, key_set_by, key_set_at,
            revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (workspace_id) DO UPDATE SET provider = excluded.provider, model = excluded.model,
            base_url = excluded.base_url, api_key = excluded.api_key, key_last4 = excluded.key_last4,
            key_set_by = excluded.key_set_by, key_set_at = excluded.key_set_at, revision = excluded.revision";
    REMOVE = "DELETE FROM ai_settings WHERE workspace_id = $1";
    /// Also of somebody who was removed meanwhile: it was asked, and is paid for.
    COUNT = "INSERT INTO ai_consumption (workspace_id, account_id, day_at, feature, member_id, name, requests, input_tokens,
            output_tokens)
        SELECT w.id, a.id, $4, $5, $3, a.name, $6, $7, $8 FROM workspaces w JOIN accounts a ON a.id = $2 WHERE w.id = $1
        ON CONFLICT (workspace_id, account_id, day_at, feature) DO UPDATE SET
            member_id = excluded.member_id, name = excluded.name,
            requests = ai_consumption.requests + excluded.requests,
            input_tokens = ai_consumption.input_tokens + excluded.input_tokens,
            output_tokens = ai_consumption.output_tokens + excluded.output_tokens";
    USAGE = "SELECT u.account_id, COALESCE(m.id, u.member_id), CASE WHEN m.id IS NULL THEN u.name ELSE a.name END,
            m.id IS NOT NULL, u.day_at, u.feature, u.requests, u.input_tokens, u.output_tokens
        FROM ai_consumption u JOIN accounts a ON a.id = u.account_id
        LEFT JOIN members m ON m.workspace_id = u.workspace_id AND m.account_id = u.account_id
        WHERE u.workspace_id = $1 AND u.day_at >= $2 ORDER BY u.day_at DESC, u.name, u.account_id, u.feature";
    KEEP_NAME = "UPDATE ai_consumption SET name = (SELECT name FROM accounts WHERE id = $2)
        WHERE workspace_id = $1 AND account_id = $2";
}

/// A key as it is kept.
#[derive(Clone)]
pub struct SealedKey {
    pub sealed: Vec<u8>,
    /// Its last four characters, where that tells little of it.
    pub last4: Option<String>,
    pub set_by: String,
    pub set_at: Timestamp,
}

#[derive(Clone)]
pub struct AiSettingsRecord {
    pub provider: Provider,
    pub model: String,
    pub base_url: Option<String>,
    pub key: Option<SealedKey>,
    pub revision: i64,
}

/// What becomes of the key with a change.
#[derive(Clone)]
pub enum WantedKey {
    /// The one that is there, if it was given for this provider and this address.
    Kept,
    /// None from now on.
    Without,
    New {
        sealed: Vec<u8>,
        last4: Option<String>,
    },
}

#[derive(Clone)]
pub struct AiSettingsChange {
    pub provider: Provider,
    pub model: String,
    pub base_url: Option<String>,
    pub key: WantedKey,
    /// Refused where there is another revision by now; 0 is nothing set.
    pub expected: Option<i64>,
}

/// Tokens, as the provider counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    pub input: i64,
    pub output: i64,
}

/// What one account asked for on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRecord {
    pub account: AccountId,
    /// The member that it is, or was last.
    pub member: MemberId,
    /// Of one that is no member any more, the name that it had when it left.
    pub name: String,
    pub is_member: bool,
    /// The day's first moment.
    pub day: Timestamp,
    pub feature: String,
    pub requests: i64,
    pub tokens: Tokens,
}

fn read(row: &Row) -> Result<AiSettingsRecord, StorageFault> {
    let provider: String = row.get(0)?;
    let key = match row.get::<Option<Vec<u8>>>(3)? {
        None => None,
        Some(sealed) => Some(SealedKey {
            sealed,
            last4: row.get(4)?,
            set_by: row.get::<Option<String>>(5)?.unwrap_or_default(),
            set_at: row.get::<Option<Timestamp>>(6)?.unwrap_or(Timestamp::from_micros(0)),
        }),
    };
    Ok(AiSettingsRecord {
        provider: Provider::from_key(&provider).ok_or(StorageFault::Unknown(provider))?,
        model: row.get(1)?,
        base_url: row.get(2)?,
        key,
        revision: row.get(7)?,
    })
}

/// The key as it will be. One that was given for another provider or another address is never taken over.
fn settle(
    before: Option<&AiSettingsRecord>,
    change: &AiSettingsChange,
    by: &str,
    now: Timestamp,
) -> Result<Option<SealedKey>, Refusal> {
    let required = |detail: &'static str| Refusal::invalid("api_key", "required", detail);
    match &change.key {
        WantedKey::New { sealed, last4 } => Ok(Some(SealedKey {
            sealed: sealed.clone(),
            last4: last4.clone(),
            set_by: by.to_owned(),
            set_at: now,
        })),
        WantedKey::Without if change.provider.needs_key() => {
            Err(required("This provider answers nobody without a key."))
        }
        WantedKey::Without => Ok(None),
        WantedKey::Kept => {
            let is_same = before.is_some_and(|before| {
                before.provider == change.provider && before.base_url == change.base_url
            });
            let held = before.and_then(|before| before.key.clone());
            match held {
                Some(key) if is_same => Ok(Some(key)),
                Some(_) => Err(required(
                    "Give the key anew: the one that is kept was given for another provider or another address.",
                )),
                None if change.provider.needs_key() => {
                    Err(required("Give the key that the provider has made for you."))
                }
                None => Ok(None),
            }
        }
    }
}

/// What audit events say of a call: first whom it is to.
fn detail(provider: Provider) -> Detail {
    Detail::default().text("provider", provider.key())
}

async fn count(
    tx: &mut Tx<'_>,
    (workspace, member): (WorkspaceId, MemberId),
    account: AccountId,
    feature: Feature,
    requests: i64,
    tokens: Tokens,
) -> Result<(), StorageFault> {
    let day = Timestamp::from_micros(tx.now().micros().div_euclid(DAY) * DAY);
    let values =
        values![workspace, account, member, day, feature.key(), requests, tokens.input, tokens.output];
    tx.execute(COUNT, values).await.map(drop)
}

/// Before somebody is taken out: what they asked stays under the name that the audit log has for them.
pub(crate) async fn keep_name(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    account: AccountId,
) -> Result<(), StorageFault> {
    tx.execute(KEEP_NAME, values![workspace, account]).await.map(drop)
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn find_ai_settings(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Option<AiSettingsRecord>, StorageFault> {
        self.fetch_optional(FIND, values![workspace]).await?.as_ref().map(read).transpose()
    }

    /// Whether the workspace has a provider: whether the features are shown.
    ///
    /// # Errors
    /// A fault.
    pub async fn has_ai(&self, workspace: WorkspaceId) -> Result<bool, StorageFault> {
        self.fetch_optional(IS_SET, values![workspace]).await?.map_or(Ok(false), |row| row.get(0))
    }

    /// # Errors
    /// `PreconditionFailed`; `Invalid` where the key has to be given anew.
    pub async fn change_ai_settings(
        &self,
        permit: Permit<Change>,
        change: AiSettingsChange,
    ) -> Result<AiSettingsRecord, Failure> {
        let (workspace, by) = (permit.workspace(), permit.actor().name.clone());
        let work: Work<AiSettingsRecord> = Box::new(move |tx| {
            let (change, by) = (change.clone(), by.clone());
            Box::pin(async move {
                let before = tx.fetch_optional(FIND, values![workspace]).await?;
                let before = before.as_ref().map(read).transpose()?;
                let revision = before.as_ref().map_or(0, |before| before.revision);
                if change.expected.is_some_and(|expected| expected != revision) {
                    return Err(Refusal::PreconditionFailed.into());
                }
                let key = settle(before.as_ref(), &change, &by, tx.now())?;
                let after = AiSettingsRecord {
                    provider: change.provider,
                    model: change.model,
                    base_url: change.base_url,
                    key,
                    revision: revision + 1,
                };
                put(tx, workspace, &after).await?;
                let is_new_key = matches!(change.key, WantedKey::New { .. });
                let of_key = match (is_new_key, &after.key) {
                    (true, _) => "set",
                    (false, Some(_)) => "kept",
                    (false, None) => "none",
                };
                tx.audit_detail(detail(after.provider).text("key", of_key).finish());
                tx.audit_name(after.model.clone());
                tx.tell(workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid()).await?;
                Ok(after)
            })
        });
        self.write(permit, work).await
    }

    /// The key goes with them.
    ///
    /// # Errors
    /// `PreconditionFailed`.
    pub async fn remove_ai_settings(
        &self,
        permit: Permit<Remove>,
        expected: Option<i64>,
    ) -> Result<(), Failure> {
        let workspace = permit.workspace();
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let before = tx.fetch_optional(FIND, values![workspace]).await?;
                let before = before.as_ref().map(read).transpose()?;
                let revision = before.as_ref().map_or(0, |before| before.revision);
                if expected.is_some_and(|expected| expected != revision) {
                    return Err(Refusal::PreconditionFailed.into());
                }
                if let Some(before) = before {
                    tx.audit_detail(detail(before.provider).finish());
                    tx.audit_name(before.model);
                }
                tx.execute(REMOVE, values![workspace]).await?;
                Ok(tx.tell(workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid()).await?)
            })
        });
        self.write(permit, work).await
    }

    /// An owner tries the provider: counted before anything leaves.
    ///
    /// # Errors
    /// A fault.
    pub async fn begin_ai_test(&self, permit: Permit<Test>, provider: Provider) -> Result<(), Failure> {
        self.begin(permit, Feature::Test, detail(provider).finish(), None).await
    }

    /// A member has something explained: written down, and counted, before anything leaves.
    ///
    /// # Errors
    /// A fault.
    pub async fn begin_ai_explain(
        &self,
        permit: Permit<Explain>,
        provider: Provider,
        lines: usize,
        instance_name: String,
    ) -> Result<(), Failure> {
        let detail = detail(provider).json("lines", &lines.to_string()).finish();
        self.begin(permit, Feature::Explain, detail, Some(instance_name)).await
    }

    /// A description of a merge begins.
    ///
    /// # Errors
    /// What the second decision refuses, or a fault.
    pub async fn begin_ai_description(
        &self,
        permit: Permit<DescribeMerge>,
        provider: Provider,
        project_name: String,
    ) -> Result<(), Failure> {
        self.begin(permit, Feature::DescribeMerge, detail(provider).finish(), Some(project_name)).await
    }

    /// An edit of a file begins.
    ///
    /// # Errors
    /// What the second decision refuses, or a fault.
    pub async fn begin_ai_edit(
        &self,
        permit: Permit<Edit>,
        provider: Provider,
        lines: usize,
        instance_name: String,
    ) -> Result<(), Failure> {
        let detail = detail(provider).json("lines", &lines.to_string()).finish();
        self.begin(permit, Feature::Edit, detail, Some(instance_name)).await
    }

    /// A proposal of a permission profile begins.
    ///
    /// # Errors
    /// What the second decision refuses, or a fault.
    pub async fn begin_ai_profile(
        &self,
        permit: Permit<ProposeProfile>,
        provider: Provider,
    ) -> Result<(), Failure> {
        self.begin(permit, Feature::ProposeProfile, detail(provider).finish(), None).await
    }

    async fn begin<P: Permission>(
        &self,
        permit: Permit<P>,
        feature: Feature,
        detail: String,
        name: Option<String>,
    ) -> Result<(), Failure> {
        let (of, account) = ((permit.workspace(), permit.member()), permit.actor().account);
        let work: Work<()> = Box::new(move |tx| {
            let (detail, name) = (detail.clone(), name.clone());
            Box::pin(async move {
                tx.audit_detail(detail);
                if let Some(name) = name {
                    tx.audit_name(name);
                }
                Ok(count(tx, of, account, feature, 1, Tokens::default()).await?)
            })
        });
        self.write(permit, work).await
    }

    /// What a request that was begun has cost.
    ///
    /// # Errors
    /// A fault.
    pub async fn add_ai_tokens(
        &self,
        of: (WorkspaceId, MemberId),
        actor: Actor,
        feature: Feature,
        tokens: Tokens,
    ) -> Result<(), Failure> {
        let account = actor.account;
        let permit = SystemPermit::new(of.0, "ai.count", None, Some(actor));
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                // That it was asked is written down already.
                tx.audit_nothing();
                Ok(count(tx, of, account, feature, 0, tokens).await?)
            })
        });
        self.write(permit, work).await
    }

    /// By account and day, the newest day first; also of those who have left.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_ai_usage(
        &self,
        workspace: WorkspaceId,
        since: Timestamp,
    ) -> Result<Vec<UsageRecord>, StorageFault> {
        let since = Timestamp::from_micros(since.micros().div_euclid(DAY) * DAY);
        let rows = self.fetch_all(USAGE, values![workspace, since]).await?;
        rows.iter()
            .map(|row| {
                Ok(UsageRecord {
                    account: row.get(0)?,
                    member: row.get(1)?,
                    name: row.get(2)?,
                    is_member: row.get(3)?,
                    day: row.get(4)?,
                    feature: row.get(5)?,
                    requests: row.get(6)?,
                    tokens: Tokens { input: row.get(7)?, output: row.get(8)? },
                })
            })
            .collect()
    }
}

async fn put(tx: &mut Tx<'_>, workspace: WorkspaceId, after: &AiSettingsRecord) -> Result<(), StorageFault> {
    let key = after.key.clone();
    let (sealed, last4, set_by, set_at) = match key {
        Some(key) => (Some(key.sealed), key.last4, Some(key.set_by), Some(key.set_at)),
        None => (None, None, None, None),
    };
    let (provider, model) = (after.provider.key(), after.model.as_str());
    let base_url = after.base_url.clone();
    let values = values![workspace, provider, model, base_url, sealed, last4, set_by, set_at, after.revision];
    tx.execute(PUT, values).await.map(drop)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record(provider: Provider, base_url: Option<&str>) -> AiSettingsRecord {
        let key = SealedKey {
            sealed: vec![1],
            last4: None,
            set_by: "Anna".to_owned(),
            set_at: Timestamp::from_micros(1),
        };
        let base_url = base_url.map(str::to_owned);
        AiSettingsRecord { provider, model: "m".to_owned(), base_url, key: Some(key), revision: 1 }
    }

    fn settled(
        before: Option<&AiSettingsRecord>,
        provider: Provider,
        base_url: Option<&str>,
    ) -> Option<bool> {
        let change = AiSettingsChange {
            provider,
            model: "m".to_owned(),
            base_url: base_url.map(str::to_owned),
            key: WantedKey::Kept,
            expected: None,
        };
        settle(before, &change, "Ben", Timestamp::from_micros(2)).ok().map(|key| key.is_some())
    }

    #[test]
    fn a_key_is_kept_for_one_provider_and_one_address() {
        let openai = record(Provider::OpenAi, None);
        assert_eq!(settled(Some(&openai), Provider::OpenAi, None), Some(true));
        for (provider, base_url) in [
            (Provider::Groq, None),
            (Provider::Anthropic, None),
            (Provider::Ollama, Some("http://a:1/v1")),
            (Provider::Custom, Some("https://a/v1")),
        ] {
            assert_eq!(settled(Some(&openai), provider, base_url), None, "{provider:?}");
        }
        let custom = record(Provider::Custom, Some("https://a/v1"));
        assert_eq!(settled(Some(&custom), Provider::Custom, Some("https://a/v1")), Some(true));
        assert_eq!(settled(Some(&custom), Provider::Custom, Some("https://b/v1")), None);
        assert_eq!(settled(None, Provider::OpenAi, None), None);
        assert_eq!(settled(None, Provider::Ollama, Some("http://a:1/v1")), Some(false));
    }
}
