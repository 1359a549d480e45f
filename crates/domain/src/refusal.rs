//! What a person may be told: a closed set of data, without prose and without status codes.

use crate::action::Action;
use crate::change::FileConflicts;

/// Why something isn't done. Everything else that can go wrong is a fault and never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody is signed in, or by something that doesn't count any more.
    Unauthenticated,
    /// The personal access token doesn't count: it is wrong, has ended or was deleted.
    UnknownToken,
    /// The webhook's secret isn't what it was called with, or what it was called with isn't signed by it.
    WebhookUnproved,
    /// The address or the password is wrong; which of them is never said.
    WrongCredentials,
    PermissionDenied {
        missing: Vec<Action>,
        /// Names of the owners, who can grant it.
        ask: Vec<String>,
    },
    /// The account has these; the token that it asks with was given less.
    TokenLacks {
        missing: Vec<Action>,
    },
    /// A personal access token can't do this, whatever its account may do.
    TokenMayNot,
    /// The account may do this; the token that it asks with was narrowed to less.
    TokenNarrowed(TokenWithout),
    OwnerRequired {
        ask: Vec<String>,
    },
    AdministratorRequired,
    TargetNotAllowed,
    /// An invitation is for another address.
    WrongAccount,
    /// A link that changes an address is another account's.
    LinkOfAnother,
    /// Whoever began to link a sign-in provider isn't who is signed in now.
    LinkingOfAnother,
    CrossOrigin,
    PasswordRequired,
    /// Looking on as a member shows the workspace and does nothing.
    ViewAsReadOnly,
    /// The password was right; the second factor is due, in one of these ways. `wrong`: what was shown, and isn't it.
    SecondFactorDue {
        ways: Vec<&'static str>,
        wrong: Option<ShownWrong>,
    },
    /// The workspace demands a second factor, and the account has none.
    SecondFactorDemanded,
    NotFound,
    InvitationUsed,
    InvitationExpired,
    InvitationRevoked,
    InvitationReplaced,
    /// By a restore from a backup.
    InvitationVoided,
    Conflict(Conflict),
    /// The branches can't be merged by themselves: these files stand in the way.
    MergeConflict(FileConflicts),
    /// The workspace can't go: slugs and names of the first of its instances.
    HasInstances(Vec<(String, String)>),
    LastOwner,
    /// Of these workspaces, by name, nobody else is an owner.
    LastOwnerOf(Vec<String>),
    /// These workspaces, by name, demand a second factor, and no other owner there has one.
    LastSecondFactorOf(Vec<String>),
    SlugTaken,
    AlreadyMember,
    InvitationPending,
    ProductionProtected,
    InstanceBusy,
    ConnectAs(crate::connect_as::ConnectRefusal),
    /// The machine can't wall off processes; the text says what to install.
    NoSandbox(String),
    /// The machine hasn't a program that this needs; the text says which, and what to install.
    ServerLacks(String),
    PreconditionFailed,
    PayloadTooLarge,
    /// Something in a member's desk stands in the way; the text says what, in git's words where they are git's.
    InDesk(String),
    /// A path in a desk can't be used so; the text says why.
    UnfitPath(String),
    /// A file of more than is opened or saved as a whole.
    FileTooLarge,
    /// A picture of more than 2 MiB.
    LogoTooLarge,
    UnsupportedMediaType,
    /// The body is to be of this media type, which isn't JSON.
    MediaTypeWanted(&'static str),
    /// The body is packed, by a `Content-Encoding`.
    PackedBody,
    /// What is asked for begins behind the end.
    BeyondEnd,
    /// A picture in another form than those that are read.
    LogoKind,
    Misdirected,
    Invalid(Vec<FieldProblem>),
    IdempotencyMismatch,
    TooManyRequests {
        /// Seconds until another try can succeed.
        retry_after: i64,
    },
    /// So many go on at once, and no more.
    TooMuchAtOnce {
        what: AtOnce,
        most: usize,
    },
    /// The body of the request didn't come, or came too slowly.
    TooSlow,
    /// A remote repository refused, changed or wasn't reached; the text has git's own words, cleaned.
    Remote {
        problem: crate::remote::RemoteProblem,
        said: String,
    },
    /// A remote repository doesn't take what is pushed to it; the text has its own words, cleaned.
    RemoteTakesNothing {
        said: String,
    },
    /// A model provider refused, failed or wasn't reached; the text has its own words, cleaned.
    ProviderError {
        detail: String,
        /// Seconds, where the provider says after how many to try again.
        retry_after: Option<i64>,
    },
    Unavailable,
    /// A git that Stoa had begun was killed: nothing was changed by it.
    GitKilled,
    /// The machine that this is about isn't linked, or doesn't answer.
    ServerAway,
    /// No mail server is configured, and this goes by mail alone.
    MailUnavailable,
    /// The same, to whoever can mend it.
    MailUnset,
    SetupNeeded,
    DiskFull,
}

/// What was shown as a second factor and isn't right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownWrong {
    Code,
    RecoveryCode,
    Passkey,
}

/// What an account is or has, and a narrowed token of its isn't given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenWithout {
    /// Being an owner: no token that is narrowed to actions is one.
    Ownership,
    /// Administering the installation.
    Administration,
    /// What only a token may that isn't narrowed.
    Wholeness,
}

/// What stands in the way of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// An account exists already, so there is nothing to set up.
    AlreadySetUp,
    /// An owner has every permission; there is nothing to set.
    OwnerHasAll,
    /// There are as many presets as a workspace may have.
    TooManyPresets,
    /// The name is another one's in this workspace.
    NameTaken,
    /// Something in it has to go first.
    StillInUse,
    /// An instance of the workspace runs.
    InstanceRuns,
    /// The machine of the server answers, or is one that Stoa stands on, or none has joined.
    ServerAnswers,
    /// A protected instance stands on the server.
    ProtectedOnServer,
    /// It isn't running.
    NotRunning,
    /// It isn't running, and was to be stopped.
    NothingRuns,
    /// It runs already.
    AlreadyRunning,
    /// It was never deployed.
    NothingDeployed,
    /// It is made of a backup whose data isn't in it yet.
    AwaitsBackup,
    /// It is over already.
    AlreadyOver,
    /// It has come so far that it ends as it was meant to.
    PastCancelling,
    /// The machine is a server of this workspace already.
    MachineTaken,
    /// A machine has joined as this server already.
    AlreadyJoined,
    /// The backup lies on the disk of another server than the instance's.
    BackupOnOtherServer,
    /// The backup lies on the disk of a server that was removed.
    BackupUnreachable,
    /// A request with the same key is still being carried out.
    StillRunning,
    /// It changed in between.
    Changed,
    /// The branch has no commit.
    NoSuchBranch,
    /// The project has branches, but not the one that is its default.
    DefaultBranchGone,
    /// A branch moved between being looked at and being merged.
    BranchMoved,
    /// Another git holds the branch, or one held it that was killed.
    BranchHeld,
    /// Two branches have no commit in common.
    Unrelated,
    /// Merging takes longer than is waited for.
    TooLargeToMerge,
    /// The project's repository is a remote one: what is pushed goes there.
    PushedElsewhere,
    /// The project's repository is Stoa's own.
    NoRemote,
    /// The host shows another key by now than the one that was looked at.
    OtherHostKey,
    /// It is being deleted.
    BeingDeleted,
    /// The backup is still being made, or failed.
    BackupNotReady,
    /// It is being restored, or about to be.
    BackupInUse,
    /// What is stored of it can't be read whole.
    BackupDamaged,
    /// The backup is of another project than the instance.
    BackupOfOtherProject,
    /// The domain is another instance's.
    DomainTaken,
    /// What a change did is undone already, or was a secret whose earlier value isn't kept.
    NothingToRevert,
    /// The workspace has an active owner, who names others.
    HasOwner,
    /// Nobody would administer the installation any more.
    LastAdministrator,
    /// The address is another account's.
    EmailTaken,
    /// The account has no second factor.
    NoSecondFactor,
    /// The account has no passkey.
    NoPasskey,
    /// The authenticator's key is known already.
    PasskeyKnown,
    /// Browsers have passkeys for names only, and Stoa is reached by a number.
    PasskeysNeedName,
    /// The account has no password to enter.
    NoPassword,
    /// The workspace has no model provider that could be asked.
    NoProvider,
    /// The workspace's backups go to no storage but the servers' disks.
    NoBackupStorage,
    /// The account, or who it would be at the provider, is linked already.
    IdentityTaken,
    /// The desk isn't open, or has ended meanwhile.
    DeskClosed,
    /// The branch has commits that the working copy lacks.
    BranchAhead,
    /// The instance deploys another branch than the working copy was made of.
    OtherBranch,
    /// The sign-in provider didn't answer as it has to.
    ProviderFailed,
    /// Nobody has the address that the provider vouches for.
    NoAccountForProvider,
    /// The provider hasn't verified the address.
    EmailUnverifiedAtProvider,
    /// The account hasn't confirmed its own address.
    OwnEmailUnverified,
    /// The provider knows somebody by another address than the account's.
    OtherEmailAtProvider,
}

/// What goes on after a request was decided, and is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtOnce {
    /// Fetches and pushes of one account.
    GitOfAccount,
    /// Fetches and pushes of one workspace's repositories.
    GitOfWorkspace,
    /// All fetches and pushes.
    Git,
    /// Desks that one account has open.
    DesksOfAccount,
    /// Merges of one account, previews included.
    MergesOfAccount,
    /// All merges.
    Merges,
    /// Streams that one account follows.
    StreamsOfAccount,
    /// All streams.
    Streams,
    /// Links of agents that are being set up.
    Links,
}

/// One field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    pub field: String,
    pub code: &'static str,
    pub detail: String,
}

impl FieldProblem {
    #[must_use]
    pub fn new(field: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { field: field.to_owned(), code, detail: detail.into() }
    }
}

/// The denial that answers alike for what is hidden and what never was.
pub const NOT_FOUND: &str = "not_found";

impl Refusal {
    /// One wrong field.
    #[must_use]
    pub fn invalid(field: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new(field, code, detail)])
    }

    /// Whether it isn't the account that may not, but the token that it asks with.
    #[must_use]
    pub const fn is_of_token(&self) -> bool {
        matches!(self, Self::TokenLacks { .. } | Self::TokenMayNot | Self::TokenNarrowed(_))
    }

    /// The word for a denial: what the audit log keeps as refused. `None` for every other refusal.
    #[must_use]
    pub const fn denial(&self) -> Option<&'static str> {
        Some(match self {
            Self::PermissionDenied { .. } | Self::TokenLacks { .. } => "permission_denied",
            Self::TokenMayNot | Self::TokenNarrowed(TokenWithout::Wholeness) => "token_may_not",
            Self::TokenNarrowed(TokenWithout::Ownership) => "owner_required",
            Self::TokenNarrowed(TokenWithout::Administration) => "administrator_required",
            Self::OwnerRequired { .. } => "owner_required",
            Self::AdministratorRequired => "administrator_required",
            Self::TargetNotAllowed => "target_not_allowed",
            Self::WrongAccount | Self::LinkOfAnother | Self::LinkingOfAnother => "wrong_account",
            Self::ConnectAs(crate::connect_as::ConnectRefusal::TicketOfAnother) => "wrong_account",
            Self::ViewAsReadOnly => "view_as_read_only",
            Self::SecondFactorDemanded => "second_factor_required",
            Self::NotFound => NOT_FOUND,
            _ => return None,
        })
    }
}
