//! Making an instance.

use stoa_domain::branch::BranchName;
use stoa_domain::instance::{Stage, Visibility};
use stoa_domain::permission::instance as may;
use stoa_domain::{FieldProblem, InstanceId, Permit, Refusal};
use stoa_storage::instance::create::NewInstance;

use crate::abilities::Caller;
use crate::account::check_name;
use crate::instance::Accepted;
use crate::instance::environment::WantedVariable;
use crate::{App, Failure};

#[derive(Clone)]
pub struct CreateInstance {
    pub name: String,
    /// The id or the slug of one of the workspace's projects.
    pub project: String,
    /// The id or the slug of one of its servers.
    pub server: String,
    pub stage: Stage,
    pub branch: String,
    pub environment: Vec<WantedVariable>,
    pub visibility: Option<Visibility>,
}

impl App {
    /// Makes an instance, which begins with a deployment of its branch.
    ///
    /// # Errors
    /// `NotFound` for a project or server that the workspace doesn't have, `Conflict` where the branch has no commit,
    /// `NoSandbox`, `Invalid`, or a fault.
    pub async fn create_instance(
        &self,
        permit: Permit<may::Create>,
        wish: CreateInstance,
    ) -> Result<Accepted, Failure> {
        let mut problems = Vec::new();
        let name = check_name("name", &wish.name, &mut problems);
        let branch = BranchName::parse(&wish.branch);
        if branch.is_none() {
            problems.push(FieldProblem::new(
                "branch",
                "invalid",
                "This isn't a name that a branch can have.",
            ));
        }
        let id = InstanceId::new(self.new_uuid());
        let workspace = permit.workspace();
        let variables = self.seal_variables(workspace, id, wish.environment, &mut problems).await?;
        let (Some(name), Some(branch), true) = (name, branch, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let project =
            self.store().find_project_id(workspace, &wish.project).await?.ok_or(Refusal::NotFound)?;
        let server = self.store().find_server_id(workspace, &wish.server).await?.ok_or(Refusal::NotFound)?;
        if let Some(text) = self.no_sandbox().await {
            return Err(Refusal::NoSandbox(text).into());
        }
        let caller = Caller::of(&permit);
        let new = NewInstance {
            id,
            name: name.into_string(),
            project,
            server,
            stage: wish.stage,
            branch,
            visibility: wish.visibility.unwrap_or(Visibility::Public),
            variables,
            domain: self.settings().instance_domain.clone(),
        };
        let queued = self.store().create_instance(permit, new).await?;
        self.accepted(&caller, id, queued.job).await
    }
}
