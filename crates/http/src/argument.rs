//! What a handler may take besides its gate. Sealed: nothing here reads an id from the path that a gate would
//! have decided on.

use std::marker::PhantomData;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, IF_NONE_MATCH};
use http::request::Parts;
use serde::de::DeserializeOwned;
use stoa_app::logo::LARGEST_SENT;
use stoa_app::ports::{DeskBytes, PictureKind};
use stoa_app::session::Visitor;
use stoa_app::{App, Failure, Fault};
use stoa_domain::{FieldProblem, Refusal};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::openapi::Description;
use crate::site::{Frame, Site};
use crate::socket::Socket;

mod sealed {
    pub trait Sealed {}
}

/// An argument of a handler.
pub trait Argument: sealed::Sealed + Sized + Send {
    /// What it says of the operation in the API's description.
    fn describe(_description: &mut Description) {}

    fn take(
        frame: &Frame,
        parts: &mut Parts,
        body: &mut Option<Body>,
    ) -> impl Future<Output = Result<Self, Failure>> + Send;
}

/// The use-cases.
pub struct Uses(pub App);

impl sealed::Sealed for Uses {}
impl Argument for Uses {
    async fn take(frame: &Frame, _: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        Ok(Self(frame.app.clone()))
    }
}

/// The frame: for routes that set cookies, or open streams.
pub struct Around(pub Frame);

impl sealed::Sealed for Around {}
impl Argument for Around {
    async fn take(frame: &Frame, _: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        Ok(Self(frame.clone()))
    }
}

/// Where the request comes from.
pub struct From(pub Visitor);

impl sealed::Sealed for From {}
impl Argument for From {
    async fn take(frame: &Frame, parts: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        Ok(Self(crate::peer::visitor(&frame.site, parts)))
    }
}

/// The request's headers.
pub struct Headers(pub HeaderMap);

impl sealed::Sealed for Headers {}
impl Argument for Headers {
    async fn take(_: &Frame, parts: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        Ok(Self(parts.headers.clone()))
    }
}

/// A word of the path that isn't a resource of a workspace: one's own session or token, an invitation's secret.
/// The use-case decides on it by the account alone.
pub struct OwnWord(pub String);

impl sealed::Sealed for OwnWord {}
impl Argument for OwnWord {
    async fn take(_: &Frame, parts: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        let words = crate::gate::path_words(parts).await;
        let word = ["id", "token"].into_iter().map(|name| words.get(name)).find(|word| !word.is_empty());
        Ok(Self(word.unwrap_or_default().to_owned()))
    }
}

/// The account or the workspace that a path of the installation's own names. The use-case looks it up with an
/// administrator's permit, which opens neither.
pub struct Administered(pub String);

impl sealed::Sealed for Administered {}
impl Argument for Administered {
    async fn take(_: &Frame, parts: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        let words = crate::gate::path_words(parts).await;
        let word =
            ["account", "workspace"].into_iter().map(|name| words.get(name)).find(|word| !word.is_empty());
        Ok(Self(word.unwrap_or_default().to_owned()))
    }
}

/// The commit that a path names, within the project that was decided on. Whether there is one is the use-case's to find out.
pub struct NamedCommit(pub String);

impl sealed::Sealed for NamedCommit {}
impl Argument for NamedCommit {
    async fn take(_: &Frame, parts: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        Ok(Self(crate::gate::path_words(parts).await.get("commit").to_owned()))
    }
}

/// Who asks, once more, for what goes on after the answer.
pub(crate) struct Again(pub crate::gate::Asked);

impl sealed::Sealed for Again {}
impl Argument for Again {
    async fn take(_: &Frame, parts: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        let asked = parts.extensions.get::<crate::gate::Asked>().cloned();
        Ok(Self(asked.ok_or(Refusal::Unauthenticated)?))
    }
}

/// What a webhook sends: taken as it is, since its proof is made of it, and read by nobody. Nothing of it comes before it is
/// known whose webhook it is.
pub struct SentHook(Body);

/// Bytes of it: those of thousands of commits.
const LARGEST_HOOK: usize = 4 * 1024 * 1024;
/// Those that are read at once, of everybody.
const HOOKS: usize = 16;
static READ: Semaphore = Semaphore::const_new(HOOKS);

impl SentHook {
    /// # Errors
    /// `TooManyRequests` where too many are being read, `PayloadTooLarge`, or a body that broke off.
    pub async fn read(self) -> Result<Bytes, Failure> {
        let _place = READ.try_acquire().map_err(|_| Refusal::TooManyRequests { retry_after: 1 })?;
        crate::body::bytes(&mut Some(self.0), LARGEST_HOOK, Refusal::PayloadTooLarge).await
    }
}

impl sealed::Sealed for SentHook {}
impl Argument for SentHook {
    fn describe(description: &mut Description) {
        description.sent_hook();
    }

    async fn take(_: &Frame, _: &mut Parts, body: &mut Option<Body>) -> Result<Self, Failure> {
        Ok(Self(body.take().unwrap_or_default()))
    }
}

/// A JSON body, read strictly: its content type, its size, its depth, every key.
pub struct Json<T>(pub T);

impl<T> sealed::Sealed for Json<T> {}
impl<T: DeserializeOwned + ToSchema + Send> Argument for Json<T> {
    fn describe(description: &mut Description) {
        description.body::<T>();
    }

    async fn take(_: &Frame, parts: &mut Parts, body: &mut Option<Body>) -> Result<Self, Failure> {
        crate::body::json(parts, body, crate::body::LARGEST).await.map(Self)
    }
}

/// A JSON body of which every field may be left out, and so the body itself.
pub struct AnyJson<T>(pub T);

impl<T> sealed::Sealed for AnyJson<T> {}
impl<T: DeserializeOwned + ToSchema + Send> Argument for AnyJson<T> {
    fn describe(description: &mut Description) {
        description.body::<T>();
        description.is_body_optional = true;
    }

    async fn take(_: &Frame, parts: &mut Parts, body: &mut Option<Body>) -> Result<Self, Failure> {
        crate::body::json_if_any(&parts.headers, body).await.map(Self)
    }
}

/// The same, of which no word is read before the handler asks for it: what is told first is what a link of the path is.
pub struct LaterJson<T> {
    headers: HeaderMap,
    body: Option<Body>,
    kind: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> LaterJson<T> {
    /// # Errors
    /// As every body is refused.
    pub async fn read(mut self) -> Result<T, Failure> {
        crate::body::json_if_any(&self.headers, &mut self.body).await
    }
}

impl<T> sealed::Sealed for LaterJson<T> {}
impl<T: DeserializeOwned + ToSchema + Send> Argument for LaterJson<T> {
    fn describe(description: &mut Description) {
        AnyJson::<T>::describe(description);
    }

    async fn take(_: &Frame, parts: &mut Parts, body: &mut Option<Body>) -> Result<Self, Failure> {
        Ok(Self { headers: parts.headers.clone(), body: body.take(), kind: PhantomData })
    }
}

/// A JSON body that may be as large as a profile with thousands of entries.
pub struct LargeJson<T>(pub T);

impl<T> sealed::Sealed for LargeJson<T> {}
impl<T: DeserializeOwned + ToSchema + Send> Argument for LargeJson<T> {
    fn describe(description: &mut Description) {
        description.body::<T>();
    }

    async fn take(_: &Frame, parts: &mut Parts, body: &mut Option<Body>) -> Result<Self, Failure> {
        crate::body::json(parts, body, crate::body::LARGEST_PROFILE).await.map(Self)
    }
}

/// A picture as it was sent, of at most 2 MiB; of what kind is what its content type says.
pub struct SentPicture {
    pub kind: PictureKind,
    pub bytes: Bytes,
}

impl sealed::Sealed for SentPicture {}
impl Argument for SentPicture {
    fn describe(description: &mut Description) {
        description.sent_picture(PictureKind::ALL.map(PictureKind::key));
    }

    async fn take(_: &Frame, parts: &mut Parts, body: &mut Option<Body>) -> Result<Self, Failure> {
        let said = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let said = said.split(';').next().unwrap_or_default().trim();
        let kind = PictureKind::ALL.into_iter().find(|kind| kind.key().eq_ignore_ascii_case(said));
        let kind = kind.ok_or(Refusal::LogoKind)?;
        crate::body::is_unpacked(&parts.headers)?;
        let bytes = crate::body::bytes(body, LARGEST_SENT, Refusal::LogoTooLarge).await?;
        Ok(Self { kind, bytes })
    }
}

/// The path of a file in somebody's own desk, which is decided on with the desk. Whoever opens it takes it for no more
/// than a path below the working copy.
pub struct Below(pub String);

impl sealed::Sealed for Below {}
impl Argument for Below {
    async fn take(_: &Frame, parts: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        Ok(Self(crate::gate::path_words(parts).await.get("path").to_owned()))
    }
}

/// A file as it is sent, read only as fast as it is saved. `is_new`: only where nothing is there (`If-None-Match: *`).
pub struct SentFile {
    pub bytes: DeskBytes,
    pub is_new: bool,
}

const BYTES: &str = "application/octet-stream";

impl sealed::Sealed for SentFile {}
impl Argument for SentFile {
    fn describe(description: &mut Description) {
        description.sent_bytes();
    }

    async fn take(_: &Frame, parts: &mut Parts, body: &mut Option<Body>) -> Result<Self, Failure> {
        let said = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !said.eq_ignore_ascii_case(BYTES) {
            return Err(Refusal::MediaTypeWanted(BYTES).into());
        }
        crate::body::is_unpacked(&parts.headers)?;
        let is_new = parts.headers.get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == b"*");
        let body = body.take().unwrap_or_default().into_data_stream();
        Ok(Self { bytes: body.map_err(Fault::new).boxed(), is_new })
    }
}

impl sealed::Sealed for Socket {}
impl Argument for Socket {
    async fn take(_: &Frame, parts: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        Self::of(parts).await
    }
}

/// The parameter that can't be read, and why, of what axum says: `… query string: <its name>: <what serde says>`.
fn wrong_parameter(said: &str) -> (String, String) {
    let said = said.split_once(": ").map_or(said, |(_, said)| said);
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let (place, said) = match said.split_once(": ") {
        Some((name, rest)) if is_name(name) => (name, rest),
        _ => ("", said),
    };
    (crate::body::named_field(said).unwrap_or_else(|| place.to_owned()), crate::body::plain(said))
}

/// The query, read as strictly as a body.
pub struct Query<T>(pub T);

impl<T> sealed::Sealed for Query<T> {}
impl<T: DeserializeOwned + ToSchema + Send> Argument for Query<T> {
    fn describe(description: &mut Description) {
        description.query::<T>();
    }

    async fn take(_: &Frame, parts: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|rejection| {
            let (named, detail) = wrong_parameter(&rejection.body_text());
            Refusal::Invalid(vec![FieldProblem::new(&named, "invalid", detail)]).into()
        })
    }
}

/// What guards a change against a lost update.
pub struct IfMatch(pub Option<String>);

impl sealed::Sealed for IfMatch {}
impl Argument for IfMatch {
    fn describe(description: &mut Description) {
        description.is_guarded = true;
    }

    async fn take(_: &Frame, parts: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        Ok(Self(crate::conditional::if_match(&parts.headers)))
    }
}

/// The installation's public face, for handlers that only need that.
pub struct Public(pub std::sync::Arc<Site>);

impl sealed::Sealed for Public {}
impl Argument for Public {
    async fn take(frame: &Frame, _: &mut Parts, _: &mut Option<Body>) -> Result<Self, Failure> {
        Ok(Self(frame.site.clone()))
    }
}
