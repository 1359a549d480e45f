//! Servers: machines as workspaces have them.

use stoa_domain::permission::server as may;
use stoa_domain::{
    AccountNeed, AccountStanding, FieldProblem, MachineId, Permission, Permit, Refusal, ServerId,
    TokenWithout, decide_account,
};
use stoa_storage::page::Page;
use stoa_storage::server::NewServer;

pub use stoa_storage::server::ServerRecord;

use crate::abilities::{self, Abilities, Caller};
use crate::account::check_name;
use crate::ports::MachineFacts;
use crate::{App, Failure};

/// A server as one member sees it.
#[derive(Debug, Clone)]
pub struct SeenServer {
    pub server: ServerRecord,
    /// What its machine says of itself; `None` while it can't be asked.
    pub facts: Option<MachineFacts>,
    pub abilities: Abilities,
}

#[derive(Debug, Clone)]
pub struct CreateServer {
    pub name: String,
    /// This machine.
    pub local: bool,
}

impl App {
    /// Takes this machine into the workspace. Other machines can't join yet.
    ///
    /// # Errors
    /// `AdministratorRequired`, `TokenNarrowed`, `Conflict` where it is one of the workspace's servers already, `Invalid`.
    pub async fn create_server(
        &self,
        permit: Permit<may::Create>,
        account: &AccountStanding,
        wish: CreateServer,
    ) -> Result<SeenServer, Failure> {
        let mut problems = Vec::new();
        let name = check_name("name", &wish.name, &mut problems);
        if !wish.local {
            problems.push(FieldProblem::new(
                "local",
                "invalid",
                "Only this machine can be a server so far: `local: true`.",
            ));
        }
        let is_admin = account.actor.account == permit.actor().account
            && decide_account(account, AccountNeed::SignedIn, "server.create")?.is_admin();
        if wish.local && (!is_admin || !self.settings().local_server) {
            let refusal = match account.is_admin && !is_admin {
                true => Refusal::TokenNarrowed(TokenWithout::Administration),
                false => Refusal::AdministratorRequired,
            };
            self.record_refusal(permit.workspace(), permit.actor(), "server.create", None, &refusal).await;
            return Err(refusal.into());
        }
        let (Some(name), true) = (name, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let caller = Caller::of(&permit);
        let new = NewServer {
            id: ServerId::new(self.new_uuid()),
            machine: MachineId::new(self.new_uuid()),
            name: name.into_string(),
        };
        let server = self.store().create_local_server(permit, new).await?;
        self.seen_server(&caller, server).await
    }

    /// # Errors
    /// A fault.
    pub async fn list_servers(
        &self,
        permit: Permit<may::List>,
        page: &Page,
    ) -> Result<Vec<SeenServer>, Failure> {
        let caller = Caller::of(&permit);
        let servers = self.store().list_servers(&permit, page).await?;
        let facts = if servers.is_empty() { None } else { self.machine_facts().await };
        Ok(servers.into_iter().map(|server| seen(&caller, server, facts.clone())).collect())
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn view_server(&self, permit: Permit<may::View>) -> Result<SeenServer, Failure> {
        let server = self.store().load_server(&permit).await?;
        Ok(seen(&Caller::of(&permit), server, self.machine_facts().await))
    }

    /// Gives it another name. `expected` is the revision that the change was made from.
    ///
    /// # Errors
    /// `Invalid`, `PreconditionFailed`, or a fault.
    pub async fn change_server(
        &self,
        permit: Permit<may::Change>,
        name: &str,
        expected: Option<i64>,
    ) -> Result<SeenServer, Failure> {
        let mut problems = Vec::new();
        let Some(name) = check_name("name", name, &mut problems) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let (caller, server) = (Caller::of(&permit), *permit.target());
        self.store().change_server(permit, name.into_string(), expected).await?;
        self.seen_server(&caller, server).await
    }

    /// # Errors
    /// `Conflict` while an instance stands on it, or a fault.
    pub async fn delete_server(
        &self,
        permit: Permit<may::Delete>,
        expected: Option<i64>,
    ) -> Result<(), Failure> {
        Ok(self.store().delete_server(permit, expected).await?)
    }

    /// As it is now: what a change is compared with.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_server_for_change<P>(&self, permit: &Permit<P>) -> Result<SeenServer, Failure>
    where
        P: Permission<Target = ServerId>,
    {
        self.seen_server(&Caller::of(permit), *permit.target()).await
    }

    async fn seen_server(&self, caller: &Caller, server: ServerId) -> Result<SeenServer, Failure> {
        let (sees_everything, member) = (caller.sees_everything, caller.member);
        let server = self.store().load_server_as(caller.workspace, server, sees_everything, member).await?;
        Ok(seen(caller, server, self.machine_facts().await))
    }
}

fn seen(caller: &Caller, server: ServerRecord, facts: Option<MachineFacts>) -> SeenServer {
    let abilities = abilities::of_server(caller, server.instances);
    let facts = facts.filter(|_| server.is_here);
    SeenServer { server, facts, abilities }
}
