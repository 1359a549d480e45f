//! Signing in and out, and entering the password again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_app::second_factor::{BegunPasskey, ShownFactor, ShownPasskey};
use stoa_app::session::SignIn;
use stoa_domain::{AccountNeed, Secret};
use utoipa::ToSchema;

use crate::answer::{Answer, Done, Object};
use crate::argument::{Around, From, Json, Uses};
use crate::cookie;
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
                .refuses(&["too_many_requests", "second_factor_required"]),
        )
        .post(
            "/api/v1/session/passkey",
            begin,
            Operation::new("beginPasskeySignIn", 200, "What a passkey is asked, to sign in with it.")
                .body(json!({ "email": "{own_email}", "password": "{own_password}" }))
                // The sample's account has none.
                .meets(409)
                .refuses(&["too_many_requests", "conflict"]),
        )
        .get(
            "/api/v1/session/ways",
            ways,
            Operation::new("viewSignInWays", 200, "In which ways one can sign in here."),
        )
        .delete("/api/v1/session", sign_out, Operation::new("signOut", 204, "Signs out.").sets_cookie())
        .post(
            "/api/v1/session/confirm",
            confirm,
            Operation::new("confirmSession", 204, "Lets this session change the account for ten minutes.")
                .body(json!({ "password": "{own_password}" }))
                .refuses(&["too_many_requests", "second_factor_required", "conflict"]),
        )
        .post(
            "/api/v1/session/confirm/passkey",
            begin_confirming,
            Operation::new("beginPasskeyConfirmation", 200, "What a passkey is asked, to confirm with it.")
                .meets(409)
                .refuses(&["conflict"]),
        )
}

/// How long a browser keeps the cookie: 30 days, a session's absolute end.
const ABSOLUTE_SECONDS: u64 = 30 * 24 * 3600;

pub(super) fn set_cookie(site: &Site, secret: &Secret) -> String {
    let value = secret.reveal_text().unwrap_or_default();
    cookie::set(&site.cookie(), value, ABSOLUTE_SECONDS, site.secure)
}

pub(super) fn clear_cookie(site: &Site) -> String {
    cookie::set(&site.cookie(), "", 0, site.secure)
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
    /// The second factor's code or a recovery code, where one is due.
    code: Option<String>,
    /// Or a passkey.
    passkey: Option<PasskeyShown>,
}

/// A passkey's answer to what `…/passkey` asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasskeyShown {
    ceremony: String,
    #[schema(value_type = Object)]
    credential: Value,
}

pub(super) fn shown(code: Option<String>, passkey: Option<PasskeyShown>) -> ShownFactor {
    let passkey =
        passkey.map(|shown| ShownPasskey { ceremony: shown.ceremony, credential: shown.credential });
    ShownFactor { code: code.filter(|code| !code.trim().is_empty()).map(Secret::from_text), passkey }
}

/// What the browser hands to the authenticator.
#[derive(Serialize, ToSchema)]
pub(super) struct PasskeyAsked {
    /// Comes back with the answer.
    ceremony: String,
    /// As `navigator.credentials` takes it.
    #[schema(value_type = Object)]
    options: Value,
}

impl PasskeyAsked {
    pub(super) fn of(begun: BegunPasskey) -> Self {
        Self { ceremony: begun.ceremony.reveal_text().unwrap_or_default().to_owned(), options: begun.options }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct SessionAnswer {
    pub account: AccountView,
    /// Where a recovery code was used: how many are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub recovery_codes_left: Option<i64>,
}

async fn sign_in(
    _: Anyone<SigningIn>,
    Uses(app): Uses,
    Around(frame): Around,
    From(visitor): From,
    Json(wish): Json<CreateSession>,
) -> Answer<Object<SessionAnswer>> {
    let factor = shown(wish.code, wish.passkey);
    let wish = SignIn { email: wish.email, password: Secret::from_text(wish.password), factor };
    let signed_in = app.sign_in(wish, visitor).await?;
    let account = AccountView::of(app.load_own_account(signed_in.account).await?);
    let recovery_codes_left = signed_in.recovery_codes_left;
    Ok(Object::ok(SessionAnswer { account, recovery_codes_left })
        .cookie(set_cookie(&frame.site, &signed_in.secret))
        .secret())
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
    /// Where the account has a second factor.
    code: Option<String>,
    passkey: Option<PasskeyShown>,
}

async fn confirm(
    SignedIn(permit, _): SignedIn<Confirming>,
    Uses(app): Uses,
    Json(wish): Json<ConfirmSession>,
) -> Answer<Done> {
    let factor = shown(wish.code, wish.passkey);
    app.confirm_session(permit, Secret::from_text(wish.password), factor).await?;
    Ok(Done(None))
}

pub(super) struct BeginningToConfirm;
impl AccountOperation for BeginningToConfirm {
    const NEED: AccountNeed = AccountNeed::Session;
    const OPERATION: &'static str = "session.begin_confirming";
}

async fn begin_confirming(
    SignedIn(permit, _): SignedIn<BeginningToConfirm>,
    Uses(app): Uses,
) -> Answer<Object<PasskeyAsked>> {
    Ok(Object::ok(PasskeyAsked::of(app.begin_confirming(permit).await?)).secret())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BeginSession {
    #[schema(format = Email)]
    email: String,
    #[schema(format = Password)]
    password: String,
}

async fn begin(
    _: Anyone<SigningIn>,
    Uses(app): Uses,
    From(visitor): From,
    Json(wish): Json<BeginSession>,
) -> Answer<Object<PasskeyAsked>> {
    let begun = app.begin_signing_in(&wish.email, Secret::from_text(wish.password), &visitor).await?;
    Ok(Object::ok(PasskeyAsked::of(begun)).secret())
}

struct Asking;
impl Reason for Asking {
    const WHY: &'static str = "the sign-in page shows it";
}

#[derive(Serialize, ToSchema)]
struct SignInWays {
    /// Whether a forgotten password can be set anew by mail.
    password_reset: bool,
    /// What the sign-in provider is called, where there is one.
    provider: Option<String>,
}

async fn ways(_: Anyone<Asking>, Uses(app): Uses) -> Answer<Object<SignInWays>> {
    let provider = app.provider_name().map(str::to_owned);
    Ok(Object::ok(SignInWays { password_reset: app.sends_mail(), provider }))
}
