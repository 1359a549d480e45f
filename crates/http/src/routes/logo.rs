//! Logos: what a workspace wears, and what the bearer of an invitation's link sees of it.

use axum::body::Body;
use axum::response::Response;
use http::header::{self, HeaderMap, HeaderValue};
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use stoa_app::Failure;
use stoa_app::logo::{Picture, WornLogo};
use stoa_domain::permission::logo as may;
use utoipa::ToSchema;

use super::invitation::{LinkHolder, OVER};
use super::workspace::{WorkspaceView, answer};
use crate::answer::{Answer, Done, Object, Success};
use crate::argument::{From, Headers, IfMatch, OwnWord, Query, SentPicture, Uses};
use crate::conditional::{Revised, expected, is_known, tag_of};
use crate::gate::{Anyone, May};
use crate::openapi::Description;
use crate::router::{Operation, Routes};

/// One pixel, for the sample requests.
const PIXEL: &[u8] = include_bytes!("pixel.png");

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/workspaces/{workspace}/logo";
    routes
        .get(
            ONE,
            view,
            Operation::new("viewLogo", 200, "The workspace's logo, or its initials on its colour, as a PNG.")
                .tagged(),
        )
        .put(
            ONE,
            change,
            Operation::new(
                "changeLogo",
                200,
                "Takes a picture as the workspace's logo, drawn anew as a PNG.",
            )
            .raw("image/png", PIXEL)
            .tagged()
            .refuses(&["too_many_requests"]),
        )
        .delete(
            ONE,
            remove,
            Operation::new(
                "removeLogo",
                204,
                "Removes the logo: the initials stand for the workspace again.",
            ),
        )
        .get(
            "/api/v1/invitations/{token}/logo",
            linked,
            Operation::new("viewInvitationLogo", 200, "The logo of the workspace that a link invites to.")
                .tagged()
                .meets(404)
                .refuses(&OVER)
                .refuses(&["not_found", "too_many_requests"]),
        )
}

/// A PNG that Stoa drew itself.
struct Png {
    picture: Picture,
    is_known: bool,
    cache: &'static str,
}

impl Success for Png {
    fn describe(description: &mut Description) {
        description.picture();
    }

    fn into_response(self) -> Response {
        const HEADERS: [(HeaderName, &str); 4] = [
            (header::CONTENT_TYPE, "image/png"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // Opened by itself it is a picture and nothing else.
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ];
        let tag = tag_of(&self.picture.sha256);
        let (status, body) = match self.is_known {
            true => (StatusCode::NOT_MODIFIED, Body::empty()),
            false => (StatusCode::OK, Body::from(self.picture.png)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

fn png(picture: Picture, asked: &HeaderMap, cache: &'static str) -> Png {
    let is_known = is_known(asked, &tag_of(&picture.sha256));
    Png { picture, is_known, cache }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogoQuery {
    /// Another one for each picture, so that a browser never shows an old one. It says nothing to Stoa.
    #[allow(dead_code)]
    v: Option<String>,
}

async fn view(
    May(permit): May<may::View>,
    Uses(app): Uses,
    Headers(asked): Headers,
    Query(_): Query<LogoQuery>,
) -> Answer<Png> {
    Ok(png(app.view_logo(permit).await?, &asked, "private, no-cache"))
}

async fn linked(
    _: Anyone<LinkHolder>,
    Uses(app): Uses,
    From(visitor): From,
    OwnWord(token): OwnWord,
    Query(_): Query<LogoQuery>,
) -> Answer<Png> {
    let picture = app.view_linked_logo(&token, &visitor.address).await?;
    // The address of it holds the link's secret: nobody keeps the answer.
    Ok(Png { picture, is_known: false, cache: "no-store" })
}

/// Compared once here, and once more where it is written.
impl Revised for WornLogo {
    /// The hash of the uploaded logo.
    type Revision = Option<Vec<u8>>;

    fn tag(&self) -> Result<String, Failure> {
        Ok(tag_of(&self.sha256))
    }

    fn revision(self) -> Option<Vec<u8>> {
        self.is_uploaded.then_some(self.sha256)
    }
}

async fn change(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    SentPicture { kind, bytes }: SentPicture,
) -> Answer<Object<WorkspaceView>> {
    let expected = expected(wanted, app.worn_logo(permit.workspace())).await?;
    answer(app.change_logo(permit, kind, bytes, expected).await?)
}

async fn remove(May(permit): May<may::Remove>, Uses(app): Uses, IfMatch(wanted): IfMatch) -> Answer<Done> {
    let expected = expected(wanted, app.worn_logo(permit.workspace())).await?;
    app.remove_logo(permit, expected).await?;
    Ok(Done(None))
}
