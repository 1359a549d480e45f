//! Health, set-up and the API's own description.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_app::account::SetUp;
use stoa_domain::Secret;
use utoipa::ToSchema;

use crate::answer::{Answer, Object};
use crate::argument::{Around, From, Json, Uses};
use crate::gate::{Anyone, Reason};
use crate::router::{Routes, Sample};
use crate::routes::account::AccountView;
use crate::routes::session::set_cookie;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/v1/health", health, Sample::status(200))
        .get("/api/v1/openapi.json", description, Sample::status(200))
        .post(
            "/api/v1/setup",
            set_up,
            // An installation that runs has an account: the sample meets the conflict.
            Sample::status(409).body(json!({ "token": "x", "name": "Anna", "email": "anna@example.com", "password": "correct horse battery" })),
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
    app.ping().await.map_err(|_| stoa_domain::Refusal::Unavailable)?;
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
    email: String,
    password: String,
}

async fn set_up(
    _: Anyone<FirstAccount>,
    Uses(app): Uses,
    Around(frame): Around,
    From(visitor): From,
    Json(wish): Json<SetUpInstallation>,
) -> Answer<Object<AccountView>> {
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
