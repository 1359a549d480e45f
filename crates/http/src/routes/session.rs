//! Signing in and out, and entering the password again.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::session::SignIn;
use stoa_domain::{AccountNeed, Secret};
use utoipa::ToSchema;

use crate::answer::{Answer, Done, Object};
use crate::argument::{Around, From, Json, Uses};
use crate::gate::{AccountOperation, Anyone, Reason, SignedIn};
use crate::router::{Operation, Routes};
use crate::routes::account::AccountView;
use crate::site::Site;

pub(super) fn routes(routes: Routes) -> Routes {
    let own = json!({ "email": "{own_email}", "password": "{own_password}" });
    routes
        .post(
            "/api/v1/session",
            sign_in,
            Operation::new("signIn", 200, "Signs in.")
                .body(own)
                .sets_cookie()
                .refuses(&["too_many_requests"]),
        )
        .delete("/api/v1/session", sign_out, Operation::new("signOut", 204, "Signs out.").sets_cookie())
        .post(
            "/api/v1/session/confirm",
            confirm,
            Operation::new("confirmSession", 204, "Lets this session change the account for ten minutes.")
                .body(json!({ "password": "{own_password}" }))
                .refuses(&["too_many_requests"]),
        )
}

/// How long a browser keeps the cookie: 30 days, a session's absolute end.
const ABSOLUTE_SECONDS: i64 = 30 * 24 * 3600;

pub(super) fn set_cookie(site: &Site, secret: &Secret) -> String {
    let value = secret.reveal_text().unwrap_or_default();
    let secure = if site.secure { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={ABSOLUTE_SECONDS}{secure}", site.cookie())
}

fn clear_cookie(site: &Site) -> String {
    let secure = if site.secure { "; Secure" } else { "" };
    format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}", site.cookie())
}

struct SigningIn;
impl Reason for SigningIn {
    const WHY: &'static str = "signing in is how one becomes known";
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateSession {
    #[schema(format = Email)]
    email: String,
    #[schema(format = Password)]
    password: String,
    /// The second factor's code, where one is due.
    #[allow(dead_code)]
    code: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct SessionAnswer {
    account: AccountView,
}

async fn sign_in(
    _: Anyone<SigningIn>,
    Uses(app): Uses,
    Around(frame): Around,
    From(visitor): From,
    Json(wish): Json<CreateSession>,
) -> Answer<Object<SessionAnswer>> {
    let wish = SignIn { email: wish.email, password: Secret::from_text(wish.password) };
    let signed_in = app.sign_in(wish, visitor).await?;
    let account = AccountView::of(app.load_own_account(signed_in.account).await?);
    Ok(Object::ok(SessionAnswer { account }).cookie(set_cookie(&frame.site, &signed_in.secret)).secret())
}

pub(super) struct SigningOut;
impl AccountOperation for SigningOut {
    const NEED: AccountNeed = AccountNeed::Session;
    const OPERATION: &'static str = "session.sign_out";
}

async fn sign_out(
    SignedIn(permit, _): SignedIn<SigningOut>,
    Uses(app): Uses,
    Around(frame): Around,
) -> Answer<Done> {
    app.sign_out(permit).await?;
    Ok(Done(Some(clear_cookie(&frame.site))))
}

pub(super) struct Confirming;
impl AccountOperation for Confirming {
    const NEED: AccountNeed = AccountNeed::Session;
    const OPERATION: &'static str = "session.confirm";
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmSession {
    #[schema(format = Password)]
    password: String,
    #[allow(dead_code)]
    code: Option<String>,
}

async fn confirm(
    SignedIn(permit, _): SignedIn<Confirming>,
    Uses(app): Uses,
    Json(wish): Json<ConfirmSession>,
) -> Answer<Done> {
    app.confirm_session(permit, Secret::from_text(wish.password)).await?;
    Ok(Done(None))
}
