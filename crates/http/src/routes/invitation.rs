//! Invitations, and the page behind a link.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::invitation::{InvitationRecord, Invited, NewPerson};
use stoa_domain::permission::invitation as may;
use stoa_domain::{AccountNeed, InvitationId, Refusal, Secret};
use utoipa::ToSchema;

use super::session::set_cookie;
use super::wire::{ListQuery, limit, page, time};
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{Around, From, Json, OwnWord, Query, Uses};
use crate::gate::{Anyone, May, Reason};
use crate::router::{Routes, Sample};

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/workspaces/{workspace}/invitations/{invitation}";
    routes
        .get("/api/v1/workspaces/{workspace}/invitations", list, Sample::status(200))
        .post(
            "/api/v1/workspaces/{workspace}/invitations",
            create,
            Sample::status(201).body(json!({ "email": "{unique}@example.com" })),
        )
        .delete(ONE, revoke, Sample::status(204))
        .post("/api/v1/workspaces/{workspace}/invitations/{invitation}/resend", resend, Sample::status(200))
        .get("/api/v1/invitations/{token}", link, Sample::status(404))
        .post("/api/v1/invitations/{token}/accept", accept, Sample::status(404).body(json!({})))
}

#[derive(Serialize, ToSchema)]
struct InvitationView {
    id: String,
    email: String,
    status: &'static str,
    /// `mail` or `link`.
    delivery: String,
    /// How its newest mail stands: `waiting`, `sent` or `refused`; with what the mail server said.
    mail: Option<MailState>,
    invited_by: Option<String>,
    created_at: String,
    expires_at: String,
    /// To copy: only where no mail carries it, and only in this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct MailState {
    status: String,
    error: Option<String>,
    since: Option<String>,
}

impl InvitationView {
    fn of(invitation: InvitationRecord, link: Option<Secret>) -> Self {
        let mail = invitation.mail_status.map(|status| MailState {
            status,
            error: invitation.mail_error,
            since: invitation.mail_since.map(time),
        });
        Self {
            id: invitation.id.to_string(),
            email: invitation.email,
            status: invitation.status.key(),
            delivery: invitation.delivery,
            mail,
            invited_by: invitation.invited_by,
            created_at: time(invitation.created_at),
            expires_at: time(invitation.expires_at),
            link: link.and_then(|link| link.reveal_text().map(str::to_owned)),
        }
    }
}

async fn list(
    May(permit): May<may::List>,
    Uses(app): Uses,
    Query(query): Query<ListQuery>,
) -> Answer<Object<Page<InvitationView>>> {
    let wanted = limit(query.limit)?;
    let wrong = || Refusal::invalid("after", "invalid", "This isn't a cursor of this list.");
    let after = match &query.after {
        None => InvitationId::new(uuid::Uuid::nil()),
        Some(text) => text.parse().map_err(|_| wrong())?,
    };
    let found = app.list_invitations(permit, after, wanted + 1).await?;
    Ok(Object::ok(page(found, wanted, |one| one.id.to_string(), |one| InvitationView::of(one, None))))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    email: String,
}

async fn create(
    May(permit): May<may::Create>,
    Uses(app): Uses,
    Json(wish): Json<NewInvitation>,
) -> Answer<Object<InvitationView>> {
    let Invited { invitation, link } = app.invite(permit, &wish.email).await?;
    Ok(Object::created(InvitationView::of(invitation, link)).secret())
}

async fn resend(May(permit): May<may::Resend>, Uses(app): Uses) -> Answer<Object<InvitationView>> {
    let Invited { invitation, link } = app.resend_invitation(permit).await?;
    Ok(Object::ok(InvitationView::of(invitation, link)).secret())
}

async fn revoke(May(permit): May<may::Revoke>, Uses(app): Uses) -> Answer<Done> {
    app.revoke_invitation(permit).await?;
    Ok(Done(None))
}

struct LinkHolder;
impl Reason for LinkHolder {
    const WHY: &'static str = "the link's secret is the proof";
}

#[derive(Serialize, ToSchema)]
struct InvitingWorkspace {
    name: String,
    logo_url: Option<String>,
    primary_color: String,
}

#[derive(Serialize, ToSchema)]
struct LinkView {
    workspace: InvitingWorkspace,
    invited_by: String,
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_exists: Option<bool>,
}

async fn link(
    gate: Anyone<LinkHolder>,
    Uses(app): Uses,
    From(visitor): From,
    OwnWord(token): OwnWord,
) -> Answer<Object<LinkView>> {
    let page = app.view_link(&token, gate.account.as_ref(), &visitor.address).await?;
    let found = page.invitation;
    Ok(Object::ok(LinkView {
        workspace: InvitingWorkspace {
            logo_url: None,
            name: found.workspace_name,
            primary_color: found.primary_color,
        },
        invited_by: found.invited_by,
        email: found.email,
        account_exists: page.account_exists,
    })
    .secret())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptInvitation {
    name: Option<String>,
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct JoinedWorkspace {
    id: String,
    slug: String,
    name: String,
}

#[derive(Serialize, ToSchema)]
struct Joined {
    workspace: JoinedWorkspace,
}

async fn accept(
    gate: Anyone<LinkHolder>,
    Uses(app): Uses,
    Around(frame): Around,
    OwnWord(token): OwnWord,
    Json(wish): Json<AcceptInvitation>,
) -> Answer<Object<Joined>> {
    let accepted = match (wish.name, wish.password) {
        (Some(name), Some(password)) => {
            let person = NewPerson { name, password: Secret::from_text(password) };
            let visitor = gate.visitor.clone();
            app.accept_as_new(&token, person, visitor).await?
        }
        (None, None) => {
            // The link's own state is answered before anything about whoever holds it.
            app.view_link(&token, gate.account.as_ref(), &gate.visitor.address).await?;
            let account = gate.account.ok_or(Refusal::Unauthenticated)?;
            let permit = app.authorize_account(&account, AccountNeed::Session, "invitation.accept")?;
            app.accept_invitation(permit, &token).await?
        }
        _ => {
            return Err(
                Refusal::invalid("password", "missing", "Give a name and a password, or neither.").into()
            );
        }
    };
    let workspace = JoinedWorkspace {
        id: accepted.workspace.id.to_string(),
        slug: accepted.workspace.slug,
        name: accepted.workspace.name,
    };
    let answer = Object::ok(Joined { workspace }).secret();
    Ok(match accepted.signed_in {
        Some(signed_in) => answer.cookie(set_cookie(&frame.site, &signed_in.secret)),
        None => answer,
    })
}
