//! A member's permission profile: seen, and replaced whole.

use std::collections::{BTreeMap, HashMap, HashSet};

use stoa_domain::member::Role;
use stoa_domain::permission::member as may;
use stoa_domain::{
    Action, FieldProblem, InstanceId, MemberId, Permit, ProjectId, Refusal, ServerId, Timestamp,
};
use stoa_storage::profile::{Granted, NewProfile, Profile, SetOne};
use uuid::Uuid;

use crate::token::known_actions;
use crate::{App, Failure};

/// Most entries that one list may have.
const LONGEST_LIST: usize = 100_000;

/// Most members that are set at once.
const MOST_MEMBERS: usize = 500;

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
    /// When each of these ends: an action's key, or an id of the lists.
    pub until: BTreeMap<String, Timestamp>,
}

/// One of several members who get the same, with the revision that it was loaded with.
#[derive(Debug, Clone)]
pub struct OneOfSeveral {
    pub member: String,
    pub expected_revision: Option<i64>,
}

/// Refuses to set nobody, and too many at once. To be asked before anything is read of them.
///
/// # Errors
/// `Invalid`.
pub fn check_count(members: usize) -> Result<(), Refusal> {
    if (1..=MOST_MEMBERS).contains(&members) {
        return Ok(());
    }
    Err(Refusal::invalid("members", "out_of_range", "Name 1 to 500 members."))
}

/// The end times, each of something that the profile holds, and none of them over.
fn parsed_until(
    texts: &BTreeMap<String, Timestamp>,
    profile: &Profile,
    now: Timestamp,
    problems: &mut Vec<FieldProblem>,
) -> BTreeMap<Granted, Timestamp> {
    let mut by_id: HashMap<Uuid, Granted> = HashMap::new();
    if !texts.is_empty() {
        by_id.extend(profile.projects.iter().map(|id| (id.uuid(), Granted::Project(*id))));
        by_id.extend(profile.instances.iter().map(|id| (id.uuid(), Granted::Instance(*id))));
        by_id.extend(profile.servers.iter().map(|id| (id.uuid(), Granted::Server(*id))));
    }
    let mut until = BTreeMap::new();
    for (key, at) in texts {
        let field = format!("until.{key}");
        let granted = match Action::from_key(key) {
            Some(action) => profile.actions.has(action).then_some(Granted::Action(action)),
            None => key.parse::<InstanceId>().ok().and_then(|id| by_id.get(&id.uuid()).copied()),
        };
        match granted {
            None => problems.push(FieldProblem::new(
                &field,
                "not_granted",
                "Only what is granted has an end. Grant it, or leave its end out.",
            )),
            Some(_) if *at <= now => {
                problems.push(FieldProblem::new(
                    &field,
                    "past",
                    "This end lies in the past. Choose a later one.",
                ));
            }
            // As it is told: in milliseconds.
            Some(granted) => _ = until.insert(granted, Timestamp::from_micros(at.micros() / 1_000 * 1_000)),
        }
    }
    until
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
        expected_revision: Option<i64>,
    ) -> Result<SeenProfile, Failure> {
        let mut problems = Vec::new();
        let profile = self.profile_of(&wish, &mut problems);
        if !problems.is_empty() {
            problems.truncate(20);
            return Err(Refusal::Invalid(problems).into());
        }
        let (workspace, member) = (permit.workspace(), *permit.target());
        self.store().set_profile(permit, NewProfile { profile, expected_revision }).await?;
        self.load_permissions(workspace, member).await
    }

    fn profile_of(&self, wish: &SetPermissions, problems: &mut Vec<FieldProblem>) -> Profile {
        let mut profile = Profile {
            actions: known_actions("actions", &wish.actions, problems),
            projects: parsed::<ProjectId>("projects", &wish.projects, problems),
            instances: parsed::<InstanceId>("instances", &wish.instances, problems),
            servers: parsed::<ServerId>("servers", &wish.servers, problems),
            until: BTreeMap::new(),
        };
        profile.until = parsed_until(&wish.until, &profile, self.store().now(), problems);
        profile
    }

    /// One of several members' profiles, as a guarded change compares it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn load_permissions_of_one(
        &self,
        permit: &Permit<may::SetPermissionsOfSeveral>,
        member: &str,
    ) -> Result<SeenProfile, Failure> {
        let member = member.parse().map_err(|_| Refusal::NotFound)?;
        self.load_permissions(permit.workspace(), member).await
    }

    /// Gives several members the same profile: all of them, or none. Answers with it, and who has it now.
    ///
    /// # Errors
    /// As [`App::set_permissions`]; `Invalid` for no members, too many, one twice, or one that isn't there.
    pub async fn set_permissions_of_several(
        &self,
        permit: Permit<may::SetPermissionsOfSeveral>,
        members: Vec<OneOfSeveral>,
        wish: SetPermissions,
    ) -> Result<(Vec<MemberId>, SeenProfile), Failure> {
        check_count(members.len())?;
        let mut problems = Vec::new();
        let (mut wanted, mut met) = (Vec::with_capacity(members.len()), HashSet::new());
        for (at, one) in members.iter().enumerate() {
            let field = format!("members.{at}.id");
            match one.member.parse::<MemberId>() {
                Ok(member) if met.insert(member) => {
                    wanted.push(SetOne { member, expected_revision: one.expected_revision });
                }
                Ok(_) => problems.push(FieldProblem::new(&field, "twice", "This member is named twice.")),
                Err(_) => {
                    problems.push(FieldProblem::new(&field, "unknown", "There is no such member here."))
                }
            }
        }
        let profile = self.profile_of(&wish, &mut problems);
        if !problems.is_empty() {
            problems.truncate(20);
            return Err(Refusal::Invalid(problems).into());
        }
        let workspace = permit.workspace();
        let set: Vec<MemberId> = wanted.iter().map(|one| one.member).collect();
        self.store().set_profiles(permit, wanted, profile).await?;
        let first = set.first().copied().ok_or(Refusal::NotFound)?;
        let seen = self.load_permissions(workspace, first).await?;
        Ok((set, seen))
    }
}
