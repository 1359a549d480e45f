//! What is set of an instance: seen, changed as a whole, and what was changed before.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use stoa_app::App;
use stoa_app::certificate::CertificateState;
use stoa_app::instance::domains::DomainRecord;
use stoa_app::instance::settings::{ChangeSettings, Part, SeenChange, SeenSettings};
use stoa_app::pointing::Pointing;
use stoa_app::ports::Enforcement;
use stoa_domain::certificate::Trouble;
use stoa_domain::instance::Visibility;
use stoa_domain::permission::settings as may;
use stoa_domain::settings::{self, DomainName, EnforcedBy, HealthCheck, Limits, Range};
use stoa_domain::{FieldProblem, Refusal};
use utoipa::ToSchema;

use super::environment::{VariableView, VariableWish};
use super::instance::VISIBILITIES;
use super::schedule::BackupPlan;
use super::shared::{JobView, word};
use super::wire::{PageQuery, page, time};
use crate::answer::{Answer, Object, Page};
use crate::argument::{Again, AnyJson, IfMatch, Json, Query, Uses};
use crate::conditional::{check, etag};
use crate::gate::{Asked, May};
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/settings";
    let sample = json!({ "limits": { "memory": 536_870_912 }, "visibility": "members" });
    routes
        .get(ONE, view, Operation::new("viewSettings", 200, "What is set of an instance.").tagged())
        .patch(
            ONE,
            change,
            Operation::new("changeSettings", 200, "Changes what is said of an instance's settings.")
                .body(sample)
                .tagged()
                .refuses(&["conflict", "no_sandbox", "server_away"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/instances/{instance}/settings/changes",
            list_changes,
            Operation::new("listSettingsChanges", 200, "What was changed of the settings, newest first."),
        )
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/settings/changes/{change}/revert",
            revert,
            Operation::new("revertSettings", 200, "Undoes what a change did, as a change of its own.")
                .body(json!({}))
                .tagged()
                .refuses(&["conflict", "owner_required"]),
        )
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/settings/domains/{domain}/check",
            check_domain,
            Operation::new("checkDomain", 200, "Looks now for the proof of a domain.")
                .body(json!({}))
                .refuses(&["too_many_requests"]),
        )
}

/// The certificate of a host.
#[derive(Serialize, ToSchema)]
struct HostCertificate {
    /// `null` until one was issued.
    #[schema(format = DateTime)]
    ends_at: Option<String>,
    /// What keeps it from having one, or a newer one; `null` where nothing does.
    #[schema(value_type = Option<words::CertificateTrouble>)]
    trouble: Option<&'static str>,
    /// The same in a sentence without its full stop; what the certificate authority says, in its words.
    problem: Option<String>,
    /// When it is tried next: for the first time, once more, or because it ends.
    #[schema(format = DateTime)]
    next_at: String,
}

impl HostCertificate {
    fn of(state: &CertificateState) -> Self {
        Self {
            ends_at: state.ends_at.map(time),
            trouble: state.trouble.map(Trouble::key),
            problem: state.problem.clone(),
            next_at: time(state.next_at),
        }
    }
}

/// A domain of an instance.
#[derive(Serialize, ToSchema)]
struct DomainView {
    /// In lower case, its letters of other scripts as punycode.
    host: String,
    /// As people read it.
    shown: String,
    /// Where the proof has to stand, as a TXT record.
    proof_name: String,
    proof: String,
    /// Since when the proof is there. Until then the domain doesn't serve.
    #[schema(format = DateTime)]
    verified_at: Option<String>,
    /// When it was last looked for.
    #[schema(format = DateTime)]
    checked_at: Option<String>,
    /// What was found instead, in one sentence.
    problem: Option<String>,
    /// Where it leads; `null` before it was looked at.
    #[schema(value_type = Option<words::DomainLeads>)]
    leads: Option<&'static str>,
    /// Its addresses.
    leads_to: Vec<String>,
    /// Those by which this installation is reached.
    should_lead_to: Vec<String>,
    /// `null` where Stoa asks no certificate authority, or hasn't to.
    certificate: Option<HostCertificate>,
}

impl DomainView {
    fn of(domain: DomainRecord, certificates: &[CertificateState]) -> Self {
        let own = certificates.iter().find(|one| one.host == domain.host);
        let pointing = domain.pointing.as_ref();
        let texts = |of: fn(&Pointing) -> &Vec<IpAddr>| {
            pointing.map_or_else(Vec::new, |pointing| of(pointing).iter().map(IpAddr::to_string).collect())
        };
        let name = DomainName::parse(&domain.host).ok();
        Self {
            shown: name.as_ref().map_or_else(|| domain.host.clone(), DomainName::shown),
            proof_name: name.as_ref().map_or_else(String::new, DomainName::proof_name),
            host: domain.host,
            proof: domain.proof,
            verified_at: domain.verified_at.map(time),
            checked_at: domain.checked_at.map(time),
            leads: pointing.map(|pointing| pointing.leads.key()),
            leads_to: texts(|pointing| &pointing.to),
            should_lead_to: texts(|pointing| &pointing.should),
            problem: domain.problem,
            certificate: own.map(HostCertificate::of),
        }
    }
}

/// What an instance may use. `null`: what is usual.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InstanceLimits {
    /// Bytes of all its processes together.
    #[serde(default)]
    memory: Option<i64>,
    /// Thousandths of one processor.
    #[serde(default)]
    processor: Option<i64>,
    /// Processes and threads at once.
    #[serde(default)]
    processes: Option<i64>,
    /// Bytes of data.
    #[serde(default)]
    disk: Option<i64>,
}

/// What a limit can be, and what stands behind it.
#[derive(Serialize, ToSchema)]
struct LimitRule {
    least: i64,
    most: i64,
    /// What holds where nothing is set; `null`: no limit.
    usual: Option<i64>,
    /// `null` while that isn't known.
    #[schema(value_type = Option<words::EnforcedBy>)]
    enforced_by: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct LimitRules {
    memory: LimitRule,
    processor: LimitRule,
    processes: LimitRule,
    disk: LimitRule,
}

impl LimitRules {
    fn of(enforcement: Option<Enforcement>) -> Self {
        let rule = |range: Range, by: fn(Enforcement) -> EnforcedBy| LimitRule {
            least: range.least,
            most: range.most,
            usual: range.usual,
            enforced_by: enforcement.map(|all| by(all).key()),
        };
        Self {
            memory: rule(settings::MEMORY, |all| all.memory),
            processor: rule(settings::PROCESSOR, |all| all.processor),
            processes: rule(settings::PROCESSES, |all| all.processes),
            disk: rule(settings::DISK, |all| all.disk),
        }
    }
}

/// How an instance is asked whether it is well.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InstanceHealth {
    /// Asked by GET; empty: it is enough that something listens.
    path: String,
    /// Codes (`204`) or classes of them (`2xx`).
    status: Vec<String>,
    /// Seconds until the first good answer.
    #[schema(minimum = 1, maximum = 600)]
    start_seconds: i64,
    /// Seconds between later questions.
    #[schema(minimum = 1, maximum = 3600)]
    every_seconds: i64,
    /// After so many bad answers it is restarted.
    #[schema(minimum = 1, maximum = 100)]
    failures: i64,
}

/// What is set of an instance.
#[derive(Serialize, ToSchema)]
struct InstanceSettingsView {
    environment: Vec<VariableView>,
    domains: Vec<DomainView>,
    /// Of the address that Stoa gave it; `null` where Stoa asks no certificate authority for it.
    certificate: Option<HostCertificate>,
    #[schema(value_type = words::InstanceVisibility)]
    visibility: &'static str,
    limits: InstanceLimits,
    limit_rules: LimitRules,
    branch: String,
    /// Those that there are; `null` where the caller isn't allowed to look into the project.
    branches: Option<Vec<String>>,
    /// `null`: as the application says in its `stoa.toml`.
    health: Option<InstanceHealth>,
    /// `null`: by hand alone.
    backup_schedule: Option<BackupPlan>,
    /// Whether what runs was started with other settings.
    restart_needed: bool,
    /// Whether it reaches no mail server, since its data came from production. It can't be set.
    is_mail_off: bool,
    /// The deployment that a change of the branch began.
    job: Option<JobView>,
}

fn tag(seen: &SeenSettings) -> Result<String, stoa_app::Failure> {
    etag(&("settings", seen.revision))
}

async fn answer(app: &App, asked: &Asked, seen: SeenSettings) -> Answer<Object<InstanceSettingsView>> {
    let tag = tag(&seen)?;
    let branches = app.offered_branches(&asked.account, seen.workspace, seen.project).await?;
    let Limits { memory, processor, processes, disk } = seen.limits;
    let is_own = |host: &str| seen.domains.iter().any(|domain| domain.host == host);
    let of_given = seen.certificates.iter().find(|one| !is_own(&one.host)).map(HostCertificate::of);
    let view = InstanceSettingsView {
        certificate: of_given,
        environment: seen.environment.into_iter().map(VariableView::of).collect(),
        domains: seen.domains.into_iter().map(|one| DomainView::of(one, &seen.certificates)).collect(),
        visibility: seen.visibility.key(),
        limits: InstanceLimits { memory, processor, processes, disk },
        limit_rules: LimitRules::of(seen.enforcement),
        branch: seen.branch,
        branches,
        health: seen.health.map(|health| InstanceHealth {
            path: health.path,
            status: health.status,
            start_seconds: health.start_seconds,
            every_seconds: health.every_seconds,
            failures: health.failures,
        }),
        backup_schedule: seen.schedule.map(BackupPlan::of),
        restart_needed: seen.restart_needed,
        is_mail_off: seen.is_mail_off,
        job: seen.job.map(JobView::of),
    };
    Ok(Object::ok(view).tagged(tag).secret())
}

async fn view(
    May(permit): May<may::View>,
    Uses(app): Uses,
    Again(asked): Again,
) -> Answer<Object<InstanceSettingsView>> {
    answer(&app, &asked, app.view_settings(permit).await?).await
}

/// A domain as somebody wants it. What only Stoa finds out may be sent back as it was told, and be nothing else.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DomainWish {
    host: String,
    proof: Option<String>,
    #[schema(format = DateTime)]
    verified_at: Option<String>,
}

impl DomainWish {
    fn says_more(&self) -> bool {
        self.proof.is_some() || self.verified_at.is_some()
    }

    /// What it says that isn't so now, of those that there are.
    fn wrong(&self, place: usize, own: &[DomainRecord]) -> Vec<FieldProblem> {
        let name = DomainName::parse(&self.host).ok();
        let own = name.and_then(|name| own.iter().find(|one| one.host == name.as_str()));
        let wrong = |field: &str, detail: &str| {
            FieldProblem::new(&format!("domains.{place}.{field}"), "mismatch", detail)
        };
        let mut problems = Vec::new();
        if self.proof.as_ref().is_some_and(|said| own.is_none_or(|own| own.proof != *said)) {
            problems
                .push(wrong("proof", "Stoa makes the proof. Leave it out, or send it back as it is told."));
        }
        let verified_at = own.and_then(|own| own.verified_at).map(time);
        if self.verified_at.is_some() && self.verified_at != verified_at {
            let detail =
                "Stoa finds out when the proof is there. Leave it out, or send it back as it is told.";
            problems.push(wrong("verified_at", detail));
        }
        problems
    }
}

/// What was said, `null` included, apart from what wasn't.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// What isn't said stays as it is; what is said takes the place of all that there was of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InstanceSettingsChange {
    environment: Option<Vec<VariableWish>>,
    domains: Option<Vec<DomainWish>>,
    #[schema(value_type = Option<words::InstanceVisibility>)]
    visibility: Option<String>,
    limits: Option<InstanceLimits>,
    /// It is deployed at once.
    branch: Option<String>,
    /// `null`: as the application says.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<InstanceHealth>)]
    health: Option<Option<InstanceHealth>>,
    /// `null`: by hand alone.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<BackupPlan>)]
    backup_schedule: Option<Option<BackupPlan>>,
}

async fn change(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    Again(asked): Again,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<InstanceSettingsChange>,
) -> Answer<Object<InstanceSettingsView>> {
    let expected = match wanted {
        None => None,
        Some(wanted) => {
            let current = app.load_settings_for_change(&permit).await?;
            check(Some(&wanted), &tag(&current)?)?;
            Some(current.revision)
        }
    };
    if let Some(wanted) = wish.domains.as_ref().filter(|all| all.iter().any(DomainWish::says_more)) {
        let own = app.load_settings_for_change(&permit).await?.domains;
        let wrong = wanted.iter().enumerate().flat_map(|(place, domain)| domain.wrong(place, &own));
        let wrong: Vec<FieldProblem> = wrong.collect();
        if !wrong.is_empty() {
            return Err(Refusal::Invalid(wrong).into());
        }
    }
    let domains: Option<Vec<String>> =
        wish.domains.map(|all| all.into_iter().map(|domain| domain.host).collect());
    let permit = match &domains {
        None => permit,
        Some(domains) => app.authorize_taking_domains(&asked.account, permit, domains).await?,
    };
    let schedule = match wish.backup_schedule {
        Some(Some(plan)) => Some(Some(plan.wanted("backup_schedule")?)),
        other => other.map(|_| None),
    };
    let wish = ChangeSettings {
        environment: wish.environment.map(|all| all.into_iter().map(VariableWish::wanted).collect()),
        domains,
        visibility: word("visibility", wish.visibility.as_deref(), Visibility::from_key, VISIBILITIES)?,
        limits: wish.limits.map(|limits| Limits {
            memory: limits.memory,
            processor: limits.processor,
            processes: limits.processes,
            disk: limits.disk,
        }),
        branch: wish.branch,
        health: wish.health.map(|said| {
            said.map(|health| HealthCheck {
                path: health.path,
                status: health.status,
                start_seconds: health.start_seconds,
                every_seconds: health.every_seconds,
                failures: health.failures,
            })
        }),
        schedule,
    };
    answer(&app, &asked, app.change_settings(permit, wish, expected).await?).await
}

#[derive(Serialize, ToSchema)]
struct ChangedBy {
    name: String,
}

/// One thing that a change did.
#[derive(Serialize, ToSchema)]
struct SettingsPart {
    #[schema(value_type = words::SettingKey)]
    setting: &'static str,
    /// Of a variable or a domain.
    name: Option<String>,
    #[schema(value_type = words::Turn)]
    turn: &'static str,
    /// `null` where there was none, where it was as usual, or where it is secret.
    before: Option<String>,
    after: Option<String>,
    /// Whether a value of it was or is secret: then neither is told, and what was overwritten is gone.
    secret: bool,
}

impl SettingsPart {
    fn of(part: Part) -> Self {
        Self {
            setting: part.setting.key(),
            name: Some(part.name).filter(|name| !name.is_empty()),
            turn: part.turn.key(),
            before: part.before,
            after: part.after,
            secret: part.is_secret,
        }
    }
}

/// The change that another one undid.
#[derive(Serialize, ToSchema)]
struct RevertedChange {
    #[schema(format = "uuid")]
    id: String,
    /// `null` where it isn't kept any more.
    number: Option<i64>,
}

/// A change of an instance's settings.
#[derive(Serialize, ToSchema)]
struct SettingsChangeView {
    #[schema(format = "uuid")]
    id: String,
    /// They rise; not each number is one of these.
    number: i64,
    /// `null` where the account is gone.
    by: Option<ChangedBy>,
    #[schema(format = DateTime)]
    at: String,
    /// Whether what ran then had to be started anew for it.
    needs_restart: bool,
    /// The change that this one undid.
    reverts: Option<RevertedChange>,
    /// Whether there is anything of it that the caller can undo.
    can_revert: bool,
    parts: Vec<SettingsPart>,
}

impl SettingsChangeView {
    fn of(seen: SeenChange) -> Self {
        let SeenChange { change, can_revert } = seen;
        Self {
            id: change.id.to_string(),
            number: change.revision,
            by: change.account_name.map(|name| ChangedBy { name }),
            at: time(change.at),
            needs_restart: change.needs_restart,
            reverts: change.reverts.map(|(id, number)| RevertedChange { id: id.to_string(), number }),
            can_revert,
            parts: change.parts.into_iter().map(SettingsPart::of).collect(),
        }
    }
}

async fn list_changes(
    May(permit): May<may::ListChanges>,
    Uses(app): Uses,
    Query(query): Query<PageQuery>,
) -> Answer<Object<Page<SettingsChangeView>>> {
    let (length, before) = query.read::<i64>()?;
    let found = app.list_settings_changes(permit, before, length + 1).await?;
    Ok(Object::ok(page(found, length, |seen| seen.change.revision.to_string(), SettingsChangeView::of)))
}

/// Nothing to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn revert(
    May(permit): May<may::Revert>,
    Uses(app): Uses,
    Again(asked): Again,
    IfMatch(wanted): IfMatch,
    AnyJson(Nothing {}): AnyJson<Nothing>,
) -> Answer<Object<InstanceSettingsView>> {
    let expected = match wanted {
        None => None,
        Some(wanted) => {
            let current = app.load_settings_for_revert(&permit).await?;
            check(Some(&wanted), &tag(&current)?)?;
            Some(current.revision)
        }
    };
    answer(&app, &asked, app.revert_settings(permit, expected).await?).await
}

async fn check_domain(
    May(permit): May<may::CheckDomain>,
    Uses(app): Uses,
    AnyJson(Nothing {}): AnyJson<Nothing>,
) -> Answer<Object<DomainView>> {
    let (domain, certificates) = app.check_domain(permit).await?;
    Ok(Object::ok(DomainView::of(domain, &certificates)))
}
