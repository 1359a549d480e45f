//! A forgotten password, set anew by a mailed link.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_domain::Secret;
use utoipa::ToSchema;

use crate::answer::{Answer, Done, Mailed, Object};
use crate::argument::{From, Json, OwnWord, Uses};
use crate::gate::{Anyone, Reason};
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post(
            "/api/v1/session/reset",
            ask,
            Operation::new(
                "askForReset",
                202,
                "Mails a link to set the password anew, if an account has the address.",
            )
            .body(json!({ "email": "{own_email}" }))
            .mails()
            .refuses(&["mail_unavailable", "too_many_requests"]),
        )
        .get(
            "/api/v1/reset/{token}",
            view,
            Operation::new("viewReset", 200, "For which address a link is.")
                .meets(404)
                .refuses(&["not_found", "too_many_requests"]),
        )
        .post(
            "/api/v1/reset/{token}",
            reset,
            Operation::new(
                "resetPassword",
                204,
                "Sets the password by a mailed link, and ends every session.",
            )
            .body(json!({ "password": "{own_password}" }))
            .meets(404)
            .refuses(&["not_found", "mail_unavailable", "too_many_requests"]),
        )
}

struct Forgetful;
impl Reason for Forgetful {
    const WHY: &'static str = "whoever forgot the password can't sign in; the mail is the proof";
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskForReset {
    #[schema(format = Email)]
    email: String,
}

async fn ask(
    _: Anyone<Forgetful>,
    Uses(app): Uses,
    From(visitor): From,
    Json(wish): Json<AskForReset>,
) -> Answer<Mailed> {
    app.ask_for_reset(&wish.email, &visitor).await?;
    Ok(Mailed)
}

struct Holder;
impl Reason for Holder {
    const WHY: &'static str = "the link's secret is the proof";
}

#[derive(Serialize, ToSchema)]
struct ResetView {
    #[schema(format = Email)]
    email: String,
}

async fn view(
    _: Anyone<Holder>,
    Uses(app): Uses,
    From(visitor): From,
    OwnWord(token): OwnWord,
) -> Answer<Object<ResetView>> {
    Ok(Object::ok(ResetView { email: app.view_reset(&token, &visitor).await? }).secret())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResetPassword {
    #[schema(format = Password)]
    password: String,
}

async fn reset(
    _: Anyone<Holder>,
    Uses(app): Uses,
    From(visitor): From,
    OwnWord(token): OwnWord,
    Json(wish): Json<ResetPassword>,
) -> Answer<Done> {
    app.reset_password_by_link(&token, Secret::from_text(wish.password), visitor).await?;
    Ok(Done(None))
}
