//! Health, set-up and the API's own description.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_app::account::SetUp;
use stoa_domain::{AccountStanding, Refusal, Secret};
use utoipa::ToSchema;

use crate::answer::{Answer, Object};
use crate::argument::{Around, From, Json, Uses};
use crate::gate::{Anyone, Reason};
use crate::router::{Operation, Routes};
use crate::routes::account::AccountView;
use crate::routes::session::set_cookie;

pub(super) fn routes(routes: Routes) -> Routes {
    let first = json!({ "token": "x", "name": "Anna", "email": "anna@example.com", "password": "correct horse battery" });
    routes
        .get(
            "/api/v1/health",
            health,
            Operation::new("viewHealth", 200, "Whether Stoa is up and reaches its records."),
        )
        .get("/api/v1/openapi.json", description, Operation::new("viewDescription", 200, "This description."))
        .post(
            "/api/v1/setup",
            set_up,
            Operation::new(
                "setUp",
                201,
                "Makes the first account, administrator of the installation, and signs it in.",
            )
            .body(first)
            // An installation that runs has an account.
            .meets(409)
            .sets_cookie()
            .refuses(&["conflict", "permission_denied", "too_many_requests"]),
        )
}

pub(super) struct Probe;
impl Reason for Probe {
    const WHY: &'static str = "probes have no account";
}

#[derive(Serialize, ToSchema)]
struct Health {
    status: &'static str,
    version: &'static str,
}

async fn health(_: Anyone<Probe>, Uses(app): Uses, Around(frame): Around) -> Answer<Object<Health>> {
    app.ping().await.map_err(|_| Refusal::Unavailable)?;
    Ok(Object::ok(Health { status: "ok", version: frame.site.version }))
}

struct Public;
impl Reason for Public {
    const WHY: &'static str = "the description of a public contract";
}

async fn description(_: Anyone<Public>, Around(frame): Around) -> Answer<Object<Value>> {
    let routes = super::all(frame.site.version);
    Ok(Object::ok(crate::openapi::document(routes.registered(), frame.site.version)))
}

struct FirstAccount;
impl Reason for FirstAccount {
    const WHY: &'static str = "there is no account yet; the set-up token is the proof";
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetUpInstallation {
    token: String,
    name: String,
    #[schema(format = Email)]
    email: String,
    #[schema(format = Password)]
    password: String,
}

async fn set_up(
    gate: Anyone<FirstAccount>,
    Uses(app): Uses,
    Around(frame): Around,
    From(visitor): From,
    Json(wish): Json<SetUpInstallation>,
) -> Answer<Object<AccountView>> {
    if gate.account.as_ref().is_some_and(AccountStanding::is_by_token) {
        return Err(Refusal::TokenMayNot.into());
    }
    let wish = SetUp {
        token: wish.token,
        name: wish.name,
        email: wish.email,
        password: Secret::from_text(wish.password),
    };
    let signed_in = app.set_up(wish, visitor).await?;
    let own = app.load_own_account(signed_in.account).await?;
    Ok(Object::created(AccountView::of(own)).cookie(set_cookie(&frame.site, &signed_in.secret)).secret())
}
