//! Replacing profiles: of one member, or of several at once, all or none.

use std::collections::HashSet;

use stoa_domain::member::Role;
use stoa_domain::permission::member::{SetPermissions, SetPermissionsOfSeveral};
use stoa_domain::{
    Authority, Conflict, FieldProblem, MemberId, Permit, Refusal, Resource, ResourceKind, Timestamp,
    WorkspaceId,
};
use uuid::Uuid;

use super::difference::{Held, Names, difference};
use super::{Granted, Profile};
use crate::audit::{NewAuditEvent, Outcome};
use crate::detail::list;
use crate::failure::Failure;
use crate::member::{MemberRecord, clear_profile, find_member_in, tell_access};
use crate::statement::Statement;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    INSERT_ACTION = "INSERT INTO member_actions (workspace_id, member_id, action, until_at) VALUES ($1, $2, $3, $4)";
    INSERT_PROJECT = "INSERT INTO member_projects (workspace_id, member_id, project_id, until_at) VALUES ($1, $2, $3, $4)";
    INSERT_INSTANCE =
        "INSERT INTO member_instances (workspace_id, member_id, instance_id, until_at) VALUES ($1, $2, $3, $4)";
    INSERT_SERVER = "INSERT INTO member_servers (workspace_id, member_id, server_id, until_at) VALUES ($1, $2, $3, $4)";
    COPY_ACTIONS = "INSERT INTO member_actions (workspace_id, member_id, action, until_at)
        SELECT workspace_id, $3, action, until_at FROM member_actions WHERE workspace_id = $1 AND member_id = $2";
    COPY_PROJECTS = "INSERT INTO member_projects (workspace_id, member_id, project_id, until_at)
        SELECT workspace_id, $3, project_id, until_at FROM member_projects WHERE workspace_id = $1 AND member_id = $2";
    COPY_INSTANCES = "INSERT INTO member_instances (workspace_id, member_id, instance_id, until_at)
        SELECT workspace_id, $3, instance_id, until_at FROM member_instances WHERE workspace_id = $1 AND member_id = $2";
    COPY_SERVERS = "INSERT INTO member_servers (workspace_id, member_id, server_id, until_at)
        SELECT workspace_id, $3, server_id, until_at FROM member_servers WHERE workspace_id = $1 AND member_id = $2";
    ALL_PROJECTS = "SELECT id FROM projects WHERE workspace_id = $1";
    ALL_INSTANCES = "SELECT id FROM instances WHERE workspace_id = $1";
    ALL_SERVERS = "SELECT id FROM servers WHERE workspace_id = $1";
    RAISE = "UPDATE members SET access_revision = access_revision + 1 WHERE workspace_id = $1 AND id = $2";
}

/// A profile to be stored, as it was asked for.
#[derive(Debug, Clone)]
pub struct NewProfile {
    pub profile: Profile,
    /// Refused where the member's access has another revision by now.
    pub expected_revision: Option<i64>,
}

/// One of several members who get the same profile.
#[derive(Debug, Clone, Copy)]
pub struct SetOne {
    pub member: MemberId,
    pub expected_revision: Option<i64>,
}

/// Refuses ids that aren't the workspace's: another's, deleted ones, made-up ones alike.
async fn all_known(
    tx: &mut Tx<'_>,
    statement: Statement,
    workspace: WorkspaceId,
    field: &str,
    wanted: &[Uuid],
) -> Result<(), Failure> {
    if wanted.is_empty() {
        return Ok(());
    }
    let rows = tx.fetch_all(statement, values![workspace]).await?;
    let known = rows.iter().map(|row| row.get::<Uuid>(0)).collect::<Result<HashSet<_>, _>>()?;
    let problems: Vec<_> = wanted
        .iter()
        .enumerate()
        .filter(|(_, id)| !known.contains(id))
        .take(20)
        .map(|(at, id)| {
            FieldProblem::new(
                &format!("{field}.{at}"),
                "unknown",
                format!("There is no {} with the id {id} here.", &field[..field.len() - 1]),
            )
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Refusal::Invalid(problems).into()) }
}

async fn check_ids(tx: &mut Tx<'_>, workspace: WorkspaceId, profile: &Profile) -> Result<(), Failure> {
    let projects: Vec<_> = profile.projects.iter().map(|id| id.uuid()).collect();
    let instances: Vec<_> = profile.instances.iter().map(|id| id.uuid()).collect();
    let servers: Vec<_> = profile.servers.iter().map(|id| id.uuid()).collect();
    all_known(tx, ALL_PROJECTS, workspace, "projects", &projects).await?;
    all_known(tx, ALL_INSTANCES, workspace, "instances", &instances).await?;
    all_known(tx, ALL_SERVERS, workspace, "servers", &servers).await
}

/// The member as one whose profile may be replaced now.
async fn load_for_setting(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    SetOne { member, expected_revision }: SetOne,
) -> Result<MemberRecord, Failure> {
    let found = find_member_in(tx, workspace, member).await?.ok_or(Refusal::NotFound)?;
    if expected_revision.is_some_and(|expected| expected != found.revision) {
        return Err(Refusal::PreconditionFailed.into());
    }
    if found.role == Role::Owner {
        return Err(Refusal::Conflict(Conflict::OwnerHasAll).into());
    }
    Ok(found)
}

async fn fill(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    member: MemberId,
    profile: &Profile,
) -> Result<(), Failure> {
    let until = |granted: Granted| -> Option<Timestamp> { profile.until.get(&granted).copied() };
    for action in profile.actions.iter() {
        let ends = until(Granted::Action(action));
        tx.execute(INSERT_ACTION, values![workspace, member, action.key(), ends]).await?;
    }
    let projects: HashSet<_> = profile.projects.iter().copied().collect();
    for id in projects {
        tx.execute(INSERT_PROJECT, values![workspace, member, id, until(Granted::Project(id))]).await?;
    }
    let instances: HashSet<_> = profile.instances.iter().copied().collect();
    for id in instances {
        tx.execute(INSERT_INSTANCE, values![workspace, member, id, until(Granted::Instance(id))]).await?;
    }
    let servers: HashSet<_> = profile.servers.iter().copied().collect();
    for id in servers {
        tx.execute(INSERT_SERVER, values![workspace, member, id, until(Granted::Server(id))]).await?;
    }
    Ok(())
}

impl Store {
    /// Replaces the whole profile.
    ///
    /// # Errors
    /// `Conflict` on an owner, `Invalid` for an id that isn't the workspace's, `PreconditionFailed`.
    pub async fn set_profile(&self, permit: Permit<SetPermissions>, new: NewProfile) -> Result<(), Failure> {
        let (workspace, member) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            let NewProfile { profile, expected_revision } = new.clone();
            Box::pin(async move {
                let found = load_for_setting(tx, workspace, SetOne { member, expected_revision }).await?;
                check_ids(tx, workspace, &profile).await?;
                let before = Held::by(tx, workspace, member).await?;
                let change =
                    difference(tx, workspace, &before, &Held::of(&profile), &mut Names::default()).await?;
                clear_profile(tx, workspace, member).await?;
                fill(tx, workspace, member, &profile).await?;
                tx.execute(RAISE, values![workspace, member]).await?;
                tx.audit_name(found.name);
                tx.audit_detail(change.finish());
                tell_access(tx, workspace, member, found.account).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Replaces the profiles of several members by the same one: of all of them or of none. The log has one event with
    /// the whole of it, and one for each member.
    ///
    /// # Errors
    /// As [`Store::set_profile`], for any of them; `Invalid` for one that isn't a member.
    pub async fn set_profiles(
        &self,
        permit: Permit<SetPermissionsOfSeveral>,
        members: Vec<SetOne>,
        profile: Profile,
    ) -> Result<(), Failure> {
        let workspace = permit.workspace();
        let actor = permit.actor().clone();
        let work: Work<()> = Box::new(move |tx| {
            let (members, profile, actor) = (members.clone(), profile.clone(), actor.clone());
            Box::pin(async move {
                let mut found = Vec::with_capacity(members.len());
                for (at, one) in members.iter().enumerate() {
                    let member =
                        load_for_setting(tx, workspace, *one).await.map_err(|failure| match failure {
                            Failure::Refused(Refusal::NotFound) => Refusal::invalid(
                                &format!("members.{at}.id"),
                                "unknown",
                                format!("There is no member with the id {} here.", one.member),
                            )
                            .into(),
                            other => other,
                        })?;
                    found.push(member);
                }
                check_ids(tx, workspace, &profile).await?;
                let (wanted, mut names) = (Held::of(&profile), Names::default());
                let mut first: Option<MemberId> = None;
                for member in &found {
                    let before = Held::by(tx, workspace, member.id).await?;
                    let change = difference(tx, workspace, &before, &wanted, &mut names).await?;
                    clear_profile(tx, workspace, member.id).await?;
                    match first {
                        // One by one for the first; the others are copies of it.
                        None => fill(tx, workspace, member.id, &profile).await?,
                        Some(first) => {
                            for copy in [COPY_ACTIONS, COPY_PROJECTS, COPY_INSTANCES, COPY_SERVERS] {
                                tx.execute(copy, values![workspace, first, member.id]).await?;
                            }
                        }
                    }
                    first = first.or(Some(member.id));
                    tx.execute(RAISE, values![workspace, member.id]).await?;
                    tell_access(tx, workspace, member.id, member.account).await?;
                    let event = NewAuditEvent {
                        workspace,
                        via: actor.via,
                        actor: Some(actor.clone()),
                        action: "member.set_permissions".to_owned(),
                        resource: Some(Resource { kind: ResourceKind::Member, id: member.id.uuid() }),
                        resource_name: Some(member.name.clone()),
                        second_name: None,
                        outcome: Outcome::Done,
                        repeated: 1,
                        detail: change.json("together", &found.len().to_string()).finish(),
                    };
                    tx.audit_also(&event).await?;
                }
                // The whole of what they have now, told as a difference from nothing: by names, as for each of them.
                let given = difference(tx, workspace, &Held::default(), &wanted, &mut names).await?;
                let to = list(found.iter().map(|member| member.name.as_str()));
                tx.audit_detail(given.json("members", &to).finish());
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Writes down that an owner looks on as a member, unless that was written within the last `seconds`.
    ///
    /// # Errors
    /// A fault, or what the second decision refuses.
    pub async fn record_view_as(
        &self,
        permit: Permit<stoa_domain::permission::member::ViewAs>,
        seconds: i64,
    ) -> Result<(), Failure> {
        let (workspace, member, account) = (permit.workspace(), *permit.target(), permit.actor().account);
        let operation = permit.operation();
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let since = tx.now().plus_seconds(-seconds);
                if crate::audit::is_recorded_since(tx, workspace, account, member.uuid(), operation, since)
                    .await?
                {
                    tx.audit_nothing();
                    return Ok(());
                }
                let found = find_member_in(tx, workspace, member).await?.ok_or(Refusal::NotFound)?;
                tx.audit_name(found.name);
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}
