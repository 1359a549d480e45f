//! Connect as: the application's users, links to connect as one of them, and what goes on by them.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::connect_as::SeenSession;
use stoa_app::ports::AppUser;
use stoa_domain::AccountNeed;
use stoa_domain::permission::connect_as as may;
use utoipa::ToSchema;

use super::wire::time;
use crate::answer::{Answer, Done, Html, Object, Page};
use crate::argument::{Around, Json, OwnWord, Query, Uses};
use crate::gate::{AccountOperation, Anyone, May, Reason, SignedIn};
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const HERE: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/connect-as";
    const USERS: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/connect-as/users";
    const SESSIONS: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/connect-as/sessions";
    const ONE: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/connect-as/sessions/{id}";
    const ASKED: [&str; 5] =
        ["application_failed", "conflict", "no_sandbox", "server_away", "too_many_requests"];
    routes
        .get(
            USERS,
            users,
            Operation::new("listApplicationUsers", 200, "Users of the application's, as it lists them.")
                .refuses(&ASKED),
        )
        .post(
            HERE,
            ask,
            Operation::new(
                "askToConnect",
                201,
                "Makes a link by which the same account connects as a user, once and within a minute.",
            )
            .body(json!({ "user": "kim", "reason": "Ticket 4182" }))
            .refuses(&ASKED),
        )
        .get(
            SESSIONS,
            sessions,
            Operation::new(
                "listConnectSessions",
                200,
                "Sessions as users that go on: one's own, to an owner all.",
            ),
        )
        .delete(ONE, end, Operation::new("endConnectSession", 204, "Ends a session as a user."))
        .post(
            "/api/v1/connect/{token}",
            open,
            Operation::new(
                "openConnectLink",
                200,
                "Acts on a link, as the account that asked for it: the application opens a session.",
            )
            .body(json!({}))
            .meets(404)
            .refuses(&ASKED)
            .refuses(&["connect_used", "connect_expired", "not_found", "permission_denied", "wrong_account"])
            .refuses(&["second_factor_required"]),
        )
        .get(
            "/connect/{token}",
            page,
            Operation::new("viewConnectLink", 200, "The page that a link opens, the same for every one."),
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UsersQuery {
    /// Text of an id, a login or a name.
    q: Option<String>,
}

/// A user as the application tells of them.
#[derive(Serialize, ToSchema)]
struct ApplicationUserView {
    /// The application's own.
    id: String,
    login: String,
    name: String,
    /// Whether the application lets them in.
    active: bool,
}

impl ApplicationUserView {
    fn of(user: AppUser) -> Self {
        Self { id: user.id, login: user.login, name: user.name, active: user.active }
    }
}

async fn users(
    May(permit): May<may::ListUsers>,
    Uses(app): Uses,
    Query(query): Query<UsersQuery>,
) -> Answer<Object<Page<ApplicationUserView>>> {
    let found = app.list_application_users(permit, query.q.unwrap_or_default()).await?;
    let items = found.into_iter().map(ApplicationUserView::of).collect();
    // The application's to search, not to be gone through.
    Ok(Object::ok(Page { items, next: None }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectWish {
    /// The id by which the application lists the user.
    user: String,
    /// 1 to 500 characters. It is written to the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

#[derive(Serialize, ToSchema)]
struct ConnectLinkView {
    #[schema(format = "uuid")]
    id: String,
    /// Works once, for the account that asked.
    url: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

async fn ask(
    May(permit): May<may::Ask>,
    Uses(app): Uses,
    Json(wish): Json<ConnectWish>,
) -> Answer<Object<ConnectLinkView>> {
    let link = app.ask_to_connect(permit, wish.user, &wish.reason).await?;
    let view = ConnectLinkView {
        id: link.id.to_string(),
        url: link.url.reveal_text().unwrap_or_default().to_owned(),
        expires_at: time(link.expires_at),
    };
    Ok(Object::created(view).secret())
}

#[derive(Serialize, ToSchema)]
struct ConnectedUserView {
    id: String,
    login: String,
    name: String,
}

#[derive(Serialize, ToSchema)]
struct ConnectSessionView {
    #[schema(format = "uuid")]
    id: String,
    user: ConnectedUserView,
    reason: String,
    /// Who is connected, by name.
    account: String,
    is_own: bool,
    /// Its own address; `null` of another's.
    url: Option<String>,
    #[schema(format = DateTime)]
    opened_at: String,
    #[schema(format = DateTime)]
    ends_at: String,
}

impl ConnectSessionView {
    fn of(seen: SeenSession) -> Self {
        let record = seen.record;
        let user = ConnectedUserView { id: record.user.id, login: record.user.login, name: record.user.name };
        Self {
            id: record.id.to_string(),
            user,
            reason: record.reason,
            account: record.account_name,
            is_own: seen.is_own,
            url: seen.url,
            opened_at: time(record.opened_at),
            ends_at: time(record.ends_at),
        }
    }
}

async fn sessions(
    May(permit): May<may::ListSessions>,
    Uses(app): Uses,
) -> Answer<Object<Page<ConnectSessionView>>> {
    let found = app.list_connect_sessions(permit).await?;
    let items = found.into_iter().map(ConnectSessionView::of).collect();
    Ok(Object::ok(Page { items, next: None }))
}

async fn end(May(permit): May<may::End>, Uses(app): Uses, OwnWord(id): OwnWord) -> Answer<Done> {
    app.end_connect_session(permit, &id).await?;
    Ok(Done(None))
}

/// Connecting by a link.
struct OpensLink;

impl AccountOperation for OpensLink {
    const NEED: AccountNeed = AccountNeed::Session;
    const OPERATION: &'static str = "connect_as.open_link";
}

/// Nothing to say: the link says it all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenConnectLink {}

#[derive(Serialize, ToSchema)]
struct OpenedView {
    /// The session's own host.
    url: String,
    /// What is brought there by a form, once and within seconds.
    code: String,
    #[schema(format = DateTime)]
    ends_at: String,
}

async fn open(
    SignedIn(permit, _): SignedIn<OpensLink>,
    Uses(app): Uses,
    OwnWord(token): OwnWord,
    Json(OpenConnectLink {}): Json<OpenConnectLink>,
) -> Answer<Object<OpenedView>> {
    let opened = app.open_ticket(permit, &token).await?;
    let view = OpenedView {
        url: opened.url,
        code: opened.code.reveal_text().unwrap_or_default().to_owned(),
        ends_at: time(opened.ends_at),
    };
    Ok(Object::ok(view).secret())
}

/// The page tells nothing of the link; what it does is decided when it does it.
struct LinkPage;

impl Reason for LinkPage {
    const WHY: &'static str = "the page of a link is the same for every link";
}

async fn page(_: Anyone<LinkPage>, Around(frame): Around) -> Answer<Html> {
    use base64::Engine as _;
    let nonce = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(crate::proxy::visit::random::<16>());
    let settings = frame.app.settings();
    let targets = settings.url_of(&format!("*.{}", settings.instance_domain));
    Ok(Html(crate::proxy::connect::begins(&nonce, &targets)))
}
