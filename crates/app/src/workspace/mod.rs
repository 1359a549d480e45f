//! Workspaces: made, seen, changed, deleted; and what a slug may be.

use stoa_domain::color::Color;
use stoa_domain::member::Role;
use stoa_domain::permission::workspace as may;
use stoa_domain::slug::{Slug, SlugProblem};
use stoa_domain::{
    AccountPermit, Action, ActionSet, FieldProblem, MemberId, Permission, Permit, Refusal, WorkspaceId,
};
use stoa_storage::attempt::Limit;
use stoa_storage::profile::Profile;
use stoa_storage::workspace::{MyWorkspace, NewWorkspace, WorkspaceChange};

pub use stoa_storage::workspace::WorkspaceRecord;
pub use stoa_storage::workspace::counts::Counts;

use crate::abilities::{self, Abilities, Caller};
use crate::account::check_name;
use crate::settings::WorkspaceCreation;
use crate::{App, Failure};

/// The colour of a workspace that hasn't chosen one.
pub const DEFAULT_COLOR: &str = "#3552d4";
const SLUG_QUESTIONS: Limit = Limit { count: 30, seconds: 60 };
/// By one account that doesn't administer the installation, where everybody may make them.
const MADE_A_DAY: Limit = Limit { count: 20, seconds: 24 * 3600 };

/// What the page says under the slug while a name is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlugAnswer {
    pub slug: String,
    pub available: bool,
    /// `taken`, `reserved` or `invalid`.
    pub reason: Option<&'static str>,
    pub suggestion: Option<String>,
}

#[derive(Debug, Clone)]
pub struct CreateWorkspace {
    pub name: String,
    pub slug: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct ChangeWorkspace {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub primary_color: Option<String>,
    pub requires_second_factor: Option<bool>,
    pub expected_revision: Option<i64>,
}

/// A workspace as one member sees it.
#[derive(Debug, Clone)]
pub struct SeenWorkspace {
    pub workspace: WorkspaceRecord,
    pub is_owner: bool,
    /// What counts for the caller, by the token that it asks with.
    pub actions: ActionSet,
    /// The caller's own profile; `None` is an owner's: not restricted.
    pub profile: Option<Profile>,
    pub member: MemberId,
    pub abilities: Abilities,
    /// Whether a model provider is set.
    pub has_ai: bool,
}

/// One of the caller's workspaces, as its list shows it.
#[derive(Debug, Clone)]
pub struct ListedWorkspace {
    pub mine: MyWorkspace,
    /// Of what the caller may see there; `None` where that is nothing before the account has a second factor.
    pub counts: Option<Counts>,
    pub abilities: Abilities,
}

/// Workspaces read at once while some of them are looked for.
const CHUNK: i64 = 200;

fn slug_problem(problem: SlugProblem) -> FieldProblem {
    match problem {
        SlugProblem::Invalid => FieldProblem::new(
            "slug",
            "invalid",
            "A slug has 2 to 40 of a-z, 0-9 and -, begins and ends with a letter or digit, and has no double hyphen.",
        ),
        SlugProblem::Reserved => {
            FieldProblem::new("slug", "reserved", "This word is reserved. Choose another.")
        }
    }
}

/// Those of an account's workspaces that its request is for, with the role that it has there.
pub(crate) fn as_seen_by(permit: &AccountPermit, all: Vec<MyWorkspace>) -> impl Iterator<Item = MyWorkspace> {
    all.into_iter()
        .filter(|mine| permit.sees_workspace(mine.workspace.id))
        .map(|mine| MyWorkspace { role: permit.role(mine.role), ..mine })
}

impl App {
    /// # Errors
    /// `TooManyRequests`.
    pub async fn check_slug(&self, permit: AccountPermit, text: &str) -> Result<SlugAnswer, Failure> {
        let bucket = format!("slug:account:{}", permit.actor().account);
        self.count(bucket, SLUG_QUESTIONS).await?;
        let plain = Slug::plain_of(text);
        // What is answered with is judged, whatever it was made of.
        let reason = match Slug::of_workspace(&plain) {
            Err(SlugProblem::Invalid) => Some("invalid"),
            Err(SlugProblem::Reserved) => Some("reserved"),
            Ok(_) if self.store().is_slug_free(&plain).await? => None,
            Ok(_) => Some("taken"),
        };
        let suggestion = if reason.is_some() { Some(self.free_slug(&plain).await?) } else { None };
        Ok(SlugAnswer { slug: plain, available: reason.is_none(), reason, suggestion })
    }

    /// `slug` itself where it is free, else with the first number that is.
    async fn free_slug(&self, slug: &str) -> Result<String, Failure> {
        if Slug::of_workspace(slug).is_ok() && self.store().is_slug_free(slug).await? {
            return Ok(slug.to_owned());
        }
        for number in 2..1000 {
            let candidate = Slug::numbered(slug, number);
            if Slug::of_workspace(&candidate).is_ok() && self.store().is_slug_free(&candidate).await? {
                return Ok(candidate);
            }
        }
        Ok(Slug::plain_of(&format!("team {}", self.new_uuid())))
    }

    /// Whether the operator lets an account make workspaces.
    pub(crate) fn may_create_workspaces(&self, is_admin: bool) -> bool {
        is_admin || self.settings().workspace_creation == WorkspaceCreation::Everyone
    }

    /// The creator becomes the owner.
    ///
    /// # Errors
    /// `SlugTaken`, with or without a slug in the wish; `AdministratorRequired`; `Invalid`; `TooManyRequests`.
    pub async fn create_workspace(
        &self,
        permit: AccountPermit,
        wish: CreateWorkspace,
    ) -> Result<SeenWorkspace, Failure> {
        if !self.may_create_workspaces(permit.is_admin()) {
            return Err(Refusal::AdministratorRequired.into());
        }
        let mut problems = Vec::new();
        let name = check_name("name", &wish.name, &mut problems);
        let text = wish.slug.unwrap_or_else(|| Slug::plain_of(&wish.name));
        let slug = Slug::of_workspace(&text).map_err(|problem| problems.push(slug_problem(problem))).ok();
        let (Some(name), Some(slug), true) = (name, slug, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        if !permit.is_admin() {
            let bucket = format!("workspace:account:{}", permit.actor().account);
            self.count(bucket, MADE_A_DAY).await?;
        }
        let id = WorkspaceId::new(self.new_uuid());
        let member = MemberId::new(self.new_uuid());
        let new = NewWorkspace {
            id,
            owner: member,
            name: name.into_string(),
            slug,
            primary_color: DEFAULT_COLOR.to_owned(),
            wrapped_key: self.outside().vault.new_workspace_key(id)?,
        };
        let workspace = self.store().create_workspace(permit, new).await?;
        Ok(by_owner(workspace, member, false))
    }

    /// One's workspaces by name, those with `search` in their name or slug.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_workspaces(
        &self,
        permit: AccountPermit,
        after: (&str, WorkspaceId),
        search: Option<&str>,
        limit: i64,
    ) -> Result<Vec<ListedWorkspace>, Failure> {
        let wanted = usize::try_from(limit).unwrap_or(0);
        let search = search.map(str::to_lowercase);
        let is_wanted = |mine: &MyWorkspace| {
            let workspace = &mine.workspace;
            let has = |search: &String| {
                workspace.name.to_lowercase().contains(search) || workspace.slug.contains(search.as_str())
            };
            search.as_ref().is_none_or(has)
        };
        let (mut name, mut id) = (after.0.to_owned(), after.1);
        let mut found = Vec::new();
        loop {
            let account = permit.actor().account;
            let chunk = self.store().list_my_workspaces(account, (&name, id), CHUNK).await?;
            let Some(last) = chunk.last() else { break };
            (name, id) = (last.workspace.name.clone(), last.workspace.id);
            found.extend(as_seen_by(&permit, chunk).filter(is_wanted));
            if found.len() >= wanted {
                break;
            }
        }
        found.truncate(wanted);
        let counts = self.store().count_in_my_workspaces(permit.actor().account, &found).await?;
        let lists_projects = permit.leaves(Action::ViewProjects);
        let listed = |mine: MyWorkspace| {
            let counts = counts
                .get(&mine.workspace.id)
                .map(|counts| Counts { projects: counts.projects.filter(|_| lists_projects), ..*counts });
            // An owner's count is of all instances that there are.
            let abilities = match (mine.role, &counts) {
                (Role::Owner, Some(counts)) => abilities::of_workspace_by_owner(counts.instances > 0),
                _ => Abilities::default(),
            };
            ListedWorkspace { mine, counts, abilities }
        };
        Ok(found.into_iter().map(listed).collect())
    }

    /// # Errors
    /// `NotFound`.
    pub async fn view_workspace(&self, permit: Permit<may::View>) -> Result<SeenWorkspace, Failure> {
        let workspace = self.store().load_workspace(permit.workspace()).await?;
        let profile = if permit.sees_everything() {
            None
        } else {
            Some(self.store().load_profile(permit.workspace(), permit.member()).await?)
        };
        let caller = Caller::of(&permit);
        let has_instances = caller.is_owner && self.store().has_instances(permit.workspace()).await?;
        Ok(SeenWorkspace {
            workspace,
            is_owner: caller.is_owner,
            actions: caller.actions,
            profile,
            member: caller.member,
            abilities: abilities::of_workspace(&caller, has_instances),
            has_ai: self.store().has_ai(permit.workspace()).await?,
        })
    }

    /// The workspace as whoever may change it sees it: what a guarded change is compared with.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn load_for_change<P: Permission>(&self, permit: &Permit<P>) -> Result<SeenWorkspace, Failure> {
        let workspace = self.store().load_workspace(permit.workspace()).await?;
        Ok(by_owner(workspace, permit.member(), false))
    }

    /// # Errors
    /// `Invalid`, `SlugTaken`, `PreconditionFailed`.
    pub async fn change_workspace(
        &self,
        permit: Permit<may::Change>,
        wish: ChangeWorkspace,
    ) -> Result<SeenWorkspace, Failure> {
        let mut problems = Vec::new();
        let name = wish.name.and_then(|name| check_name("name", &name, &mut problems));
        let slug = wish.slug.and_then(|text| {
            Slug::of_workspace(&text).map_err(|problem| problems.push(slug_problem(problem))).ok()
        });
        let primary_color = wish.primary_color.and_then(|text| {
            let color = Color::parse(&text);
            if color.is_none() {
                let said = "A colour is # with three or six digits of 0-9 and a-f, like #3552d4.";
                problems.push(FieldProblem::new("primary_color", "invalid", said));
            }
            color.map(|color| color.to_string())
        });
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems).into());
        }
        let member = permit.member();
        let change = WorkspaceChange {
            name: name.map(stoa_domain::name::Name::into_string),
            slug,
            primary_color,
            requires_second_factor: wish.requires_second_factor,
            expected_revision: wish.expected_revision,
        };
        let workspace = self.store().change_workspace(permit, change).await?;
        let has_instances = self.store().has_instances(workspace.id).await?;
        let has_ai = self.store().has_ai(workspace.id).await?;
        Ok(SeenWorkspace { has_ai, ..by_owner(workspace, member, has_instances) })
    }

    /// The workspace as the owner who has just changed it sees it.
    pub(crate) async fn seen_by_owner(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
    ) -> Result<SeenWorkspace, Failure> {
        let has_instances = self.store().has_instances(workspace).await?;
        let has_ai = self.store().has_ai(workspace).await?;
        let seen = by_owner(self.store().load_workspace(workspace).await?, member, has_instances);
        Ok(SeenWorkspace { has_ai, ..seen })
    }

    /// Deletes the workspace, by its slug typed once more.
    ///
    /// # Errors
    /// `Invalid` for another slug; `Conflict` while it has instances; `PreconditionFailed`.
    pub async fn delete_workspace(
        &self,
        permit: Permit<may::Delete>,
        confirm: &str,
        expected_revision: Option<i64>,
    ) -> Result<(), Failure> {
        let workspace = self.store().load_workspace(permit.workspace()).await?;
        if confirm != workspace.slug {
            return Err(
                Refusal::invalid("confirm", "mismatch", "Type the workspace's slug to delete it.").into()
            );
        }
        for machine in self.store().delete_workspace(permit, expected_revision).await? {
            self.outside().fleet.end(machine);
        }
        Ok(())
    }
}

fn by_owner(workspace: WorkspaceRecord, member: MemberId, has_instances: bool) -> SeenWorkspace {
    SeenWorkspace {
        workspace,
        is_owner: true,
        actions: ActionSet::ALL,
        profile: None,
        member,
        abilities: abilities::of_workspace_by_owner(has_instances),
        has_ai: false,
    }
}
