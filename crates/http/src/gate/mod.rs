//! Gates: the first argument of every handler, which settles who asks and whether they may.

mod credential;
mod viewing;

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, RawPathParams};
use http::Method;
use http::request::Parts;
use stoa_app::Failure;
use stoa_app::authority::{Locate, PathWords};
use stoa_app::session::{Origin, Presented};
use stoa_domain::{
    AccountNeed, AccountPermit, AccountStanding, AdministratorPermit, Permission, Permit, Refusal,
};

use crate::site::Frame;

pub(crate) use credential::{presented, via};
pub(crate) use viewing::is_viewing;

/// How a route is gated: what the description, the permission table and the hostile tests are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateKey {
    /// `public`, `account`, `member`, `owner`, `administrator`, or an action on a resource.
    pub permission: String,
    /// The operation's name in the audit log; for public ones why they are.
    pub operation: &'static str,
    pub kind: GateKind,
    /// Whether an owner who looks on as a member is answered.
    pub is_viewed_as: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateKind {
    /// Nobody has to be signed in.
    Public,
    /// Decided on the account alone.
    Account(AccountNeed),
    /// Decided on whether the account administers the installation.
    Administrator,
    /// Decided in a workspace.
    Workspace,
}

mod sealed {
    pub trait Sealed {}
}

/// A gate. Sealed: these five and no others.
pub trait Gate: sealed::Sealed + Sized + Send {
    /// Whether what comes brings a proof of its own, and so needn't come from the page.
    const HAS_OWN_PROOF: bool = false;

    fn key() -> GateKey;

    /// Settles it.
    fn pass(frame: &Frame, parts: &mut Parts) -> impl Future<Output = Result<Self, Failure>> + Send;
}

/// Passed by who may do `P` to what the path names.
pub struct May<P: Permission>(pub Permit<P>);

impl<P: Permission> sealed::Sealed for May<P> {}

impl<P: Permission> Gate for May<P>
where
    P::Target: Locate,
{
    fn key() -> GateKey {
        GateKey {
            permission: P::key(),
            operation: P::OPERATION,
            kind: GateKind::Workspace,
            is_viewed_as: P::VIEWED_AS,
        }
    }

    async fn pass(frame: &Frame, parts: &mut Parts) -> Result<Self, Failure> {
        let account = signed_in(frame, parts).await?;
        let path = words(parts).await;
        let permit = frame.app.authorize::<P>(&account, &path).await?;
        parts.extensions.insert(AskingAccount(account.actor.account));
        // Kept for streams, whose lease asks the same again.
        parts.extensions.insert(Asked { account, path });
        Ok(Self(permit))
    }
}

/// Whose request it is: for what is kept by account.
#[derive(Clone, Copy)]
pub(crate) struct AskingAccount(pub stoa_domain::AccountId);

/// Who asked for what: enough to ask again.
#[derive(Clone)]
pub(crate) struct Asked {
    pub account: AccountStanding,
    pub path: PathWords,
}

/// What a signed-in account asks of itself, named by a type.
pub trait AccountOperation: Send + Sync + 'static {
    const NEED: AccountNeed;
    const OPERATION: &'static str;
}

/// Passed by who is signed in.
pub struct SignedIn<O: AccountOperation>(pub AccountPermit, pub PhantomData<O>);

impl<O: AccountOperation> sealed::Sealed for SignedIn<O> {}

impl<O: AccountOperation> Gate for SignedIn<O> {
    fn key() -> GateKey {
        GateKey {
            permission: "account".to_owned(),
            operation: O::OPERATION,
            kind: GateKind::Account(O::NEED),
            is_viewed_as: false,
        }
    }

    async fn pass(frame: &Frame, parts: &mut Parts) -> Result<Self, Failure> {
        let account = signed_in(frame, parts).await?;
        let permit = frame.app.authorize_account(&account, O::NEED, O::OPERATION)?;
        parts.extensions.insert(AskingAccount(account.actor.account));
        Ok(Self(permit, PhantomData))
    }
}

/// What an administrator does, named by a type.
pub trait Administration: Send + Sync + 'static {
    const OPERATION: &'static str;
}

/// Passed by who administers the installation.
pub struct Administers<O: Administration>(pub AdministratorPermit, pub PhantomData<O>);

impl<O: Administration> sealed::Sealed for Administers<O> {}

impl<O: Administration> Gate for Administers<O> {
    fn key() -> GateKey {
        GateKey {
            permission: "administrator".to_owned(),
            operation: O::OPERATION,
            kind: GateKind::Administrator,
            is_viewed_as: false,
        }
    }

    async fn pass(frame: &Frame, parts: &mut Parts) -> Result<Self, Failure> {
        let account = signed_in(frame, parts).await?;
        let permit = frame.app.authorize_administrator(&account, O::OPERATION).await?;
        parts.extensions.insert(AskingAccount(account.actor.account));
        Ok(Self(permit, PhantomData))
    }
}

/// Why a route needs no sign-in, named by a type.
pub trait Reason: Send + Sync + 'static {
    const WHY: &'static str;
}

/// Passed by anyone. Whoever is signed in all the same is told of.
pub struct Anyone<R: Reason> {
    pub account: Option<AccountStanding>,
    /// Where the request comes from.
    pub visitor: stoa_app::session::Visitor,
    reason: PhantomData<R>,
}

impl<R: Reason> sealed::Sealed for Anyone<R> {}

impl<R: Reason> Gate for Anyone<R> {
    fn key() -> GateKey {
        GateKey {
            permission: "public".to_owned(),
            operation: R::WHY,
            kind: GateKind::Public,
            is_viewed_as: false,
        }
    }

    async fn pass(frame: &Frame, parts: &mut Parts) -> Result<Self, Failure> {
        if is_viewing(&parts.headers, &parts.uri) {
            return Err(Refusal::ViewAsReadOnly.into());
        }
        // Without any credential nothing is asked of the records. A token that isn't good is never taken for nobody's: it
        // was let in without the page's proof. Of a session that has ended every browser still has the cookie.
        let account = match presented(&frame.site, &parts.headers)? {
            Presented::Nothing => None,
            Presented::Session(_) => account(frame, parts).await?,
            Presented::Token(_) => Some(signed_in(frame, parts).await?),
        };
        let visitor = crate::peer::visitor(&frame.site, parts);
        Ok(Self { account, visitor, reason: PhantomData })
    }
}

/// Passed by whatever calls a webhook. Its handler asks for the proof, which is made of the body.
pub struct Webhook<R: Reason> {
    /// Where the request comes from.
    pub visitor: stoa_app::session::Visitor,
    /// The same, where it isn't by what everybody comes through.
    pub alone: Option<std::net::IpAddr>,
    reason: PhantomData<R>,
}

impl<R: Reason> sealed::Sealed for Webhook<R> {}

impl<R: Reason> Gate for Webhook<R> {
    const HAS_OWN_PROOF: bool = true;

    fn key() -> GateKey {
        Anyone::<R>::key()
    }

    async fn pass(frame: &Frame, parts: &mut Parts) -> Result<Self, Failure> {
        if is_viewing(&parts.headers, &parts.uri) {
            return Err(Refusal::ViewAsReadOnly.into());
        }
        let visitor = crate::peer::visitor(&frame.site, parts);
        Ok(Self { visitor, alone: crate::peer::alone(&frame.site, parts), reason: PhantomData })
    }
}

/// Whoever it is, or why nobody.
async fn signed_in(frame: &Frame, parts: &Parts) -> Result<AccountStanding, Failure> {
    if let Some(account) = account(frame, parts).await? {
        return Ok(account);
    }
    Err(match presented(&frame.site, &parts.headers)? {
        Presented::Token(_) => Refusal::UnknownToken.into(),
        Presented::Nothing | Presented::Session(_) => Refusal::Unauthenticated.into(),
    })
}

async fn account(frame: &Frame, parts: &Parts) -> Result<Option<AccountStanding>, Failure> {
    let presented = presented(&frame.site, &parts.headers)?;
    let origin = Origin { via: via(&parts.headers), address: crate::peer::address(&frame.site, parts) };
    let found = frame.app.identify(&presented, origin).await?;
    if found.is_none() || !is_viewing(&parts.headers, &parts.uri) {
        return Ok(found);
    }
    let (Some(mut account), Some(member)) = (found, viewing::named(parts)) else {
        return Err(Refusal::ViewAsReadOnly.into());
    };
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Refusal::ViewAsReadOnly.into());
    }
    account.viewing = Some(member);
    Ok(Some(account))
}

/// The path's words, decoded.
async fn words(parts: &mut Parts) -> PathWords {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let words =
        params.map(|params| params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
    PathWords::new(words.unwrap_or_default())
}

/// A path's words for arguments that aren't decided on: a session's or a token's id, an invitation's token.
pub(crate) async fn path_words(parts: &mut Parts) -> PathWords {
    words(parts).await
}
