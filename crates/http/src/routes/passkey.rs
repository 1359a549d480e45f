//! Passkeys of one's account.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_app::second_factor::{NewPasskeyWish, PasskeyRecord, RecoveryCodes};
use stoa_domain::AccountNeed;
use utoipa::ToSchema;

use super::account::operations;
use super::second_factor::texts;
use super::session::PasskeyAsked;
use super::wire::{PageQuery, page, time};
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{Json, OwnWord, Query, Uses};
use crate::gate::{AccountOperation, SignedIn};
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/me/passkeys";
    const ONE: &str = "/api/v1/me/passkeys/{id}";
    routes
        .get(ALL, list, Operation::new("listPasskeys", 200, "One's own passkeys, oldest first."))
        .post(
            "/api/v1/me/passkeys/begin",
            begin,
            Operation::new("beginPasskey", 201, "What an authenticator is asked, to make a passkey.")
                .refuses(&["conflict"]),
        )
        .post(
            ALL,
            add,
            Operation::new("addPasskey", 201, "Keeps the passkey that an authenticator made.")
                .body(json!({ "ceremony": "x", "name": "Laptop", "credential": {} }))
                .meets(422)
                .refuses(&["conflict"]),
        )
        .patch(
            ONE,
            rename,
            Operation::new("renamePasskey", 200, "Gives a passkey another name.")
                .body(json!({ "name": "Laptop" }))
                .meets(404)
                .refuses(&["not_found"]),
        )
        .delete(
            ONE,
            remove,
            Operation::new("removePasskey", 204, "Removes a passkey.")
                .meets(404)
                .refuses(&["not_found", "last_owner"]),
        )
}

operations! {
    Listing Session "account.list_passkeys",
    Beginning Confirmed "account.begin_passkey",
    Adding Confirmed "account.add_passkey",
    Renaming Session "account.rename_passkey",
    Removing Confirmed "account.remove_passkey",
}

#[derive(Serialize, ToSchema)]
struct PasskeyView {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// In the answer that makes an account's first second factor, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recovery_codes: Option<Vec<String>>,
}

impl PasskeyView {
    fn of(passkey: PasskeyRecord, codes: Option<&RecoveryCodes>) -> Self {
        Self {
            id: passkey.id.to_string(),
            name: passkey.name,
            created_at: time(passkey.created_at),
            last_used_at: passkey.last_used_at.map(time),
            recovery_codes: codes.map(texts),
        }
    }
}

async fn list(
    SignedIn(permit, _): SignedIn<Listing>,
    Uses(app): Uses,
    Query(query): Query<PageQuery>,
) -> Answer<Object<Page<PasskeyView>>> {
    let (wanted, after) = query.read()?;
    let found = app.list_passkeys(permit, after, wanted + 1).await?;
    Ok(Object::ok(page(found, wanted, |one| one.id.to_string(), |one| PasskeyView::of(one, None))))
}

async fn begin(SignedIn(permit, _): SignedIn<Beginning>, Uses(app): Uses) -> Answer<Object<PasskeyAsked>> {
    Ok(Object::created(PasskeyAsked::of(app.begin_passkey(permit).await?)).secret())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPasskey {
    ceremony: String,
    name: String,
    /// What the authenticator answered.
    #[schema(value_type = Object)]
    credential: Value,
}

async fn add(
    SignedIn(permit, _): SignedIn<Adding>,
    Uses(app): Uses,
    Json(wish): Json<NewPasskey>,
) -> Answer<Object<PasskeyView>> {
    let wish = NewPasskeyWish { ceremony: wish.ceremony, name: wish.name, credential: wish.credential };
    let (passkey, codes) = app.add_passkey(permit, wish).await?;
    Ok(Object::created(PasskeyView::of(passkey, codes.as_ref())).secret())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenamePasskey {
    name: String,
}

async fn rename(
    SignedIn(permit, _): SignedIn<Renaming>,
    Uses(app): Uses,
    OwnWord(id): OwnWord,
    Json(wish): Json<RenamePasskey>,
) -> Answer<Object<PasskeyView>> {
    Ok(Object::ok(PasskeyView::of(app.rename_passkey(permit, &id, &wish.name).await?, None)))
}

async fn remove(
    SignedIn(permit, _): SignedIn<Removing>,
    Uses(app): Uses,
    OwnWord(id): OwnWord,
) -> Answer<Done> {
    app.remove_passkey(permit, &id).await?;
    Ok(Done(None))
}
