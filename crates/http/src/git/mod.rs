//! Git over HTTP: `/git/{workspace}/{project}.git`, fetched from and pushed to with a personal access token.
//!
//! These paths aren't registered with the other routes, because no gate fits them: git proves itself by Basic
//! authentication, a cookie must not count here (a page could send one), and what a push may do stands in its body.
//! Instead each request passes through [`Git::enter`], which identifies the account, decides on the project as the
//! gates do and writes refusals into the audit log; every ref of a push is then decided twice, from the command list
//! before the pack is read and in `pre-receive` before a ref moves. `tests/edge/git.rs` sweeps them.
//!
//! It knows repositories by their folders only, and must never run anything but the git program on them.

mod commands;
mod fetch;
mod from_desk;
pub mod hook;
mod input;
mod names;
mod places;
mod program;
mod push;
mod reading;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::gate::{Asked, is_viewing};
use crate::lease::Lease;
use crate::problem::tell;
use crate::site::Frame;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use stoa_app::Failure;
use stoa_app::authority::PathWords;
use stoa_app::session::{Origin, Presented};
use stoa_domain::permission::project;
use stoa_domain::{AccountStanding, Conflict, ProjectId, Refusal, Via, WorkspaceId};

use places::Places;

pub(crate) use places::most as most_at_once;
pub use reading::Reads;

/// What hosting repositories needs of the installation.
#[derive(Clone)]
pub struct Hosting {
    /// Where a project's repository lies.
    pub folder: Arc<dyn Fn(ProjectId) -> PathBuf + Send + Sync>,
    /// The program that git calls as `pre-receive`: it has to call [`hook::run`] where [`hook::is_called`] says so.
    pub hook_program: PathBuf,
    /// A folder of this process alone, for the hook's link.
    pub hooks_folder: PathBuf,
    /// Bytes of one push.
    pub largest_push: u64,
    /// Reads what was pushed as a deployment would.
    pub reads: Reads,
}

/// Bytes of one push, where the operator says nothing else.
pub const LARGEST_PUSH: u64 = 1024 * 1024 * 1024;

/// Git's side of the public host. Cheap to clone.
#[derive(Clone)]
pub struct Git {
    inner: Arc<Inner>,
}

/// The same, for whoever it is served beside.
pub(crate) struct WeakGit(std::sync::Weak<Inner>);

impl WeakGit {
    pub(crate) fn upgrade(&self) -> Option<Git> {
        self.0.upgrade().map(|inner| Git { inner })
    }
}

struct Inner {
    frame: Frame,
    hosting: Hosting,
    desk: Arc<hook::Desk>,
    places: Places,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    Fetch,
    Push,
}

impl Service {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::Fetch),
            "git-receive-pack" => Some(Self::Push),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "git-upload-pack",
            Self::Push => "git-receive-pack",
        }
    }

    /// What is sent to it.
    const fn media_type(self) -> &'static str {
        match self {
            Self::Fetch => "application/x-git-upload-pack-request",
            Self::Push => "application/x-git-receive-pack-request",
        }
    }
}

/// One request, once it is decided that its account may use the project at all.
struct Entered {
    account: AccountStanding,
    /// The right to read the project, from the moment that it was decided: a request waits long before it is answered.
    lease: Lease,
    workspace: WorkspaceId,
    project: ProjectId,
}

impl Git {
    /// Lays out the hook and listens for it.
    ///
    /// # Errors
    /// Where the hook can't be laid out.
    pub fn start(frame: Frame, hosting: Hosting) -> io::Result<Self> {
        let desk = hook::Desk::open(frame.clone(), &hosting)?;
        let git = Self {
            inner: Arc::new(Inner { frame: frame.clone(), hosting, desk, places: Places::default() }),
        };
        frame.serves_git(WeakGit(Arc::downgrade(&git.inner)));
        Ok(git)
    }

    pub(crate) async fn answer(&self, parts: Parts, body: Body) -> Response<Body> {
        match self.settle(&parts, body).await {
            Ok(response) => response,
            Err(failure) => refused(&failure),
        }
    }

    async fn settle(&self, parts: &Parts, body: Body) -> Result<Response<Body>, Failure> {
        if !self.inner.frame.is_set_up().await? {
            return Err(Refusal::SetupNeeded.into());
        }
        let (workspace, project, rest) = words_of(parts.uri.path()).ok_or(Refusal::NotFound)?;
        let (service, advertises) = match (&parts.method, rest.as_str()) {
            (&Method::GET, "info/refs") => {
                let query = parts.uri.query().unwrap_or_default();
                let named = query.split('&').find_map(|pair| pair.strip_prefix("service="));
                // Without a service it is the old protocol, which isn't spoken here.
                (Service::parse(named.unwrap_or_default()).ok_or(Refusal::NotFound)?, true)
            }
            (&Method::POST, name) => (Service::parse(name).ok_or(Refusal::NotFound)?, false),
            _ => return Err(Refusal::NotFound.into()),
        };
        if !advertises {
            let wanted = service.media_type();
            if parts.headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != wanted.as_bytes())
            {
                return Err(Refusal::MediaTypeWanted(wanted).into());
            }
        }
        let entered = self.enter(parts, workspace, project).await?;
        if service == Service::Push {
            // Of what it would move nothing is known yet: this is whether the account pushes here at all.
            let app = &self.inner.frame.app;
            let _ = app.authorize_push(&entered.account, entered.workspace, entered.project, &[]).await?;
            if app.has_remote(entered.workspace, entered.project).await? {
                return Err(Refusal::Conflict(Conflict::PushedElsewhere).into());
            }
        }
        let own = self.inner.places.of_account(entered.account.actor.account);
        let own = entered.lease.while_it_holds(own).await??;
        match (service, advertises) {
            (_, true) => self.advertise(parts, service, &entered, own).await,
            (Service::Fetch, false) => self.fetch(parts, body, entered, own).await,
            (Service::Push, false) => self.push(parts, body, entered, own).await,
        }
    }

    /// Who asks, and whether they may read the project: what fetching and pushing both need.
    async fn enter(&self, parts: &Parts, workspace: String, project: String) -> Result<Entered, Failure> {
        let app = &self.inner.frame.app;
        let presented = token_of(parts).ok_or(Refusal::Unauthenticated)?;
        let origin = Origin { via: Via::Git, address: crate::peer::address(&self.inner.frame.site, parts) };
        let account = app.identify(&presented, origin).await?.ok_or(Refusal::Unauthenticated)?;
        // Nobody looks on as a member by git: it is refused as anywhere, rather than answered as oneself.
        if is_viewing(&parts.headers, &parts.uri) {
            let reads = parts.method == Method::GET;
            return Err(if reads { Refusal::TokenMayNot } else { Refusal::ViewAsReadOnly }.into());
        }
        let path = PathWords::new(vec![("workspace".to_owned(), workspace), ("project".to_owned(), project)]);
        let permit = app.authorize::<project::Fetch>(&account, &path).await?;
        let lease = self.inner.frame.leases.hold::<project::Fetch>(Asked { account: account.clone(), path });
        Ok(Entered { workspace: permit.workspace(), project: *permit.target(), account, lease })
    }

    fn folder(&self, project: ProjectId) -> PathBuf {
        (self.inner.hosting.folder)(project)
    }
}

/// `/git/<workspace>/<project>.git/<rest>`, in its one form.
fn words_of(path: &str) -> Option<(String, String, String)> {
    let mut parts = path.strip_prefix("/git/")?.splitn(3, '/');
    let (workspace, project, rest) = (parts.next()?, parts.next()?.strip_suffix(".git")?, parts.next()?);
    let is_plain = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (is_plain(workspace) && is_plain(project))
        .then(|| (workspace.to_owned(), project.to_owned(), rest.to_owned()))
}

/// The personal access token of a request: the password of Basic authentication, whatever the name, or a bearer's.
fn token_of(parts: &Parts) -> Option<Presented> {
    let mut sent = parts.headers.get_all(header::AUTHORIZATION).iter();
    let value = sent.next().filter(|_| sent.next().is_none())?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Presented::Token(rest.trim().to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    Some(Presented::Token(password.to_owned()))
}

/// A refusal, in the form of which git shows the sentence.
fn refused(failure: &Failure) -> Response<Body> {
    let told = match failure {
        Failure::Refused(refusal) => tell(refusal),
        Failure::Fault(fault) => {
            tracing::error!(fault = %fault.chain(), "git can't be served");
            tell(&Refusal::Unavailable)
        }
    };
    let sentence = match failure {
        Failure::Refused(Refusal::Unauthenticated) => "Sign in with a personal access token as the password.",
        _ => &told.detail,
    };
    let mut response = text(told.status, &format!("{sentence}\n"));
    let headers = response.headers_mut();
    if told.status == StatusCode::UNAUTHORIZED {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"Stoa\", charset=\"UTF-8\""),
        );
    }
    if let Some(seconds) = told.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn text(status: StatusCode, body: &str) -> Response<Body> {
    let mut response = answered("text/plain; charset=utf-8", Body::from(body.to_owned()));
    *response.status_mut() = status;
    response
}

fn answered(kind: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::try_from(kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_workspace_and_a_project_and_nothing_else() {
        let words = |path: &str| {
            words_of(path).map(|(workspace, project, rest)| format!("{workspace} {project} {rest}"))
        };
        assert_eq!(words("/git/acme/shop.git/info/refs").as_deref(), Some("acme shop info/refs"));
        for wrong in [
            "/git/acme/shop/info/refs",
            "/git/acme/../x.git/info/refs",
            "/git/a%2fb/x.git/info/refs",
            "/git//x.git/y",
            "/git/acme/.git/y",
        ] {
            assert_eq!(words(wrong), None, "{wrong}");
        }
    }
}
