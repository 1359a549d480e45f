//! The closed sets of words, as named schemas: a generated client gets a type for each. The words themselves come from
//! where they are declared.

use std::borrow::Cow;

use stoa_app::abilities::Verb;
use stoa_app::example;
use stoa_app::ports;
use stoa_app::remote;
use stoa_app::settings::WorkspaceCreation as Creation;
use stoa_domain::ai::Provider;
use stoa_domain::backup;
use stoa_domain::certificate;
use stoa_domain::change;
use stoa_domain::deployment::{DeploymentCause, DeploymentStatus};
use stoa_domain::instance::{self, Visibility};
use stoa_domain::invitation::InvitationStatus as Invitations;
use stoa_domain::job;
use stoa_domain::member;
use stoa_domain::metrics;
use stoa_domain::settings;
use stoa_domain::{Action, Because, Via};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

fn words(description: &str, words: Vec<&'static str>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words))
        .into()
}

macro_rules! closed_sets {
    ($($(#[doc = $doc:literal])* $name:ident = $words:expr;)*) => {$(
        $(#[doc = $doc])*
        pub(crate) struct $name;

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                words(concat!($($doc),*).trim(), $words)
            }
        }
    )*};
}

fn keys<T: Copy>(all: &[T], key: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|one| key(*one)).collect()
}

closed_sets! {
    /// Whose models are asked.
    AiProvider = keys(Provider::ALL, Provider::key);
    /// How a run of a schedule ended.
    RunOutcome = keys(ports::RunOutcome::ALL, ports::RunOutcome::key);
    /// An application that comes along.
    ExampleKey = example::ALL.iter().map(|example| example.key).collect();
    /// What an instance is for.
    Stage = keys(instance::Stage::ALL, instance::Stage::key);
    /// How an instance is.
    InstanceStatus = keys(instance::InstanceStatus::ALL, instance::InstanceStatus::key);
    /// Who may open an instance's URL.
    InstanceVisibility = keys(Visibility::ALL, Visibility::key);
    /// A thing that can be set of an instance.
    SettingKey = keys(settings::Setting::ALL, settings::Setting::key);
    /// Where a domain leads, by the DNS.
    DomainLeads = keys(certificate::Leads::ALL, certificate::Leads::key);
    /// What keeps a host from having a certificate, or a newer one.
    CertificateTrouble = keys(certificate::Trouble::ALL, certificate::Trouble::key);
    /// What became of a thing that was set.
    Turn = keys(settings::Turn::ALL, settings::Turn::key);
    /// By what a limit is enforced.
    EnforcedBy = keys(settings::EnforcedBy::ALL, settings::EnforcedBy::key);
    /// Whether the sandbox stays.
    RestartMode = keys(instance::RestartMode::ALL, instance::RestartMode::key);
    /// What a job does.
    JobKind = keys(job::JobKind::ALL, job::JobKind::key);
    /// How a job stands.
    JobStatus = keys(job::JobStatus::ALL, job::JobStatus::key);
    /// How a backup stands.
    BackupStatus = keys(backup::BackupStatus::ALL, backup::BackupStatus::key);
    /// What a backup came of.
    BackupCause = keys(backup::BackupCause::ALL, backup::BackupCause::key);
    /// What a deployment came of.
    Cause = keys(DeploymentCause::ALL, DeploymentCause::key);
    /// How a deployment stands.
    Outcome = keys(DeploymentStatus::ALL, DeploymentStatus::key);
    /// What a member is.
    Role = vec![member::Role::Owner.key(), member::Role::Member.key()];
    /// One of the ten action permissions.
    ActionKey = keys(&Action::ALL, Action::key);
    /// What somebody may be asked about: an action permission, or what owners do.
    AskedKey = keys(&Action::ALL, Action::key).into_iter().chain([Verb::Manage.key()]).collect();
    /// Something that may be done to a thing.
    MayVerb = keys(Verb::ALL, Verb::key);
    /// Why somebody may or can't.
    Reason = keys(
        &[Because::Owner, Because::Granted, Because::ActionMissing, Because::ResourceNotAllowed],
        Because::key,
    );
    /// What came of a merge.
    MergeStatus = vec!["merged", "up_to_date"];
    /// What would come of a merge.
    MergePreviewStatus = vec!["clean", "conflicts", "up_to_date"];
    /// Why a file can't be merged by itself.
    MergeConflictKind = keys(change::ConflictKind::ALL, change::ConflictKind::key);
    /// What became of a file.
    FileChange = keys(change::FileChange::ALL, change::FileChange::key);
    /// What a path stands for.
    FileForm = keys(change::FileForm::ALL, change::FileForm::key);
    /// What an entry of a profile is.
    GrantKind = vec!["action", "project", "instance", "server"];
    /// How an invitation stands.
    InvitationStatus = keys(
        &[Invitations::Pending, Invitations::Accepted, Invitations::Revoked, Invitations::Expired],
        Invitations::key,
    );
    /// How an invitation's link goes to whom it is for.
    Delivery = vec!["mail", "link"];
    /// How a mail stands.
    MailStatus = vec!["waiting", "sent", "refused", "void"];
    /// Why a slug can't be had.
    SlugReason = vec!["taken", "reserved", "invalid"];
    /// Whether a server's machine answers.
    ServerStatus = vec!["ready", "away", "waiting"];
    /// Where a project's repository is.
    RepositoryKind = vec!["hosted", "remote"];
    /// How it stands with a remote repository.
    RemoteStatus = vec!["waiting", "fetching", "fetched", "failing"];
    /// By what a remote repository is opened.
    RemoteCredential = keys(&remote::CredentialKind::ALL, remote::CredentialKind::key);
    /// What keeps a remote repository from being fetched.
    RemoteProblemCode = keys(stoa_domain::remote::RemoteProblem::ALL, stoa_domain::remote::RemoteProblem::key);
    /// By which way something was asked.
    Way = keys(&[Via::Page, Via::Api, Via::Git, Via::Command, Via::Agent, Via::System], Via::key);
    /// What can be done in a workspace: noun, dot, verb.
    AuditAction = stoa_app::audit::actions().collect();
    /// What came of it.
    AuditOutcome = vec!["done", "refused", "failed"];
    /// What happened. `access_changed` names nothing: what one may do has changed, and everything is asked anew. Nor
    /// does `refused`, which is told to owners and to the one who was refused: the audit log says what.
    EventType = vec!["created", "changed", "deleted", "status", "job", "access_changed", "membership_ended", "refused"];
    /// Kinds of things.
    Kind = vec![
        "workspace", "member", "invitation", "preset", "project", "instance", "server", "job", "account", "session", "token",
    ];
    /// Which log.
    LogSource = vec!["app", "deployment", "init", "proxy"];
    /// How much a line matters.
    LogLevel = vec!["error", "warn", "info", "debug"];
    /// How the lines of a downloaded log are written.
    LogForm = vec!["text", "ndjson"];
    /// How far back is looked.
    MetricsRange = keys(metrics::MetricsRange::ALL, metrics::MetricsRange::key);
    /// What an entry of a folder is.
    FileKind = vec!["folder", "file", "link", "special"];
    /// What a working copy is compared with.
    Against = keys(&ports::Against::ALL, ports::Against::key);
    /// What becomes of changed files.
    Staging = keys(&ports::Staging::ALL, ports::Staging::key);
    /// How an account stands.
    AccountStatus = vec!["active", "disabled"];
    /// Who may create workspaces.
    WorkspaceCreation = vec![Creation::Everyone.key(), Creation::Administrators.key()];
    /// Where the records are kept.
    DatabaseKind = vec!["sqlite", "postgresql"];
    /// The stable words by which problems are told apart.
    ProblemCode = crate::problem::codes();
}

/// An id: a UUIDv7.
pub(crate) struct Id;

impl ToSchema for Id {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Id")
    }
}

impl PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("uuid".to_owned())))
            .into()
    }
}
