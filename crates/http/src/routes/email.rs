//! The address of one's account: changed or confirmed by a mailed link.

use serde::Deserialize;
use serde_json::json;
use stoa_domain::AccountNeed;
use utoipa::ToSchema;

use super::account::{AccountView, operations};
use crate::answer::{Answer, Mailed, Object};
use crate::argument::{Json, Uses};
use crate::gate::{AccountOperation, SignedIn};
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post(
            "/api/v1/me/email",
            ask,
            Operation::new(
                "askForEmail",
                202,
                "Mails a link that changes the account's address; to the same address, one that confirms it.",
            )
            .body(json!({ "email": "{unique}@example.com" }))
            .mails()
            .refuses(&["mail_unavailable", "too_many_requests"]),
        )
        .post(
            "/api/v1/me/email/confirm",
            confirm,
            Operation::new("confirmEmail", 200, "Follows such a link, as the account that asked for it.")
                .body(json!({ "token": "x" }))
                .meets(404)
                .refuses(&["not_found", "wrong_account", "conflict", "too_many_requests"]),
        )
}

operations! {
    Asking Confirmed "account.ask_for_email",
    Confirming Session "account.confirm_email",
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskForEmail {
    #[schema(format = Email)]
    email: String,
}

async fn ask(
    SignedIn(permit, _): SignedIn<Asking>,
    Uses(app): Uses,
    Json(wish): Json<AskForEmail>,
) -> Answer<Mailed> {
    app.ask_for_email(permit, &wish.email).await?;
    Ok(Mailed)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmEmail {
    /// The end of the link.
    token: String,
}

async fn confirm(
    SignedIn(permit, _): SignedIn<Confirming>,
    Uses(app): Uses,
    Json(wish): Json<ConfirmEmail>,
) -> Answer<Object<AccountView>> {
    let account = permit.actor().account;
    app.confirm_email(permit, &wish.token).await?;
    Ok(Object::ok(AccountView::of(app.load_own_account(account).await?)))
}
