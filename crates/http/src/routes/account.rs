//! One's own account: its name, its password, its sessions.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::account::{AccountChange, OwnAccount};
use stoa_app::session::ListedSession;
use stoa_domain::{AccountNeed, Secret};
use utoipa::ToSchema;

use super::session::clear_cookie;
use super::wire::{PageQuery, page, time};
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{Around, IfMatch, Json, OwnWord, Query, Uses};
use crate::conditional::{check, etag};
use crate::gate::{AccountOperation, SignedIn};
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    let passwords = json!({ "old_password": "{own_password}", "new_password": "{own_password}" });
    routes
        .get(
            "/api/v1/me",
            me,
            Operation::new("viewAccount", 200, "One's own account and its workspaces.").tagged(),
        )
        .patch(
            "/api/v1/me",
            change,
            Operation::new("changeAccount", 200, "Changes one's own account.")
                .body(json!({ "mail_on_failure": true }))
                .tagged(),
        )
        .post(
            "/api/v1/me/password",
            change_password,
            Operation::new("changePassword", 204, "Changes the password; all other sessions end.")
                .body(passwords)
                // The sample's new password is the old one.
                .meets(422)
                .refuses(&["too_many_requests"]),
        )
        .delete(
            "/api/v1/me",
            delete,
            Operation::new("deleteAccount", 204, "Deletes one's own account.")
                .body(json!({ "confirm": "{own_email}" }))
                // The sample's account is the last owner of its workspace.
                .meets(409)
                .sets_cookie()
                .refuses(&["last_owner", "conflict"]),
        )
        .get(
            "/api/v1/me/sessions",
            sessions,
            Operation::new("listSessions", 200, "One's own sessions, newest first."),
        )
        .delete(
            "/api/v1/me/sessions/{id}",
            end_session,
            Operation::new("endSession", 204, "Ends one of one's sessions.").refuses(&["not_found"]),
        )
}

#[derive(Serialize, ToSchema)]
pub(super) struct AccountView {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    #[schema(format = Email)]
    email: String,
    email_verified: bool,
    is_admin: bool,
    mail_on_failure: bool,
    /// Whether this request's account may create workspaces here.
    may_create_workspaces: bool,
    workspaces: Vec<MyWorkspaceView>,
}

#[derive(Serialize, ToSchema)]
struct MyWorkspaceView {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    #[schema(value_type = words::Role)]
    role: &'static str,
    logo_url: Option<String>,
    primary_color: String,
}

impl AccountView {
    pub(super) fn of(own: OwnAccount) -> Self {
        let workspaces = own.workspaces.into_iter().map(|mine| MyWorkspaceView {
            id: mine.workspace.id.to_string(),
            logo_url: super::workspace::logo_url(&mine.workspace),
            slug: mine.workspace.slug,
            name: mine.workspace.name,
            role: mine.role.key(),
            primary_color: mine.workspace.primary_color,
        });
        Self {
            id: own.account.id.to_string(),
            name: own.account.name,
            email: own.account.email,
            email_verified: own.account.email_verified_at.is_some(),
            is_admin: own.account.is_admin,
            mail_on_failure: own.account.mail_on_failure,
            may_create_workspaces: own.may_create_workspaces,
            workspaces: workspaces.collect(),
        }
    }
}

/// The tag of what an account can edit of itself.
fn tag(own: &OwnAccount) -> Result<String, stoa_app::Failure> {
    etag(&(own.account.id.to_string(), &own.account.name, own.account.mail_on_failure))
}

fn answer(own: OwnAccount) -> Answer<Object<AccountView>> {
    let tag = tag(&own)?;
    Ok(Object::ok(AccountView::of(own)).tagged(tag))
}

macro_rules! operations {
    ($($name:ident $need:ident $operation:literal),* $(,)?) => {$(
        struct $name;
        impl AccountOperation for $name {
            const NEED: AccountNeed = AccountNeed::$need;
            const OPERATION: &'static str = $operation;
        }
    )*};
}
pub(super) use operations;

operations! {
    Seeing SignedIn "account.view",
    Changing Session "account.change",
    ChangingPassword Confirmed "account.change_password",
    ListingSessions Session "session.list",
    EndingSession Confirmed "session.end",
    Deleting Confirmed "account.delete",
}

async fn me(SignedIn(permit, _): SignedIn<Seeing>, Uses(app): Uses) -> Answer<Object<AccountView>> {
    answer(app.view_own_account(&permit).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeAccount {
    name: Option<String>,
    mail_on_failure: Option<bool>,
}

async fn change(
    SignedIn(permit, _): SignedIn<Changing>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<ChangeAccount>,
) -> Answer<Object<AccountView>> {
    let account = permit.actor().account;
    let expected = match wanted {
        None => None,
        Some(wanted) => {
            let own = app.load_own_account(account).await?;
            check(Some(&wanted), &tag(&own)?)?;
            Some((own.account.name, own.account.mail_on_failure))
        }
    };
    let change = AccountChange { name: wish.name, mail_on_failure: wish.mail_on_failure, expected };
    app.change_account(permit, change).await?;
    answer(app.load_own_account(account).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    #[schema(format = Password)]
    old_password: String,
    #[schema(format = Password)]
    new_password: String,
    /// Whether every access token ends too.
    #[serde(default)]
    delete_tokens: bool,
}

async fn change_password(
    SignedIn(permit, _): SignedIn<ChangingPassword>,
    Uses(app): Uses,
    Json(wish): Json<ChangePassword>,
) -> Answer<Done> {
    let (old, new) = (Secret::from_text(wish.old_password), Secret::from_text(wish.new_password));
    app.change_password(permit, old, new, wish.delete_tokens).await?;
    Ok(Done(None))
}

#[derive(Serialize, ToSchema)]
struct SessionView {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_seen_at: String,
    address: String,
    user_agent: String,
    /// The session that asks.
    is_current: bool,
}

async fn sessions(
    SignedIn(permit, _): SignedIn<ListingSessions>,
    Uses(app): Uses,
    Query(query): Query<PageQuery>,
) -> Answer<Object<Page<SessionView>>> {
    let (wanted, after) = query.read()?;
    let (sessions, current) = app.list_sessions(permit, after, wanted + 1).await?;
    let view = |session: ListedSession| SessionView {
        id: session.id.to_string(),
        created_at: time(session.created_at),
        last_seen_at: time(session.last_seen_at),
        address: session.address,
        user_agent: session.user_agent,
        is_current: Some(session.id) == current,
    };
    Ok(Object::ok(page(sessions, wanted, |session| session.id.to_string(), view)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteAccount {
    /// One's own address.
    confirm: String,
}

async fn delete(
    SignedIn(permit, _): SignedIn<Deleting>,
    Uses(app): Uses,
    Around(frame): Around,
    Json(wish): Json<DeleteAccount>,
) -> Answer<Done> {
    app.delete_account(permit, &wish.confirm).await?;
    Ok(Done(Some(clear_cookie(&frame.site))))
}

async fn end_session(
    SignedIn(permit, _): SignedIn<EndingSession>,
    Uses(app): Uses,
    OwnWord(id): OwnWord,
) -> Answer<Done> {
    app.end_session(permit, &id).await?;
    Ok(Done(None))
}
