//! Invitations, and the page behind a link.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::invitation::{InvitationRecord, Invited, NewPerson};
use stoa_domain::permission::invitation as may;
use stoa_domain::{AccountNeed, AccountStanding, InvitationId, Refusal, Secret};
use utoipa::ToSchema;

use super::session::set_cookie;
use super::wire::{ListQuery, limit, page, time};
use super::workspace::linked_logo_url;
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{Around, From, Json, LaterJson, OwnWord, Query, Uses};
use crate::gate::{Anyone, May, Reason};
use crate::openapi::words;
use crate::router::{Operation, Routes};

/// By what links that have ended are refused.
pub(super) const OVER: [&str; 5] = [
    "invitation_used",
    "invitation_expired",
    "invitation_revoked",
    "invitation_replaced",
    "invitation_voided",
];

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/invitations";
    const ONE: &str = "/api/v1/workspaces/{workspace}/invitations/{invitation}";
    routes
        .get(ALL, list, Operation::new("listInvitations", 200, "The workspace's invitations."))
        .post(
            ALL,
            create,
            Operation::new("createInvitation", 201, "Invites an address.")
                .body(json!({ "email": "{unique}@example.com" }))
                .refuses(&["already_member", "invitation_pending", "too_many_requests"]),
        )
        .delete(
            ONE,
            revoke,
            Operation::new("revokeInvitation", 204, "Takes an invitation back.").refuses(&OVER),
        )
        .post(
            "/api/v1/workspaces/{workspace}/invitations/{invitation}/resend",
            resend,
            Operation::new("resendInvitation", 200, "Sends a new link, which ends the old one.")
                .refuses(&OVER)
                .refuses(&["already_member", "too_many_requests"]),
        )
        .get(
            "/api/v1/invitations/{token}",
            link,
            Operation::new("viewInvitationLink", 200, "What a link invites to.")
                .meets(404)
                .refuses(&OVER)
                .refuses(&["not_found", "too_many_requests"]),
        )
        .post(
            "/api/v1/invitations/{token}/accept",
            accept,
            Operation::new(
                "acceptInvitation",
                200,
                "Accepts an invitation: as who is signed in, or with a new account.",
            )
            .body(json!({}))
            .meets(404)
            .sets_cookie()
            .refuses(&OVER)
            .refuses(&["not_found", "wrong_account", "permission_denied", "too_many_requests"]),
        )
}

#[derive(Serialize, ToSchema)]
struct InvitationView {
    #[schema(format = "uuid")]
    id: String,
    email: String,
    #[schema(value_type = words::InvitationStatus)]
    status: &'static str,
    /// `mail` or `link`.
    #[schema(value_type = words::Delivery)]
    delivery: String,
    /// What the inviter wrote to whoever is invited.
    message: Option<String>,
    /// How its newest mail stands: `waiting`, `sent` or `refused` (the mail server
    /// doesn't take it: it bounced); with what the mail server said.
    mail: Option<MailState>,
    invited_by: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    /// To copy: only where no mail carries it, and only in this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    link: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct MailState {
    #[schema(value_type = words::MailStatus)]
    status: String,
    error: Option<String>,
    /// Since when it stands so.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// When one that waits is tried again.
    #[schema(format = DateTime)]
    next_try_at: Option<String>,
}

impl InvitationView {
    fn of(invitation: InvitationRecord, link: Option<Secret>) -> Self {
        let mail = invitation.mail_status.map(|status| MailState {
            next_try_at: invitation.mail_next_at.filter(|_| status == "waiting").map(time),
            status,
            error: invitation.mail_error,
            since: invitation.mail_since.map(time),
        });
        Self {
            id: invitation.id.to_string(),
            email: invitation.email,
            status: invitation.status.key(),
            delivery: invitation.delivery,
            message: invitation.message,
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
    let found = app.list_invitations(permit, after, query.q.as_deref(), wanted + 1).await?;
    Ok(Object::ok(page(found, wanted, |one| one.id.to_string(), |one| InvitationView::of(one, None))))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    #[schema(format = Email)]
    email: String,
    /// Plain text in lines, 1,000 characters at most.
    message: Option<String>,
}

async fn create(
    May(permit): May<may::Create>,
    Uses(app): Uses,
    Json(wish): Json<NewInvitation>,
) -> Answer<Object<InvitationView>> {
    let Invited { invitation, link } = app.invite(permit, &wish.email, wish.message.as_deref()).await?;
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

pub(super) struct LinkHolder;
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
    /// What the inviter wrote.
    message: Option<String>,
    #[schema(format = DateTime)]
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
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
            logo_url: found.logo.map(|logo| linked_logo_url(&token, logo)),
            name: found.workspace_name,
            primary_color: found.primary_color,
        },
        invited_by: found.invited_by,
        email: found.email,
        message: found.message,
        expires_at: time(found.expires_at),
        account_exists: page.account_exists,
    })
    .secret())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptInvitation {
    name: Option<String>,
    #[schema(format = Password)]
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct JoinedWorkspace {
    #[schema(format = "uuid")]
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
    later: LaterJson<AcceptInvitation>,
) -> Answer<Object<Joined>> {
    // The link's own state is answered before anything about whoever holds it, or about what they send.
    app.view_link(&token, gate.account.as_ref(), &gate.visitor.address).await?;
    let wish = later.read().await?;
    let accepted = match (wish.name, wish.password) {
        (Some(name), Some(password)) => {
            let by_token = gate.account.as_ref().is_some_and(AccountStanding::is_by_token);
            if by_token {
                return Err(Refusal::TokenMayNot.into());
            }
            let person = NewPerson { name, password: Secret::from_text(password) };
            let visitor = gate.visitor.clone();
            app.accept_as_new(&token, person, visitor).await?
        }
        (None, None) => {
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
