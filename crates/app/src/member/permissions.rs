//! A member's permission profile: seen, and replaced whole.

use stoa_domain::member::Role;
use stoa_domain::permission::member as may;
use stoa_domain::{FieldProblem, InstanceId, MemberId, Permit, ProjectId, Refusal, ServerId};
use stoa_storage::profile::{NewProfile, Profile};

use crate::token::known_actions;
use crate::{App, Failure};

/// Most entries that one list may have.
const LONGEST_LIST: usize = 100_000;

/// A profile as it is shown; `None` is an owner's: not restricted.
#[derive(Debug, Clone)]
pub struct SeenProfile {
    pub member: MemberId,
    pub profile: Option<Profile>,
    pub revision: i64,
}

/// A whole profile, as it was asked for: keys and ids that may not exist.
#[derive(Debug, Clone)]
pub struct SetPermissions {
    pub actions: Vec<String>,
    pub projects: Vec<String>,
    pub instances: Vec<String>,
    pub servers: Vec<String>,
    pub expected_revision: Option<i64>,
}

fn parsed<T: std::str::FromStr>(field: &str, texts: &[String], problems: &mut Vec<FieldProblem>) -> Vec<T> {
    if texts.len() > LONGEST_LIST {
        problems.push(FieldProblem::new(field, "too_long", "A list has at most 100,000 entries."));
        return Vec::new();
    }
    let mut ids = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(id) => ids.push(id),
            Err(_) => problems.push(FieldProblem::new(
                &format!("{field}.{at}"),
                "unknown",
                format!("There is no {} with the id {text:?} here.", field.trim_end_matches('s')),
            )),
        }
    }
    ids
}

impl App {
    /// # Errors
    /// `NotFound`.
    pub async fn view_permissions(
        &self,
        permit: Permit<may::ViewPermissions>,
    ) -> Result<SeenProfile, Failure> {
        self.load_permissions(permit.workspace(), *permit.target()).await
    }

    /// The profile as whoever may replace it sees it: what a guarded change is compared with.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn load_permissions_for_change(
        &self,
        permit: &Permit<may::SetPermissions>,
    ) -> Result<SeenProfile, Failure> {
        self.load_permissions(permit.workspace(), *permit.target()).await
    }

    async fn load_permissions(
        &self,
        workspace: stoa_domain::WorkspaceId,
        member: MemberId,
    ) -> Result<SeenProfile, Failure> {
        let found = self.store().load_member(workspace, member).await?;
        let profile = match found.role {
            Role::Owner => None,
            Role::Member => Some(self.store().load_profile(workspace, member).await?),
        };
        Ok(SeenProfile { member, profile, revision: found.revision })
    }

    /// Replaces the whole profile.
    ///
    /// # Errors
    /// `Invalid`, `Conflict` on an owner, `PreconditionFailed`.
    pub async fn set_permissions(
        &self,
        permit: Permit<may::SetPermissions>,
        wish: SetPermissions,
    ) -> Result<SeenProfile, Failure> {
        let mut problems = Vec::new();
        let profile = Profile {
            actions: known_actions("actions", &wish.actions, &mut problems),
            projects: parsed::<ProjectId>("projects", &wish.projects, &mut problems),
            instances: parsed::<InstanceId>("instances", &wish.instances, &mut problems),
            servers: parsed::<ServerId>("servers", &wish.servers, &mut problems),
        };
        if !problems.is_empty() {
            problems.truncate(20);
            return Err(Refusal::Invalid(problems).into());
        }
        let (workspace, member) = (permit.workspace(), *permit.target());
        let new = NewProfile { profile, expected_revision: wish.expected_revision };
        self.store().set_profile(permit, new).await?;
        self.load_permissions(workspace, member).await
    }
}
