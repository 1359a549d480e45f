//! The second factor of one's account: an authenticator app, and recovery codes.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::second_factor::RecoveryCodes;
use stoa_domain::permission::workspace::ViewSignInRules;
use stoa_domain::{AccountNeed, Secret};
use utoipa::ToSchema;

use super::account::operations;
use super::wire::time;
use crate::answer::{Answer, Done, Object};
use crate::argument::{Json, Uses};
use crate::gate::{AccountOperation, May, SignedIn};
use crate::problem::tell;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/me/second-factor";
    routes
        .get(
            ONE,
            view,
            Operation::new("viewSecondFactor", 200, "What one's account has besides its password."),
        )
        .post(
            ONE,
            begin,
            Operation::new(
                "beginAuthenticator",
                201,
                "Begins to set an authenticator app up. Nothing counts until its first code.",
            ),
        )
        .post(
            "/api/v1/me/second-factor/confirm",
            confirm,
            Operation::new("confirmAuthenticator", 200, "Turns the authenticator app on, by its first code.")
                .body(json!({ "ceremony": "x", "code": "000000" }))
                .meets(422)
                .refuses(&["too_many_requests"]),
        )
        .delete(
            ONE,
            remove,
            Operation::new("removeAuthenticator", 204, "Turns the authenticator app off; passkeys stay.")
                .meets(404)
                .refuses(&["not_found", "last_owner"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/sign-in",
            rules,
            Operation::new(
                "viewSignInRules",
                200,
                "How many members have no second factor: whom demanding one keeps out.",
            ),
        )
        .post(
            "/api/v1/me/recovery-codes",
            renew,
            Operation::new(
                "renewRecoveryCodes",
                201,
                "Makes new recovery codes; the old ones count no more.",
            )
            .meets(409)
            .refuses(&["conflict"]),
        )
}

operations! {
    Seeing Session "account.view_second_factor",
    Beginning Confirmed "account.begin_authenticator",
    Confirming Confirmed "account.add_authenticator",
    Removing Confirmed "account.remove_authenticator",
    Renewing Confirmed "account.renew_recovery_codes",
}

#[derive(Serialize, ToSchema)]
struct SecondFactorView {
    /// Since when an authenticator app gives codes.
    #[schema(format = DateTime)]
    authenticator_since: Option<String>,
    #[schema(minimum = 0)]
    passkeys: usize,
    recovery_codes_left: i64,
    /// Names of one's workspaces that demand a second factor.
    demanded_by: Vec<String>,
    /// Why passkeys don't work here, where they don't.
    no_passkeys: Option<String>,
    has_password: bool,
}

async fn view(SignedIn(permit, _): SignedIn<Seeing>, Uses(app): Uses) -> Answer<Object<SecondFactorView>> {
    let own = app.view_second_factors(permit).await?;
    Ok(Object::ok(SecondFactorView {
        authenticator_since: own.totp_since.map(time),
        passkeys: own.passkeys,
        recovery_codes_left: own.recovery_codes_left,
        demanded_by: own.demanded_by,
        no_passkeys: own.no_passkeys.map(|refusal| tell(&refusal).detail),
        has_password: own.has_password,
    }))
}

#[derive(Serialize, ToSchema)]
struct SignInRulesView {
    members: i64,
    without_second_factor: i64,
}

async fn rules(May(permit): May<ViewSignInRules>, Uses(app): Uses) -> Answer<Object<SignInRulesView>> {
    let seen = app.view_sign_in_rules(permit).await?;
    Ok(Object::ok(SignInRulesView { members: seen.members, without_second_factor: seen.without }))
}

fn text(secret: &Secret) -> String {
    secret.reveal_text().unwrap_or_default().to_owned()
}

#[derive(Serialize, ToSchema)]
struct BegunAuthenticator {
    /// To be typed into the app, in base32.
    secret: String,
    /// To be scanned by it.
    otpauth_url: String,
    /// Comes back with the first code.
    ceremony: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

async fn begin(
    SignedIn(permit, _): SignedIn<Beginning>,
    Uses(app): Uses,
) -> Answer<Object<BegunAuthenticator>> {
    let begun = app.begin_totp(permit).await?;
    Ok(Object::created(BegunAuthenticator {
        secret: text(&begun.secret),
        otpauth_url: text(&begun.address),
        ceremony: text(&begun.ceremony),
        expires_at: time(begun.expires_at),
    })
    .secret())
}

/// Shown in this one answer.
#[derive(Serialize, ToSchema)]
struct ShownCodes {
    /// Each stands in for the second factor once. Left out where the account has its codes already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recovery_codes: Option<Vec<String>>,
}

pub(super) fn texts(codes: &RecoveryCodes) -> Vec<String> {
    codes.0.iter().map(text).collect()
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmAuthenticator {
    ceremony: String,
    code: String,
}

async fn confirm(
    SignedIn(permit, _): SignedIn<Confirming>,
    Uses(app): Uses,
    Json(wish): Json<ConfirmAuthenticator>,
) -> Answer<Object<ShownCodes>> {
    let codes = app.confirm_totp(permit, &wish.ceremony, &wish.code).await?;
    Ok(Object::ok(ShownCodes { recovery_codes: codes.as_ref().map(texts) }).secret())
}

async fn remove(SignedIn(permit, _): SignedIn<Removing>, Uses(app): Uses) -> Answer<Done> {
    app.remove_totp(permit).await?;
    Ok(Done(None))
}

async fn renew(SignedIn(permit, _): SignedIn<Renewing>, Uses(app): Uses) -> Answer<Object<ShownCodes>> {
    let codes = app.renew_recovery_codes(permit).await?;
    Ok(Object::created(ShownCodes { recovery_codes: Some(texts(&codes)) }).secret())
}
