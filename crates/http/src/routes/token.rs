//! Personal access tokens.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::token::{CreateToken, ListedToken};
use stoa_domain::AccountNeed;
use utoipa::ToSchema;

use super::account::operations;
use super::wire::{PageQuery, page, parse_time, time};
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{Json, OwnWord, Query, Uses};
use crate::gate::{AccountOperation, SignedIn};
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get(
            "/api/v1/me/tokens",
            list,
            Operation::new("listTokens", 200, "One's own personal access tokens, newest first."),
        )
        .post(
            "/api/v1/me/tokens",
            create,
            Operation::new("createToken", 201, "Makes a personal access token, and tells it this once.")
                .body(json!({ "name": "laptop" })),
        )
        .delete(
            "/api/v1/me/tokens/{id}",
            delete,
            Operation::new("deleteToken", 204, "Ends a personal access token.").refuses(&["not_found"]),
        )
}

operations! {
    Listing Session "token.list",
    Creating Confirmed "token.create",
    Deleting Confirmed "token.delete",
}

#[derive(Serialize, ToSchema)]
struct TokenView {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    last4: String,
    /// Null: not narrowed.
    #[schema(value_type = Option<Vec<words::ActionKey>>)]
    actions: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<words::Id>>)]
    workspaces: Option<Vec<String>>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// The secret itself: in the answer that makes it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token: Option<String>,
}

impl TokenView {
    fn of(token: ListedToken, secret: Option<String>) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
            last4: token.last4,
            actions: token.actions,
            workspaces: token.workspaces.map(|ids| ids.iter().map(ToString::to_string).collect()),
            created_at: time(token.created_at),
            expires_at: token.expires_at.map(time),
            last_used_at: token.last_used_at.map(time),
            token: secret,
        }
    }
}

async fn list(
    SignedIn(permit, _): SignedIn<Listing>,
    Uses(app): Uses,
    Query(query): Query<PageQuery>,
) -> Answer<Object<Page<TokenView>>> {
    let (wanted, after) = query.read()?;
    let tokens = app.list_tokens(permit, after, wanted + 1).await?;
    Ok(Object::ok(page(tokens, wanted, |token| token.id.to_string(), |token| TokenView::of(token, None))))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    workspaces: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<words::ActionKey>>)]
    actions: Option<Vec<String>>,
}

async fn create(
    SignedIn(permit, _): SignedIn<Creating>,
    Uses(app): Uses,
    Json(wish): Json<NewToken>,
) -> Answer<Object<TokenView>> {
    let expires_at = wish.expires_at.map(|text| parse_time("expires_at", &text)).transpose()?;
    let wish =
        CreateToken { name: wish.name, expires_at, workspaces: wish.workspaces, actions: wish.actions };
    let created = app.create_token(permit, wish).await?;
    let secret = created.secret.reveal_text().map(str::to_owned);
    Ok(Object::created(TokenView::of(created.token, secret)).secret())
}

async fn delete(
    SignedIn(permit, _): SignedIn<Deleting>,
    Uses(app): Uses,
    OwnWord(id): OwnWord,
) -> Answer<Done> {
    app.delete_token(permit, &id).await?;
    Ok(Done(None))
}
