//! The installation's own pages: its workspaces from outside, its accounts, and how it stands.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::administration::{AdministeredWorkspace, InstallationState, NamedWorkspace, SeenAccount};
use stoa_domain::email::in_plain_letters;
use stoa_domain::{AccountId, Refusal, WorkspaceId};
use utoipa::ToSchema;

use super::shared::account_status;
use super::wire::{ListQuery, after, cursor, limit, page, time};
use crate::answer::{Answer, Object, Page};
use crate::argument::{Administered, Json, Query, Uses};
use crate::gate::{Administers, Administration};
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get(
            "/api/v1/administration/workspaces",
            workspaces,
            Operation::new("listAllWorkspaces", 200, "Every workspace: its names, its owners and its size."),
        )
        .post(
            "/api/v1/administration/workspaces/{workspace}/owners",
            name_owner,
            Operation::new("nameOwner", 200, "Names an owner for a workspace that has none who is active.")
                .body(json!({ "account": "{own_account}" }))
                // The sample's workspace has an owner.
                .meets(409)
                .refuses(&["conflict", "not_found"]),
        )
        .get(
            "/api/v1/administration/accounts",
            accounts,
            Operation::new("listAccounts", 200, "Every account, by name."),
        )
        .patch(
            "/api/v1/administration/accounts/{account}",
            change_account,
            Operation::new("changeAccountStatus", 200, "Disables an account, or enables it again.")
                .body(json!({ "status": "disabled" }))
                .refuses(&["conflict", "not_found"]),
        )
        .get(
            "/api/v1/administration/state",
            state,
            Operation::new("viewInstallation", 200, "How the installation stands: mail, storage, replicas."),
        )
}

macro_rules! operations {
    ($($name:ident $operation:literal),* $(,)?) => {$(
        struct $name;
        impl Administration for $name {
            const OPERATION: &'static str = $operation;
        }
    )*};
}

operations! {
    ListingWorkspaces "administration.list_workspaces",
    NamingAnOwner "workspace.name_owner",
    ListingAccounts "administration.list_accounts",
    ChangingStatus "account.change_status",
    SeeingState "administration.view_state",
}

#[derive(Serialize, ToSchema)]
struct WorkspaceOwner {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    email: String,
    #[schema(value_type = words::AccountStatus)]
    status: &'static str,
}

/// How large a workspace is.
#[derive(Serialize, ToSchema)]
struct WorkspaceSize {
    members: i64,
    projects: i64,
    servers: i64,
    instances: i64,
}

#[derive(Serialize, ToSchema)]
struct AdministeredWorkspaceView {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    owners: Vec<WorkspaceOwner>,
    /// Without one an administrator may name an owner.
    has_active_owner: bool,
    size: WorkspaceSize,
    #[schema(format = DateTime)]
    created_at: String,
}

impl AdministeredWorkspaceView {
    fn of(found: AdministeredWorkspace) -> Self {
        let has_active_owner = found.owners.iter().any(|owner| owner.is_active);
        let owners = found.owners.into_iter().map(|owner| WorkspaceOwner {
            id: owner.id.to_string(),
            name: owner.name,
            email: owner.email,
            status: account_status(owner.is_active),
        });
        Self {
            id: found.id.to_string(),
            slug: found.slug,
            name: found.name,
            owners: owners.collect(),
            has_active_owner,
            size: WorkspaceSize {
                members: found.members,
                projects: found.projects,
                servers: found.servers,
                instances: found.instances,
            },
            created_at: time(found.created_at),
        }
    }
}

async fn workspaces(
    Administers(permit, _): Administers<ListingWorkspaces>,
    Uses(app): Uses,
    Query(query): Query<ListQuery>,
) -> Answer<Object<Page<AdministeredWorkspaceView>>> {
    let wanted = limit(query.limit)?;
    let (name, id) = after(query.after.as_deref(), WorkspaceId::INSTALLATION)?;
    let search = query.q.as_deref().map(str::trim).filter(|search| !search.is_empty());
    let found = app.list_administered_workspaces(&permit, (&name, id), search, wanted + 1).await?;
    Ok(Object::ok(page(found, wanted, |one| cursor(&one.name, one.id), AdministeredWorkspaceView::of)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NameOwner {
    #[schema(format = "uuid")]
    account: String,
}

async fn name_owner(
    Administers(permit, _): Administers<NamingAnOwner>,
    Uses(app): Uses,
    Administered(workspace): Administered,
    Json(wish): Json<NameOwner>,
) -> Answer<Object<AdministeredWorkspaceView>> {
    let unknown = || Refusal::invalid("account", "unknown", "There is no such account.");
    let account: AccountId = wish.account.parse().map_err(|_| unknown())?;
    let found = app.name_owner(permit, &workspace, account).await?;
    Ok(Object::ok(AdministeredWorkspaceView::of(found)))
}

/// A workspace by its names.
#[derive(Serialize, ToSchema)]
struct OwnedWorkspace {
    slug: String,
    name: String,
}

#[derive(Serialize, ToSchema)]
struct AdministeredAccountView {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    email: String,
    /// The address in the letters by which mails are sent, where it is written in others and may look like another one.
    email_in_plain_letters: Option<String>,
    email_verified: bool,
    is_admin: bool,
    #[schema(value_type = words::AccountStatus)]
    status: &'static str,
    /// In how many it is a member.
    workspaces: i64,
    /// Those that have no other active owner: nobody could grant anything there while the account is disabled.
    last_owner_of: Vec<OwnedWorkspace>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_seen_at: Option<String>,
}

impl AdministeredAccountView {
    fn of(SeenAccount { account, last_owner_of }: SeenAccount) -> Self {
        let owned = |NamedWorkspace { slug, name }| OwnedWorkspace { slug, name };
        Self {
            id: account.id.to_string(),
            name: account.name,
            email_in_plain_letters: in_plain_letters(&account.email),
            email: account.email,
            email_verified: account.email_verified,
            is_admin: account.is_admin,
            status: account_status(account.is_active),
            workspaces: account.workspaces,
            last_owner_of: last_owner_of.into_iter().map(owned).collect(),
            created_at: time(account.created_at),
            last_seen_at: account.last_seen_at.map(time),
        }
    }
}

async fn accounts(
    Administers(permit, _): Administers<ListingAccounts>,
    Uses(app): Uses,
    Query(query): Query<ListQuery>,
) -> Answer<Object<Page<AdministeredAccountView>>> {
    let wanted = limit(query.limit)?;
    let (name, id) = after(query.after.as_deref(), AccountId::new(uuid::Uuid::nil()))?;
    let search = query.q.as_deref().map(str::trim).filter(|search| !search.is_empty());
    let found = app.list_administered_accounts(&permit, (&name, id), search, wanted + 1).await?;
    let mark = |one: &SeenAccount| cursor(&one.account.name, one.account.id);
    Ok(Object::ok(page(found, wanted, mark, AdministeredAccountView::of)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeAccountStatus {
    #[schema(value_type = words::AccountStatus)]
    status: String,
}

async fn change_account(
    Administers(permit, _): Administers<ChangingStatus>,
    Uses(app): Uses,
    Administered(account): Administered,
    Json(wish): Json<ChangeAccountStatus>,
) -> Answer<Object<AdministeredAccountView>> {
    let account: AccountId = account.parse().map_err(|_| Refusal::NotFound)?;
    let active = match wish.status.as_str() {
        "active" => true,
        "disabled" => false,
        _ => return Err(Refusal::invalid("status", "unknown", "A status is active or disabled.").into()),
    };
    Ok(Object::ok(AdministeredAccountView::of(app.set_account_status(permit, account, active).await?)))
}

#[derive(Serialize, ToSchema)]
struct MailProblem {
    /// What the mail server said last.
    detail: String,
    /// Whether no further try is made.
    is_given_up: bool,
    #[schema(format = DateTime)]
    queued_at: String,
}

#[derive(Serialize, ToSchema)]
struct MailFacts {
    is_configured: bool,
    /// Host and port.
    server: Option<String>,
    sender: Option<String>,
    waiting: i64,
    #[schema(format = DateTime)]
    waiting_since: Option<String>,
    last_error: Option<MailProblem>,
}

/// What one folder of Stoa's takes.
#[derive(Serialize, ToSchema)]
struct FolderSize {
    name: String,
    /// Bytes.
    size: u64,
}

#[derive(Serialize, ToSchema)]
struct StorageFacts {
    #[schema(value_type = words::DatabaseKind)]
    database: &'static str,
    /// Bytes.
    database_size: i64,
    /// Bytes that can still be written beside the records; null where it can't be measured.
    free: Option<u64>,
    folders: Vec<FolderSize>,
}

#[derive(Serialize, ToSchema)]
struct ReplicaFacts {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    internal_url: Option<String>,
    #[schema(format = DateTime)]
    seen_at: String,
}

/// Something that whoever runs the installation should know.
#[derive(Serialize, ToSchema)]
struct InstallationNote {
    code: &'static str,
    detail: String,
}

#[derive(Serialize, ToSchema)]
struct InstallationCounts {
    accounts: i64,
    workspaces: i64,
    instances: i64,
}

#[derive(Serialize, ToSchema)]
struct InstallationView {
    version: &'static str,
    public_url: String,
    instance_domain: String,
    #[schema(value_type = words::WorkspaceCreation)]
    workspace_creation: &'static str,
    counts: InstallationCounts,
    mail: MailFacts,
    storage: StorageFacts,
    /// Empty where this is the only process.
    replicas: Vec<ReplicaFacts>,
    notes: Vec<InstallationNote>,
}

impl InstallationView {
    fn of(state: InstallationState) -> Self {
        let records = state.records;
        let (free, folders) = state.disk.map_or((None, Vec::new()), |disk| (Some(disk.free), disk.folders));
        let last_error = records.mail_trouble.map(|trouble| MailProblem {
            detail: trouble.error,
            is_given_up: trouble.is_given_up,
            queued_at: time(trouble.queued_at),
        });
        let replicas = records.replicas.into_iter().map(|replica| ReplicaFacts {
            id: replica.id.to_string(),
            name: replica.name,
            internal_url: replica.internal_url,
            seen_at: time(replica.seen_at),
        });
        let (server, sender) = state.mail_route.map(|route| (route.server, route.sender)).unzip();
        Self {
            version: state.version,
            public_url: state.public_url,
            instance_domain: state.instance_domain,
            workspace_creation: state.workspace_creation.key(),
            counts: InstallationCounts {
                accounts: records.accounts,
                workspaces: records.workspaces,
                instances: records.instances,
            },
            mail: MailFacts {
                is_configured: server.is_some(),
                server,
                sender,
                waiting: records.waiting_mails,
                waiting_since: records.waiting_since.map(time),
                last_error,
            },
            storage: StorageFacts {
                database: if state.is_sqlite { "sqlite" } else { "postgresql" },
                database_size: records.database_size,
                free,
                folders: folders.into_iter().map(|(name, size)| FolderSize { name, size }).collect(),
            },
            replicas: replicas.collect(),
            notes: state
                .notes
                .into_iter()
                .map(|note| InstallationNote { code: note.code, detail: note.detail })
                .collect(),
        }
    }
}

async fn state(
    Administers(permit, _): Administers<SeeingState>,
    Uses(app): Uses,
) -> Answer<Object<InstallationView>> {
    Ok(Object::ok(InstallationView::of(app.view_installation(&permit).await?)))
}
