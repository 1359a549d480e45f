//! AI settings of a workspace, and what a model is asked for: to explain a log or a failed deployment, to describe a
//! merge, to propose an edit of a file or a permission profile.
//!
//! A key is sealed for one provider and one address, and goes nowhere else. What leaves was cleaned first (`clean`); what
//! comes back is text for a person and is never carried out.

mod citations;
pub mod clean;
mod describe;
mod edit;
mod explain;
mod form;
mod going;
mod lines;
pub mod models;
mod profile;
mod prompt;
mod secret_places;

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use stoa_domain::ai::{Feature, Provider, check_key, check_model, last_four};
use stoa_domain::name::sorted_as;
use stoa_domain::permission::ai as may;
use stoa_domain::{
    AccountId, FieldProblem, MemberId, Permission, Permit, Refusal, Secret, Timestamp, WorkspaceId,
};
use stoa_storage::ai::{AiSettingsChange, AiSettingsRecord, WantedKey};
use stoa_storage::attempt::Limit;

pub use edit::{EditWanted, Edited};
pub use explain::{Evidence, Explaining, Stretch, Telling};
pub use profile::{Named, ProposedProfile};
pub use stoa_storage::ai::{Tokens, UsageRecord};

use crate::ports::{Counted, ModelAccess, ModelProblem, Said, SealedPlace};
use crate::{App, Failure};

/// The version of the workspace's key by which API keys are sealed.
const KEY_VERSION: i64 = 1;
/// Real calls that owners make by hand.
const TRIES: Limit = Limit { count: 20, seconds: 60 };
/// Letters of an answer to a test that are shown.
const LONGEST_REPLY: usize = 400;
/// Letters of a text whose cleaning is shown.
const LONGEST_PREVIEW: usize = 20_000;
/// Days of usage that are shown.
const DAYS: i64 = 30;

/// The settings as an owner sees them: the key never.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenAi {
    pub provider: Option<Provider>,
    pub model: Option<String>,
    pub base_url: Option<String>,
    pub key: Option<SeenKey>,
    /// 0 where nothing is set.
    pub revision: i64,
}

/// What is said of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenKey {
    /// `None` of a key that is too short to show any of it.
    pub last4: Option<String>,
    pub set_by: String,
    pub set_at: Timestamp,
}

/// Settings as an owner wants them. Without a key the one that is there stays, if provider and address do; an empty one is
/// none.
pub struct WantedAi {
    pub provider: String,
    pub model: String,
    pub base_url: Option<String>,
    pub key: Option<Secret>,
    pub expected: Option<i64>,
}

/// How a real call went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub model: String,
    pub latency_ms: u64,
    pub reply: String,
    pub tokens: Tokens,
}

/// What one member asked for over the days that are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberUsage {
    pub member: MemberId,
    pub name: String,
    /// Whoever has left keeps what they asked.
    pub is_member: bool,
    pub requests: i64,
    pub tokens: Tokens,
}

/// What was asked for on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayUsage {
    pub day: Timestamp,
    pub requests: i64,
    pub tokens: Tokens,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenUsage {
    pub since: Timestamp,
    /// Who asked most stands first.
    pub members: Vec<MemberUsage>,
    /// The newest day first; days without anything aren't there.
    pub days: Vec<DayUsage>,
}

fn seen(record: Option<AiSettingsRecord>) -> SeenAi {
    let Some(record) = record else { return SeenAi::default() };
    SeenAi {
        provider: Some(record.provider),
        model: Some(record.model),
        base_url: record.base_url,
        key: record.key.map(|key| SeenKey { last4: key.last4, set_by: key.set_by, set_at: key.set_at }),
        revision: record.revision,
    }
}

/// A key opens only for the provider and the address that it was given for.
fn place(workspace: WorkspaceId, provider: Provider, base_url: Option<&str>) -> SealedPlace {
    SealedPlace {
        workspace,
        table: "ai_settings",
        column: "api_key",
        row: format!("{workspace}/{}/{}", provider.key(), base_url.unwrap_or_default()),
        version: KEY_VERSION,
    }
}

pub(crate) fn refused(problem: ModelProblem) -> Failure {
    Refusal::ProviderError { detail: problem.detail, retry_after: problem.retry_after }.into()
}

fn tokens(counted: Counted) -> Tokens {
    let number = |count: Option<u64>| i64::try_from(count.unwrap_or(0)).unwrap_or(i64::MAX);
    Tokens { input: number(counted.input), output: number(counted.output) }
}

impl App {
    /// # Errors
    /// A fault.
    pub async fn view_ai(&self, permit: Permit<may::View>) -> Result<SeenAi, Failure> {
        Ok(seen(self.store().find_ai_settings(permit.workspace()).await?))
    }

    /// As they are now: what a guarded change is compared with.
    ///
    /// # Errors
    /// A fault.
    pub async fn load_ai_for_change<P: Permission>(&self, permit: &Permit<P>) -> Result<SeenAi, Failure> {
        Ok(seen(self.store().find_ai_settings(permit.workspace()).await?))
    }

    /// # Errors
    /// `Invalid`, also where the key has to be given anew; `PreconditionFailed`.
    pub async fn change_ai(&self, permit: Permit<may::Change>, wanted: WantedAi) -> Result<SeenAi, Failure> {
        let workspace = permit.workspace();
        let mut problems = Vec::new();
        let provider = Provider::from_key(&wanted.provider);
        if provider.is_none() {
            let detail = "The provider is anthropic, openai, groq, ollama or custom.";
            problems.push(FieldProblem::new("provider", "unknown", detail));
        }
        let model = check_model(&wanted.model)
            .map_err(|detail| problems.push(FieldProblem::new("model", "invalid", detail)))
            .ok();
        let base_url = provider.and_then(|provider| self.base_url(provider, wanted.base_url, &mut problems));
        let key = wanted.key.as_ref().and_then(Secret::reveal_text).map(str::trim);
        if let Some(detail) = key.filter(|key| !key.is_empty()).and_then(|key| check_key(key).err()) {
            problems.push(FieldProblem::new("api_key", "invalid", detail));
        }
        let (Some(provider), Some(model), true) = (provider, model, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let key = match key {
            None => WantedKey::Kept,
            Some("") => WantedKey::Without,
            Some(key) => {
                let wrapped = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
                let place = place(workspace, provider, base_url.as_deref());
                let secret = Secret::from_text(key.to_owned());
                WantedKey::New {
                    sealed: self.outside().vault.seal(&wrapped, &place, &secret)?,
                    last4: last_four(key),
                }
            }
        };
        let change = AiSettingsChange { provider, model, base_url, key, expected: wanted.expected };
        Ok(seen(Some(self.store().change_ai_settings(permit, change).await?)))
    }

    /// Required where the provider has no address of its own, refused where it has.
    fn base_url(
        &self,
        provider: Provider,
        given: Option<String>,
        problems: &mut Vec<FieldProblem>,
    ) -> Option<String> {
        let given = given.filter(|text| !text.trim().is_empty());
        let mut problem = |code, detail: String| problems.push(FieldProblem::new("base_url", code, detail));
        match (provider.has_base_url(), given) {
            (false, None) => None,
            (false, Some(_)) => {
                problem(
                    "not_allowed",
                    "This provider has an address of its own. Leave the base URL out.".to_owned(),
                );
                None
            }
            (true, None) => {
                problem(
                    "required",
                    "Give the base URL of the server, such as http://127.0.0.1:11434.".to_owned(),
                );
                None
            }
            (true, Some(text)) => {
                let checked = self.outside().models.check_base_url(&text);
                checked.map_err(|detail| problem("invalid", detail)).ok()
            }
        }
    }

    /// # Errors
    /// `PreconditionFailed`.
    pub async fn remove_ai(&self, permit: Permit<may::Remove>, expected: Option<i64>) -> Result<(), Failure> {
        Ok(self.store().remove_ai_settings(permit, expected).await?)
    }

    /// A real call, to its end.
    ///
    /// # Errors
    /// `Conflict` without a provider; `ProviderError`; `TooManyRequests`.
    pub async fn test_ai(&self, permit: Permit<may::Test>) -> Result<Tried, Failure> {
        let access = self.load_model_access(permit.workspace()).await?;
        self.count_try(permit.workspace()).await?;
        let (of, actor) = ((permit.workspace(), permit.member()), permit.actor().clone());
        self.store().begin_ai_test(permit, access.provider).await?;
        let model = access.model.clone();
        let begun = tokio::time::Instant::now();
        let mut saying = self.outside().models.ask(access, prompt::test());
        let (mut reply, mut counted) = (String::new(), Counted::default());
        while let Some(said) = saying.next().await {
            match said.map_err(refused)? {
                Said::Words(words) if reply.len() < LONGEST_REPLY * 4 => reply.push_str(&words),
                Said::Counted(more) => add(&mut counted, more),
                Said::Words(_) | Said::Done => {}
            }
        }
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.store().add_ai_tokens(of, actor, Feature::Test, tokens(counted)).await?;
        let reply =
            clean::joined(&clean::Cleaner::new(&[]).lines([reply.replace('\n', " ").as_str()]).concat());
        let reply: String = reply.trim().chars().take(LONGEST_REPLY).collect();
        if reply.is_empty() {
            let detail = "The provider answered without a word. Try another model.";
            return Err(refused(ModelProblem::new(detail)));
        }
        Ok(Tried { model, latency_ms, reply, tokens: tokens(counted) })
    }

    /// The provider's own list of models, by the saved key.
    ///
    /// # Errors
    /// `Conflict` without a provider; `ProviderError`; `TooManyRequests`.
    pub async fn list_ai_models(&self, permit: Permit<may::ListModels>) -> Result<Vec<String>, Failure> {
        let access = self.load_model_access(permit.workspace()).await?;
        self.count_try(permit.workspace()).await?;
        self.outside().models.list(access).await.map_err(refused)
    }

    /// What of a text would leave: cleaned of the workspace's own key, and of what looks like a secret.
    ///
    /// # Errors
    /// `Invalid` for a text that is too long.
    pub async fn preview_cleaning(
        &self,
        permit: Permit<may::Preview>,
        text: &str,
    ) -> Result<Vec<Vec<clean::Piece>>, Failure> {
        if text.chars().count() > LONGEST_PREVIEW {
            return Err(
                Refusal::invalid("text", "too_long", "A preview is of 20,000 characters at most.").into()
            );
        }
        let record = self.store().find_ai_settings(permit.workspace()).await?;
        let key = match record {
            Some(record) => self.open_key(permit.workspace(), &record).await?,
            None => None,
        };
        let secrets: Vec<Secret> = key.into_iter().collect();
        Ok(clean::Cleaner::new(&secrets).lines(text.split('\n')))
    }

    /// Of the last thirty days.
    ///
    /// # Errors
    /// A fault.
    pub async fn view_ai_usage(&self, permit: Permit<may::ViewUsage>) -> Result<SeenUsage, Failure> {
        let since = self.store().now().plus_seconds(-(DAYS - 1) * 24 * 3600);
        let records = self.store().list_ai_usage(permit.workspace(), since).await?;
        // An account that left and was invited again is one.
        let mut members: BTreeMap<AccountId, MemberUsage> = BTreeMap::new();
        let mut days: Vec<DayUsage> = Vec::new();
        for record in records {
            let UsageRecord { account, member, name, is_member, day, requests, tokens, .. } = record;
            let nothing = Tokens::default();
            let whose = members.entry(account).or_insert(MemberUsage {
                member,
                name,
                is_member,
                requests: 0,
                tokens: nothing,
            });
            (whose.requests, whose.tokens) = (whose.requests + requests, plus(whose.tokens, tokens));
            match days.last_mut().filter(|last| last.day == day) {
                Some(last) => {
                    (last.requests, last.tokens) = (last.requests + requests, plus(last.tokens, tokens));
                }
                None => days.push(DayUsage { day, requests, tokens }),
            }
        }
        let mut members: Vec<MemberUsage> = members.into_values().collect();
        members.sort_by(|a, b| {
            b.requests.cmp(&a.requests).then_with(|| sorted_as(&a.name).cmp(&sorted_as(&b.name)))
        });
        Ok(SeenUsage { since, members, days })
    }

    async fn count_try(&self, workspace: WorkspaceId) -> Result<(), Failure> {
        self.count(format!("ai:try:workspace:{workspace}"), TRIES).await
    }

    /// Where the workspace's model is, and its key.
    pub(crate) async fn load_model_access(&self, workspace: WorkspaceId) -> Result<ModelAccess, Failure> {
        let record = self.store().find_ai_settings(workspace).await?;
        let record = record.ok_or(Refusal::Conflict(stoa_domain::Conflict::NoProvider))?;
        let key = self.open_key(workspace, &record).await?;
        let AiSettingsRecord { provider, model, base_url, .. } = record;
        Ok(ModelAccess { provider, base_url, model, key })
    }

    async fn open_key(
        &self,
        workspace: WorkspaceId,
        record: &AiSettingsRecord,
    ) -> Result<Option<Secret>, Failure> {
        let Some(key) = &record.key else { return Ok(None) };
        let wrapped = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        let place = place(workspace, record.provider, record.base_url.as_deref());
        Ok(Some(self.outside().vault.open(&wrapped, &place, &key.sealed)?))
    }
}

fn plus(one: Tokens, other: Tokens) -> Tokens {
    Tokens { input: one.input + other.input, output: one.output + other.output }
}

/// The newest count of each kind holds: providers count from the beginning of the answer.
pub(crate) fn add(counted: &mut Counted, more: Counted) {
    counted.input = more.input.or(counted.input);
    counted.output = more.output.or(counted.output);
}
