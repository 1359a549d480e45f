//! The one place where a refusal becomes a status, a code and a sentence.

mod at_once;
mod conflict;
mod connect_as;
mod documentation;
mod media;
mod remote;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use stoa_app::Failure;
use stoa_domain::change::{ConflictKind, FileConflict, FileConflicts};
use stoa_domain::{Action, AtOnce, Conflict, FieldProblem, Refusal, ShownWrong, TokenWithout};

pub(crate) use conflict::BACKUP_DAMAGED;
use conflict::conflict;

pub use documentation::{codes, documentation};

use at_once::at_once;

/// A refusal or fault on its way out.
#[derive(Debug)]
pub struct Problem(pub Failure);

impl<F: Into<Failure>> From<F> for Problem {
    fn from(failure: F) -> Self {
        Self(failure.into())
    }
}

/// What a client is told.
#[derive(Debug, Clone)]
pub struct Told {
    pub status: StatusCode,
    pub code: &'static str,
    pub title: &'static str,
    pub detail: String,
    pub more: Map<String, Value>,
    pub retry_after: Option<i64>,
}

fn told(status: u16, code: &'static str, title: &'static str, detail: impl Into<String>) -> Told {
    Told {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        code,
        title,
        detail: detail.into(),
        more: Map::new(),
        retry_after: None,
    }
}

pub(crate) fn people(names: &[String]) -> String {
    match names {
        [] => "an owner of the workspace".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn all_of(names: &[String]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}

fn ask(names: &[String]) -> Value {
    names.iter().map(|name| json!({ "name": name })).collect()
}

/// Who is told to ask somebody would be told to ask themselves.
fn narrowed(without: TokenWithout) -> Told {
    const TITLE: &str = "Not given to the token";
    match without {
        TokenWithout::Ownership => {
            let mut answer = told(
                403,
                "owner_required",
                TITLE,
                "Only owners may do this, and this token is narrowed to actions, so it isn't an owner's. Use one that isn't narrowed, or sign in on the page.",
            );
            answer.more.insert("ask".to_owned(), ask(&[]));
            answer
        }
        TokenWithout::Administration => told(
            403,
            "administrator_required",
            TITLE,
            "This token is narrowed, so it doesn't administer the installation. Use one that isn't narrowed, or sign in on the page.",
        ),
        TokenWithout::Wholeness => told(
            403,
            "permission_denied",
            TITLE,
            "This token is narrowed, and this is done only by one that isn't. Use another, or sign in on the page.",
        ),
    }
}

/// Every refusal as it is told. Exhaustive: a new refusal doesn't compile without its sentence.
#[must_use]
pub fn tell(refusal: &Refusal) -> Told {
    match refusal {
        Refusal::Unauthenticated => told(401, "unauthenticated", "Not signed in", "Sign in first."),
        Refusal::UnknownToken => told(
            401,
            "unauthenticated",
            "Not a valid token",
            "This token isn't valid: it is wrong, has ended or was deleted.",
        ),
        Refusal::WebhookUnproved => told(
            401,
            "unauthenticated",
            "Not proved",
            "The webhook's signature or token isn't right. Give the sender the secret that was shown when it was made.",
        ),
        Refusal::WrongCredentials => {
            told(401, "unauthenticated", "Not signed in", "The e-mail address or the password is wrong.")
        }
        Refusal::PermissionDenied { missing, ask: owners } => {
            let labels: Vec<_> = missing.iter().map(|action| action.label()).collect();
            let detail = format!("You need the permission {}. Ask {}.", labels.join(" and "), people(owners));
            let mut answer = told(403, "permission_denied", "Permission missing", detail);
            let keys: Vec<_> = missing.iter().copied().map(Action::key).collect();
            answer.more.insert("missing".to_owned(), json!(keys));
            answer.more.insert("ask".to_owned(), ask(owners));
            answer
        }
        Refusal::TokenLacks { missing } => {
            let labels: Vec<_> = missing.iter().map(|action| action.label()).collect();
            let detail = format!("This token isn't given the permission {}.", labels.join(" and "));
            let mut answer = told(403, "permission_denied", "Not given to the token", detail);
            let keys: Vec<_> = missing.iter().copied().map(Action::key).collect();
            answer.more.insert("missing".to_owned(), json!(keys));
            answer.more.insert("ask".to_owned(), ask(&[]));
            answer
        }
        Refusal::TokenMayNot => told(
            403,
            "permission_denied",
            "Not with a token",
            "A personal access token can't do this. Sign in on the page instead.",
        ),
        Refusal::TokenNarrowed(without) => narrowed(*without),
        Refusal::OwnerRequired { ask: owners } => {
            let detail = format!("Only owners of the workspace may do this. Ask {}.", people(owners));
            let mut answer = told(403, "owner_required", "Owners only", detail);
            answer.more.insert("ask".to_owned(), ask(owners));
            answer
        }
        Refusal::AdministratorRequired => told(
            403,
            "administrator_required",
            "Administrators only",
            "Only an administrator of the installation may do this.",
        ),
        Refusal::TargetNotAllowed => told(
            403,
            "target_not_allowed",
            "Branch not allowed",
            "An instance that you aren't allowed deploys this branch. Ask an owner of the workspace.",
        ),
        Refusal::WrongAccount => told(
            403,
            "wrong_account",
            "Another account",
            "The invitation is for another address. Sign out, and sign in with that one.",
        ),
        Refusal::LinkOfAnother => told(
            403,
            "wrong_account",
            "Another account",
            "This link belongs to another account. Sign out, and sign in with the one that asked for it.",
        ),
        Refusal::LinkingOfAnother => told(
            403,
            "wrong_account",
            "Another account",
            "Another account began to be linked here. Sign in with that one, and begin again under Account, Security.",
        ),
        Refusal::CrossOrigin => told(
            403,
            "cross_origin",
            "Another origin",
            "The request doesn't come from Stoa's own page. Send an Authorization header, or use the page.",
        ),
        Refusal::PasswordRequired => told(
            403,
            "password_required",
            "Password needed",
            "Enter your password again (POST /api/v1/session/confirm), then repeat.",
        ),
        Refusal::ViewAsReadOnly => told(
            403,
            "view_as_read_only",
            "Looking on only",
            "Viewing as a member shows an owner what they see of the workspace, and does nothing. Leave it first.",
        ),
        Refusal::SecondFactorDue { ways, wrong } => {
            let detail = match wrong {
                Some(ShownWrong::Code) => {
                    "This code isn't right, or was used already. Wait for the next one, or show your second factor in another way."
                }
                Some(ShownWrong::RecoveryCode) => {
                    "This isn't a code of your app (six digits), nor a recovery code that is still unused."
                }
                Some(ShownWrong::Passkey) => {
                    "This passkey isn't right. Try again, or show your second factor in another way."
                }
                None => {
                    "Show your second factor too: a code of your authenticator app, a passkey, or a recovery code."
                }
            };
            let mut answer = told(401, "second_factor_required", "Second factor needed", detail);
            answer.more.insert("code_required".to_owned(), json!(true));
            if !ways.is_empty() {
                answer.more.insert("ways".to_owned(), json!(ways));
            }
            answer
        }
        Refusal::SecondFactorDemanded => told(
            403,
            "second_factor_required",
            "Second factor demanded",
            "This workspace demands a second factor, and your account has none. Set one up under Account, Security.",
        ),
        Refusal::NotFound => {
            told(404, "not_found", "Not found", "There is nothing here, or nothing you may see.")
        }
        Refusal::InvitationUsed => told(
            410,
            "invitation_used",
            "Invitation used",
            "This invitation was accepted already. Sign in with its account.",
        ),
        Refusal::InvitationExpired => told(
            410,
            "invitation_expired",
            "Invitation expired",
            "This invitation is more than seven days old. Ask for a new one.",
        ),
        Refusal::InvitationRevoked => told(
            410,
            "invitation_revoked",
            "Invitation revoked",
            "This invitation was revoked. It takes a new one to join.",
        ),
        Refusal::InvitationReplaced => told(
            410,
            "invitation_replaced",
            "Invitation replaced",
            "This link was replaced by a newer one. Use that, or ask whoever invited you for a new one.",
        ),
        Refusal::InvitationVoided => told(
            410,
            "invitation_voided",
            "Invitation void",
            "This link ended when Stoa was restored from a backup. Ask whoever invited you for a new one.",
        ),
        Refusal::Conflict(kind) => told(409, "conflict", "Not possible now", conflict(*kind)),
        Refusal::MergeConflict(conflicts) => {
            let detail = match conflicts.files.as_slice() {
                [one] => format!(
                    "Both branches changed {} in ways that don't go together. Merge them in a clone, and push.",
                    one.path
                ),
                _ => format!(
                    "Both branches changed {} files in ways that don't go together. Merge them in a clone, and push.",
                    conflicts.count
                ),
            };
            let mut answer = told(409, "merge_conflict", "Conflicts", detail);
            answer.more.insert("conflicts".to_owned(), crate::conflict_view::of(conflicts));
            answer
        }
        Refusal::HasInstances(instances) => {
            let mut answer = told(409, "conflict", "Not possible now", conflict(Conflict::InstanceRuns));
            let named: Vec<_> =
                instances.iter().map(|(slug, name)| json!({ "slug": slug, "name": name })).collect();
            answer.more.insert("instances".to_owned(), Value::Array(named));
            answer
        }
        Refusal::LastOwner => told(
            409,
            "last_owner",
            "Last owner",
            "A workspace always has an owner. Make another member an owner first.",
        ),
        Refusal::LastOwnerOf(names) => {
            let detail = format!(
                "You are the last owner of {}. Make another member an owner there, or delete it, first.",
                all_of(names)
            );
            let mut answer = told(409, "last_owner", "Last owner", detail);
            answer.more.insert("workspaces".to_owned(), ask(names));
            answer
        }
        Refusal::LastSecondFactorOf(names) => {
            let detail = format!(
                "You are the only owner of {} with a second factor, and it is demanded there. Set up another first, or stop demanding it under Settings, Sign-in.",
                all_of(names)
            );
            let mut answer = told(409, "last_owner", "Last second factor of an owner", detail);
            answer.more.insert("workspaces".to_owned(), ask(names));
            answer
        }
        Refusal::SlugTaken => told(409, "slug_taken", "Slug taken", "This slug is taken. Choose another."),
        Refusal::AlreadyMember => {
            told(409, "already_member", "Already a member", "Whoever has this address is a member already.")
        }
        Refusal::InvitationPending => told(
            409,
            "invitation_pending",
            "Already invited",
            "This address has an invitation that waits. Resend or revoke that one.",
        ),
        Refusal::ProductionProtected => told(
            409,
            "production_protected",
            "Production is protected",
            "This instance is protected. Lift its protection before deleting it.",
        ),
        Refusal::InstanceBusy => told(
            409,
            "instance_busy",
            "Instance busy",
            "Other work on this instance isn't over yet. Wait for it, or cancel it.",
        ),
        Refusal::ConnectAs(refusal) => connect_as::tell(refusal),
        Refusal::NoSandbox(reason) => told(409, "no_sandbox", "No sandbox", reason.clone()),
        Refusal::ServerLacks(what) => told(409, "server_lacks", "Not on the server", what.clone()),
        Refusal::PreconditionFailed => told(
            412,
            "precondition_failed",
            "Changed meanwhile",
            "Somebody changed this since you loaded it. Load it again, then repeat your change.",
        ),
        Refusal::PayloadTooLarge => {
            told(413, "payload_too_large", "Too large", "The request is larger than Stoa takes. Send less.")
        }
        Refusal::InDesk(text) => told(409, "conflict", "In the way", text.clone()),
        Refusal::UnfitPath(text) => {
            let field = FieldProblem::new("path", "invalid", text.clone());
            tell(&Refusal::Invalid(vec![field]))
        }
        Refusal::FileTooLarge => told(
            413,
            "payload_too_large",
            "File too large",
            "A file that is opened or saved here has 64 MiB at most. Use the terminal for larger ones.",
        ),
        Refusal::LogoTooLarge => {
            told(413, "payload_too_large", "Too large", "A logo has at most 2 MiB. Choose a smaller file.")
        }
        Refusal::LogoKind
        | Refusal::UnsupportedMediaType
        | Refusal::MediaTypeWanted(_)
        | Refusal::PackedBody
        | Refusal::BeyondEnd => media::tell(refusal),
        Refusal::Misdirected => {
            told(421, "misdirected", "Nobody's host", "No one answers by this host name here.")
        }
        Refusal::Invalid(problems) => {
            let detail = match problems.as_slice() {
                [one] => one.detail.clone(),
                _ => "Some fields aren't right. Each is named with what to change.".to_owned(),
            };
            let mut answer = told(422, "invalid", "Not valid", detail);
            let errors: Vec<_> = problems
                .iter()
                .map(|p| json!({ "field": p.field, "code": p.code, "detail": p.detail }))
                .collect();
            answer.more.insert("errors".to_owned(), Value::Array(errors));
            answer
        }
        Refusal::IdempotencyMismatch => told(
            422,
            "idempotency_mismatch",
            "Another request had this key",
            "This Idempotency-Key was used for another request. Use a new key.",
        ),
        Refusal::TooManyRequests { retry_after } => {
            let detail = match retry_after {
                ..120 => format!("Too many attempts. Try again in {retry_after} seconds."),
                _ => format!(
                    "Too many attempts. Try again in {} minutes.",
                    retry_after.saturating_add(59) / 60
                ),
            };
            let mut answer = told(429, "too_many_requests", "Too many requests", detail);
            answer.retry_after = Some((*retry_after).max(1));
            answer
        }
        Refusal::TooMuchAtOnce { what, most } => at_once(*what, *most),
        Refusal::TooSlow => told(
            408,
            "request_timeout",
            "Too slow",
            "The body of the request didn't come in time. Send it again, without a pause.",
        ),
        Refusal::Remote { .. } | Refusal::RemoteTakesNothing { .. } => remote::tell(refusal),
        Refusal::ProviderError { detail, retry_after } => {
            let mut answer =
                told(502, "provider_error", "A service elsewhere didn't answer as asked", detail.clone());
            if let Some(seconds) = retry_after {
                answer.more.insert("retry_after".to_owned(), json!(seconds));
            }
            answer
        }
        Refusal::Unavailable => told(
            503,
            "unavailable",
            "Not available",
            "Stoa can't reach its records at the moment. Try again shortly.",
        ),
        Refusal::GitKilled => told(
            503,
            "unavailable",
            "Not done",
            "Git was ended before it was done, by somebody or for want of memory. Nothing was changed; try again.",
        ),
        Refusal::ServerAway => told(
            503,
            "server_away",
            "Server away",
            "The server doesn't answer at the moment, or isn't linked. What runs there goes on; try again once it is back.",
        ),
        Refusal::MailUnavailable => told(
            503,
            "mail_unavailable",
            "No mail server",
            "This installation sends no mail. Ask whoever administers it.",
        ),
        Refusal::MailUnset => told(
            503,
            "mail_unavailable",
            "No mail server",
            "This installation sends no mail. Set STOA_SMTP_URL for the server, and start Stoa again.",
        ),
        Refusal::SetupNeeded => told(
            503,
            "setup_needed",
            "Not set up",
            "Stoa waits for its first account. Open the set-up link that it printed when it started.",
        ),
        Refusal::DiskFull => told(
            507,
            "disk_full",
            "Disk full",
            "The disk is full, so nothing can be written. Free some space; reading still works.",
        ),
    }
}

impl Told {
    /// The problem object (RFC 9457).
    #[must_use]
    pub fn object(&self) -> Value {
        let mut object = Map::new();
        object.insert("type".to_owned(), json!(format!("about:blank#{}", self.code)));
        object.insert("title".to_owned(), json!(self.title));
        object.insert("status".to_owned(), json!(self.status.as_u16()));
        object.insert("detail".to_owned(), json!(self.detail));
        object.insert("code".to_owned(), json!(self.code));
        object.extend(self.more.clone());
        Value::Object(object)
    }
}

/// The refusal that a failure is told as; a fault is logged here, once, and told as nothing but itself.
#[must_use]
pub fn tell_failure(failure: &Failure) -> Told {
    match failure {
        Failure::Refused(refusal) => tell(refusal),
        Failure::Fault(fault) => {
            tracing::error!(fault = %fault.chain(), "a request failed");
            told(
                500,
                "internal",
                "Something failed",
                "Stoa failed at this. It is in the log of the server; try again.",
            )
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let told = tell_failure(&self.0);
        let mut response = Response::new(Body::from(told.object().to_string()));
        *response.status_mut() = told.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = told.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// One example of every refusal that an operation is answered with: for `docs/errors.md`, and for the test that nothing
/// is missing there.
#[must_use]
pub fn examples() -> Vec<Refusal> {
    let anna = || vec!["Anna".to_owned()];
    let mut examples = vec![
        Refusal::Unauthenticated,
        Refusal::UnknownToken,
        Refusal::WebhookUnproved,
        Refusal::WrongCredentials,
        Refusal::PermissionDenied { missing: vec![Action::RestartInstances], ask: anna() },
        Refusal::TokenLacks { missing: vec![Action::RestartInstances] },
        Refusal::TokenMayNot,
        Refusal::TokenNarrowed(TokenWithout::Ownership),
        Refusal::TokenNarrowed(TokenWithout::Administration),
        Refusal::TokenNarrowed(TokenWithout::Wholeness),
        Refusal::OwnerRequired { ask: anna() },
        Refusal::AdministratorRequired,
        Refusal::TargetNotAllowed,
        Refusal::WrongAccount,
        Refusal::LinkOfAnother,
        Refusal::LinkingOfAnother,
        Refusal::CrossOrigin,
        Refusal::PasswordRequired,
        Refusal::ViewAsReadOnly,
        Refusal::SecondFactorDue { ways: vec!["code"], wrong: None },
        Refusal::SecondFactorDue { ways: vec!["code"], wrong: Some(ShownWrong::Code) },
        Refusal::SecondFactorDue { ways: vec!["recovery_code"], wrong: Some(ShownWrong::RecoveryCode) },
        Refusal::SecondFactorDue { ways: vec!["passkey"], wrong: Some(ShownWrong::Passkey) },
        Refusal::SecondFactorDemanded,
        Refusal::NotFound,
        Refusal::InvitationUsed,
        Refusal::InvitationExpired,
        Refusal::InvitationRevoked,
        Refusal::InvitationReplaced,
        Refusal::InvitationVoided,
        Refusal::Conflict(Conflict::Changed),
        Refusal::MergeConflict(FileConflicts {
            files: vec![FileConflict {
                path: "app.py".to_owned(),
                kind: ConflictKind::Lines,
                lines: vec![(3, 5)],
            }],
            count: 1,
        }),
        Refusal::LastOwner,
        Refusal::LastSecondFactorOf(vec!["Acme".to_owned()]),
        Refusal::SlugTaken,
        Refusal::AlreadyMember,
        Refusal::InvitationPending,
        Refusal::ProductionProtected,
        Refusal::InstanceBusy,
        Refusal::NoSandbox("Install bubblewrap on the server: apt-get install bubblewrap.".to_owned()),
        Refusal::ServerLacks("Python 3 isn't on the server. Install it: apt-get install python3".to_owned()),
        Refusal::PreconditionFailed,
        Refusal::PayloadTooLarge,
        Refusal::LogoTooLarge,
        Refusal::FileTooLarge,
        Refusal::Misdirected,
        Refusal::invalid("name", "invalid", "Give a name of 1 to 80 characters."),
        Refusal::IdempotencyMismatch,
        Refusal::TooManyRequests { retry_after: 60 },
        Refusal::TooMuchAtOnce { what: AtOnce::StreamsOfAccount, most: crate::lease::OF_ACCOUNT },
        Refusal::TooMuchAtOnce { what: AtOnce::Streams, most: crate::lease::MOST },
        Refusal::TooMuchAtOnce { what: AtOnce::Links, most: stoa_app::machine::LINKS_AT_ONCE },
        Refusal::TooMuchAtOnce { what: AtOnce::DesksOfAccount, most: crate::holds::OF_ACCOUNT },
        Refusal::TooSlow,
        remote::example(),
        remote::example_of_refusal(),
        Refusal::ProviderError {
            detail: "The provider answered 401: “invalid x-api-key”. Check the key.".to_owned(),
            retry_after: None,
        },
        Refusal::Unavailable,
        Refusal::GitKilled,
        Refusal::ServerAway,
        Refusal::MailUnavailable,
        Refusal::MailUnset,
        Refusal::SetupNeeded,
        Refusal::DiskFull,
    ];
    examples.extend(connect_as::examples().map(Refusal::ConnectAs));
    examples.extend(media::examples());
    examples
}
