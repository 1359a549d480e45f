//! Examples: applications that come along with Stoa, each put online by one call. That makes a project with the example's
//! files as its first commit, and an instance that deploys it: all of it or nothing.

mod kept;

use stoa_domain::branch::BranchName;
use stoa_domain::instance::{Stage, Visibility};
use stoa_domain::permission::example as may;
use stoa_domain::permission::server;
use stoa_domain::{
    AccountNeed, AccountStanding, Conflict, InstanceId, Permit, ProjectId, Refusal, ServerId, decide_account,
};
use stoa_storage::example::NewExample;
use stoa_storage::instance::create::{FirstSettings, NewInstance};
use stoa_storage::project::NewProject;

pub use kept::{ALL, Example, Need};

use crate::abilities::{self, Abilities, Caller};
use crate::authority::PathWords;
use crate::instance::Accepted;
use crate::machine::MachinePlace;
use crate::ports::MachineFacts;
use crate::project::FIRST_BRANCH;
use crate::server::CreateServer;
use crate::{App, Failure, Fault};

/// What this machine is called where it becomes a server for an example.
const OWN_SERVER: &str = "local";

/// Something that an example needs, and whether the server has it.
#[derive(Debug, Clone)]
pub struct SeenNeed {
    pub name: &'static str,
    /// `None` where the server can't be asked.
    pub is_there: Option<bool>,
    /// What is missing, and what to install.
    pub missing: Option<String>,
}

/// An example as one member sees it.
#[derive(Debug, Clone)]
pub struct SeenExample {
    pub example: &'static Example,
    pub needs: Vec<SeenNeed>,
    pub abilities: Abilities,
}

#[derive(Debug, Clone)]
pub struct DeployExample {
    /// Its key.
    pub example: String,
    /// The id or the slug of one of the workspace's servers; `None`: the one on this machine, which becomes one where it
    /// isn't and may be, else another.
    pub server: Option<String>,
}

impl App {
    /// All there are, in the order in which they are offered.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_examples(
        &self,
        permit: Permit<may::List>,
        account: &AccountStanding,
    ) -> Result<Vec<SeenExample>, Failure> {
        let caller = Caller::of(&permit);
        let has_server = self.store().find_own_server(caller.workspace).await?.is_some();
        let (at, place) = if has_server || self.may_add_server(account)? {
            (MachinePlace::Here, Ok(()))
        } else {
            match self.store().find_first_server(caller.workspace).await? {
                Some((_, at)) => (at, Ok(())),
                None => (MachinePlace::Here, Err(Refusal::AdministratorRequired)),
            }
        };
        let facts = self.machine_facts(at).await;
        let seen = |example: &'static Example| {
            let state = place.clone().and_then(|()| can_run(example, facts.as_ref()));
            SeenExample {
                example,
                needs: needs(example, facts.as_ref()),
                abilities: abilities::of_example(&caller, state),
            }
        };
        Ok(ALL.iter().map(seen).collect())
    }

    /// Makes a project of an example, with its files as the first commit, and an instance, which begins with deploying it.
    /// Where it fails there is neither. Asked again, it makes another.
    ///
    /// # Errors
    /// `Invalid` for an example that there isn't, `NotFound` for a server that the workspace doesn't have, `NoSandbox`,
    /// `ServerAway`, `ServerLacks`, `AdministratorRequired` where this machine isn't a server of the workspace yet, or a fault.
    pub async fn deploy_example(
        &self,
        permit: Permit<may::Deploy>,
        (account, path): (&AccountStanding, &PathWords),
        wish: DeployExample,
    ) -> Result<Accepted, Failure> {
        let Some(example) = ALL.iter().find(|example| example.key == wish.example) else {
            return Err(Refusal::invalid("example", "unknown", "There is no such example.").into());
        };
        let caller = Caller::of(&permit);
        let named = match &wish.server {
            Some(named) => {
                let found = self.store().find_server_id(caller.workspace, named).await?;
                Some(found.ok_or(Refusal::NotFound)?)
            }
            None => self.other_server(&caller, account).await?,
        };
        let at = match named {
            Some(server) => self.store().find_place_of_server(caller.workspace, server).await?,
            None => Some(MachinePlace::Here),
        };
        let at = at.ok_or(Refusal::NotFound)?;
        // Before anything is made: what can't run is left alone whole.
        let facts = self.machine_facts(at).await;
        if facts.is_none() && at != MachinePlace::Here {
            return Err(Refusal::ServerAway.into());
        }
        can_run(example, facts.as_ref())?;
        let server = match named {
            Some(server) => server,
            None => self.own_server(&caller, account, path).await?,
        };
        let branch = BranchName::parse(FIRST_BRANCH).ok_or_else(|| Fault::new("a branch has no name"))?;
        let (project, instance) = (ProjectId::new(self.new_uuid()), InstanceId::new(self.new_uuid()));
        let message = format!("{}, as it comes with Stoa\n", example.name);
        let signing = self.signing(permit.actor(), message).await?;
        // The repository first: what a crash in between leaves is swept at the next start.
        let begun = self.outside().repositories.begin(project, branch.clone(), example.files, signing).await;
        let outcome = match begun {
            Ok(commit) => {
                let new = NewExample {
                    project: NewProject {
                        id: project,
                        name: example.name.to_owned(),
                        default_branch: branch.clone(),
                        remote: None,
                    },
                    commit,
                    instance: NewInstance {
                        id: instance,
                        name: example.name.to_owned(),
                        project,
                        server,
                        stage: Stage::Production,
                        branch,
                        visibility: Visibility::Public,
                        variables: Vec::new(),
                        domain: self.settings().instance_domain.clone(),
                        from: None,
                        is_mail_off: false,
                        first: FirstSettings::default(),
                    },
                };
                self.store().deploy_example(permit, new).await.map_err(Failure::from)
            }
            Err(fault) => Err(fault.into()),
        };
        match outcome {
            Ok(job) => self.accepted(&caller, instance, job).await,
            Err(failure) => {
                if let Err(fault) = self.outside().repositories.delete(project).await {
                    tracing::warn!(?fault, %project, "the repository of an example that wasn't made stays until the next start");
                }
                Err(failure)
            }
        }
    }

    /// Where this machine neither is a server of the workspace nor can be made one: another that is.
    async fn other_server(
        &self,
        caller: &Caller,
        account: &AccountStanding,
    ) -> Result<Option<ServerId>, Failure> {
        let has_own = self.store().find_own_server(caller.workspace).await?.is_some();
        if has_own || self.may_add_server(account)? {
            return Ok(None);
        }
        let first = self.store().find_first_server(caller.workspace).await?;
        Ok(first.map(|(server, _)| server))
    }

    /// The workspace's server on this machine. Where there is none yet, it is added, by its own rule.
    async fn own_server(
        &self,
        caller: &Caller,
        account: &AccountStanding,
        path: &PathWords,
    ) -> Result<ServerId, Failure> {
        if let Some(server) = self.store().find_own_server(caller.workspace).await? {
            return Ok(server);
        }
        let permit = self.authorize::<server::Create>(account, path).await?;
        let wish = CreateServer { name: OWN_SERVER.to_owned(), local: true };
        match self.create_server(permit, account, wish).await {
            Ok(seen) => Ok(seen.server.id),
            // Another was quicker.
            Err(Failure::Refused(Refusal::Conflict(Conflict::MachineTaken))) => {
                Ok(self.store().find_own_server(caller.workspace).await?.ok_or(Refusal::NotFound)?)
            }
            Err(failure) => Err(failure),
        }
    }

    /// As `create_server` decides it.
    fn may_add_server(&self, account: &AccountStanding) -> Result<bool, Refusal> {
        let is_admin = decide_account(account, AccountNeed::SignedIn, "server.create")?.is_admin();
        Ok(is_admin && self.settings().local_server)
    }
}

fn needs(example: &Example, facts: Option<&MachineFacts>) -> Vec<SeenNeed> {
    let seen = |need: &Need| {
        let is_there = facts.and_then(|facts| need.is_there(facts));
        let missing = facts.filter(|_| is_there == Some(false)).map(|facts| need.missing(facts));
        SeenNeed { name: need.name(), is_there, missing }
    };
    example.needs.iter().map(seen).collect()
}

/// Whether the machine can run it. One that can't be asked is given the work all the same: it waits there.
fn can_run(example: &Example, facts: Option<&MachineFacts>) -> Result<(), Refusal> {
    if let Some(text) = facts.and_then(|facts| facts.no_sandbox.clone()) {
        return Err(Refusal::NoSandbox(text));
    }
    let missing: Vec<String> = needs(example, facts).into_iter().filter_map(|need| need.missing).collect();
    if missing.is_empty() { Ok(()) } else { Err(Refusal::ServerLacks(missing.join(". "))) }
}
