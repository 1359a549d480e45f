//! The address of one's account: changed or confirmed by a mailed link.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_domain::AccountNeed;
use utoipa::ToSchema;

use super::account::{AccountView, operations};
use super::wire::time;
use crate::answer::{Answer, Done, Mailed, Object};
use crate::argument::{Json, OwnWord, Uses};
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
        .get(
            "/api/v1/me/email",
            pending,
            Operation::new(
                "viewPendingEmail",
                200,
                "The address that a mailed link waits at, where one does.",
            ),
        )
        .delete(
            "/api/v1/me/email",
            take_back,
            Operation::new("takeEmailBack", 204, "Ends that link; the address stays as it is.")
                .meets(404)
                .refuses(&["not_found"]),
        )
        .get(
            "/api/v1/me/email/links/{token}",
            view,
            Operation::new("viewEmailLink", 200, "For which address such a link is.").meets(404).refuses(&[
                "not_found",
                "wrong_account",
                "too_many_requests",
            ]),
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
    SeeingPending Session "account.view_pending_email",
    TakingBack Session "account.take_email_back",
    SeeingLink Session "account.view_email_link",
}

#[derive(Serialize, ToSchema)]
struct PendingEmailView {
    pending: Option<WaitingEmail>,
}

#[derive(Serialize, ToSchema)]
struct WaitingEmail {
    #[schema(format = Email)]
    email: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

async fn pending(
    SignedIn(permit, _): SignedIn<SeeingPending>,
    Uses(app): Uses,
) -> Answer<Object<PendingEmailView>> {
    let found = app.view_pending_email(permit).await?;
    let pending = found.map(|one| WaitingEmail { email: one.email, expires_at: time(one.expires_at) });
    Ok(Object::ok(PendingEmailView { pending }))
}

async fn take_back(SignedIn(permit, _): SignedIn<TakingBack>, Uses(app): Uses) -> Answer<Done> {
    app.take_email_back(permit).await?;
    Ok(Done(None))
}

#[derive(Serialize, ToSchema)]
struct EmailLinkView {
    #[schema(format = Email)]
    email: String,
    /// Nobody showed before that the account's address is theirs: tokens, second factors and other sessions that were
    /// made before end with it.
    is_first_proof: bool,
}

async fn view(
    SignedIn(permit, _): SignedIn<SeeingLink>,
    Uses(app): Uses,
    OwnWord(token): OwnWord,
) -> Answer<Object<EmailLinkView>> {
    let link = app.view_email_link(permit, &token).await?;
    Ok(Object::ok(EmailLinkView { email: link.email, is_first_proof: link.is_first_proof }).secret())
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
