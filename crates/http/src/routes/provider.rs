//! Signing in at the operator's provider, and linking one's account to it.

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::provider::SentAway;
use stoa_domain::{AccountNeed, Refusal, Secret};
use utoipa::ToSchema;

use super::account::{AccountView, operations};
use super::session::{PasskeyAsked, PasskeyShown, SessionAnswer, set_cookie, shown};
use super::wire::time;
use crate::answer::{Answer, Done, Object};
use crate::argument::{Around, From, Headers, Json, Uses};
use crate::cookie;
use crate::gate::{AccountOperation, Anyone, Reason, SignedIn};
use crate::router::{Operation, Routes};
use crate::site::Site;

pub(super) fn routes(routes: Routes) -> Routes {
    const OWN: &str = "/api/v1/me/identity";
    routes
        .post(
            "/api/v1/session/provider",
            send,
            Operation::new("sendToProvider", 200, "Where to go, to sign in at the provider.")
                // The tests' installation has none.
                .meets(404)
                .sets_cookie()
                .refuses(&["not_found", "conflict", "too_many_requests"]),
        )
        .post(
            "/api/v1/session/provider/callback",
            come_back,
            Operation::new(
                "comeBackFromProvider",
                200,
                "Signs in, or links, by what the provider sent along.",
            )
            .body(json!({ "code": "x", "state": "x" }))
            .meets(404)
            .sets_cookie()
            .refuses(&[
                "not_found",
                "conflict",
                "second_factor_required",
                "wrong_account",
                "too_many_requests",
            ])
            .refuses(&["permission_denied"]),
        )
        .post(
            "/api/v1/session/provider/factor",
            factor,
            Operation::new(
                "showFactorAfterProvider",
                200,
                "Signs in with the second factor, after the provider.",
            )
            .body(json!({ "code": "000000" }))
            .meets(422)
            .sets_cookie()
            .refuses(&["second_factor_required", "too_many_requests"]),
        )
        .post(
            "/api/v1/session/provider/passkey",
            begin,
            Operation::new("beginPasskeyAfterProvider", 200, "What a passkey is asked, after the provider.")
                .meets(422)
                .refuses(&["conflict"]),
        )
        .get(
            OWN,
            view,
            Operation::new("viewIdentity", 200, "Who one is to the provider.")
                .meets(404)
                .refuses(&["not_found"]),
        )
        .post(
            OWN,
            link,
            Operation::new("linkIdentity", 200, "Where to go, to link one's account to the provider.")
                .meets(404)
                .sets_cookie()
                .refuses(&["not_found", "conflict", "too_many_requests"]),
        )
        .delete(
            OWN,
            unlink,
            Operation::new("unlinkIdentity", 204, "Ends signing in at the provider.")
                .meets(404)
                .refuses(&["not_found"]),
        )
}

operations! {
    Seeing Session "account.view_provider",
    Linking Confirmed "account.begin_linking_provider",
    Unlinking Confirmed "account.unlink_provider",
}

struct SigningIn;
impl Reason for SigningIn {
    const WHY: &'static str = "signing in is how one becomes known";
}

/// Seconds that the browser may be away.
const AWAY_SECONDS: u64 = 600;

/// The cookie that binds what the provider answers to the browser that asked.
fn name(site: &Site) -> String {
    format!("{}-provider", site.cookie())
}

fn bound(site: &Site, headers: &HeaderMap) -> Result<String, Refusal> {
    let found = cookie::named(headers, &name(site)).next().map(str::to_owned);
    found.ok_or_else(|| {
        Refusal::invalid(
            "state",
            "over",
            "This took too long, was done already, or began in another browser. Begin again.",
        )
    })
}

#[derive(Serialize, ToSchema)]
struct ProviderAddress {
    url: String,
}

fn sent(site: &Site, away: &SentAway) -> Object<ProviderAddress> {
    let secret = away.secret.reveal_text().unwrap_or_default();
    let binding = cookie::set(&name(site), secret, AWAY_SECONDS, site.secure);
    Object::ok(ProviderAddress { url: away.url.clone() }).cookie(binding).secret()
}

async fn send(
    _: Anyone<SigningIn>,
    Uses(app): Uses,
    Around(frame): Around,
    From(visitor): From,
) -> Answer<Object<ProviderAddress>> {
    Ok(sent(&frame.site, &app.send_to_provider(None, &visitor).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FromProvider {
    code: String,
    state: String,
}

/// Signed in; without an account: linked.
#[derive(Serialize, ToSchema)]
struct ProviderAnswer {
    account: Option<AccountView>,
}

async fn come_back(
    gate: Anyone<SigningIn>,
    Uses(app): Uses,
    Around(frame): Around,
    Headers(headers): Headers,
    From(visitor): From,
    Json(wish): Json<FromProvider>,
) -> Answer<Object<ProviderAnswer>> {
    if app.provider_name().is_none() {
        return Err(Refusal::NotFound.into());
    }
    let secret = bound(&frame.site, &headers)?;
    let code = Secret::from_text(wish.code);
    let asking = gate.account.as_ref();
    let signed_in = app.come_back_from_provider(&secret, code, &wish.state, asking, visitor).await?;
    Ok(match signed_in {
        None => Object::ok(ProviderAnswer { account: None }).secret(),
        Some(signed_in) => {
            let account = AccountView::of(app.load_own_account(signed_in.account).await?);
            Object::ok(ProviderAnswer { account: Some(account) })
                .cookie(set_cookie(&frame.site, &signed_in.secret))
                .secret()
        }
    })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FactorShown {
    code: Option<String>,
    passkey: Option<PasskeyShown>,
}

async fn factor(
    _: Anyone<SigningIn>,
    Uses(app): Uses,
    Around(frame): Around,
    Headers(headers): Headers,
    From(visitor): From,
    Json(wish): Json<FactorShown>,
) -> Answer<Object<SessionAnswer>> {
    let secret = bound(&frame.site, &headers)?;
    let factor = shown(wish.code, wish.passkey);
    let signed_in = app.show_factor_after_provider(&secret, factor, visitor).await?;
    let account = AccountView::of(app.load_own_account(signed_in.account).await?);
    let recovery_codes_left = signed_in.recovery_codes_left;
    Ok(Object::ok(SessionAnswer { account, recovery_codes_left })
        .cookie(set_cookie(&frame.site, &signed_in.secret))
        .secret())
}

async fn begin(
    _: Anyone<SigningIn>,
    Uses(app): Uses,
    Around(frame): Around,
    Headers(headers): Headers,
) -> Answer<Object<PasskeyAsked>> {
    let secret = bound(&frame.site, &headers)?;
    Ok(Object::ok(PasskeyAsked::of(app.ask_for_passkey_after_provider(&secret).await?)).secret())
}

#[derive(Serialize, ToSchema)]
struct IdentityView {
    /// What the provider is called.
    provider: String,
    /// The address by which it knew one when it was linked; null: not linked.
    email: Option<String>,
    #[schema(format = DateTime)]
    linked_at: Option<String>,
}

async fn view(SignedIn(permit, _): SignedIn<Seeing>, Uses(app): Uses) -> Answer<Object<IdentityView>> {
    let provider = app.provider_name().unwrap_or_default().to_owned();
    let own = app.view_identity(permit).await?;
    Ok(Object::ok(IdentityView {
        provider,
        linked_at: own.as_ref().map(|own| time(own.created_at)),
        email: own.map(|own| own.email),
    }))
}

async fn link(
    SignedIn(permit, _): SignedIn<Linking>,
    Uses(app): Uses,
    Around(frame): Around,
    From(visitor): From,
) -> Answer<Object<ProviderAddress>> {
    Ok(sent(&frame.site, &app.send_to_provider(Some(permit), &visitor).await?))
}

async fn unlink(SignedIn(permit, _): SignedIn<Unlinking>, Uses(app): Uses) -> Answer<Done> {
    app.unlink_identity(permit).await?;
    Ok(Done(None))
}
