//! Servers: machines as workspaces have them.

use stoa_domain::permission::server as may;
use stoa_domain::{
    AccountNeed, AccountStanding, Conflict, Permission, Permit, Refusal, Secret, ServerId, Timestamp,
    TokenWithout, decide_account,
};
use stoa_storage::machine::NewJoin;
use stoa_storage::page::Page;
use stoa_storage::server::NewServer;

pub use stoa_storage::machine::MachinePlace;
pub use stoa_storage::server::ServerRecord;

use crate::abilities::{self, Abilities, Caller};
use crate::account::check_name;
use crate::machine::FactsOf;
use crate::ports::MachineFacts;
use crate::secrets::NewSecret;
use crate::{App, Failure};

/// Seconds for which a machine can join by a token.
const JOIN_SECONDS: i64 = 15 * 60;

/// A server as one member sees it.
#[derive(Debug, Clone)]
pub struct SeenServer {
    pub server: ServerRecord,
    /// What its machine says of itself; `None` while it can't be asked.
    pub facts: Option<MachineFacts>,
    pub abilities: Abilities,
    /// The command by which a machine joins: in the answer that makes it, and never again.
    pub join: Option<Join>,
}

/// What is run on a machine that is to be a server.
#[derive(Clone)]
pub struct Join {
    pub command: Secret,
    pub token: Secret,
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Join({:?})", self.expires_at)
    }
}

#[derive(Debug, Clone)]
pub struct CreateServer {
    pub name: String,
    /// This machine.
    pub local: bool,
}

impl App {
    /// Takes this machine into the workspace, or makes the command by which another joins.
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
        let new = NewServer { id: ServerId::new(self.new_uuid()), name: name.into_string() };
        if wish.local {
            let server = self.store().create_local_server(permit, new).await?;
            return self.seen_server(&caller, server).await;
        }
        let (join, kept) = self.new_join().await?;
        let server = self.store().create_server_elsewhere(permit, new, kept).await?;
        Ok(SeenServer { join: Some(join), ..self.seen_server(&caller, server).await? })
    }

    /// Makes the command by which a machine joins anew. The one before counts no more.
    ///
    /// # Errors
    /// `Conflict` once a machine has joined, or a fault.
    pub async fn renew_join(&self, permit: Permit<may::Join>) -> Result<Join, Failure> {
        let (join, kept) = self.new_join().await?;
        self.store().renew_join(permit, kept).await?;
        Ok(join)
    }

    async fn new_join(&self) -> Result<(Join, NewJoin), Failure> {
        let identity = self.agent_identity().await?;
        let fingerprint = self.outside().fleet.fingerprint(&identity)?;
        let fingerprint: String = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
        let NewSecret { text: token, hash } = self.new_secret("");
        let expires_at = self.store().now().plus_seconds(JOIN_SECONDS);
        let word = token.reveal_text().unwrap_or_default();
        let command = format!("stoa agent --join {}/join/{word}#{fingerprint}", self.settings().public_url);
        let join = Join { command: Secret::from_text(command), token, expires_at };
        Ok((join, NewJoin { token_hash: hash, expires_at }))
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
        let facts = self.facts_of(servers.iter().map(|server| server.place)).await;
        Ok(servers.into_iter().map(|server| seen(&caller, server, &facts)).collect())
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn view_server(&self, permit: Permit<may::View>) -> Result<SeenServer, Failure> {
        let server = self.store().load_server(&permit).await?;
        let facts = self.facts_of([server.place]).await;
        Ok(seen(&Caller::of(&permit), server, &facts))
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

    /// Removes a server whose machine never comes back, with its instances: nobody can be asked to delete them there.
    ///
    /// # Errors
    /// `Conflict` where the machine answers or a protected instance stands on it, `Invalid` where the name isn't the one
    /// typed, or a fault.
    pub async fn forget_server(&self, permit: Permit<may::Forget>, confirm: &str) -> Result<(), Failure> {
        let seen = self.load_server_for_change(&permit).await?;
        if seen.facts.is_some() || seen.server.is_local || seen.server.place == MachinePlace::Nowhere {
            return Err(Refusal::Conflict(Conflict::ServerAnswers).into());
        }
        if confirm != seen.server.name {
            let sentence = "Type the server's name to remove it with its instances.";
            return Err(Refusal::invalid("confirm", "mismatch", sentence).into());
        }
        let machine = self.store().forget_server(permit, Some(seen.server.revision)).await?;
        self.outside().fleet.end(machine);
        Ok(())
    }

    /// # Errors
    /// `Conflict` while an instance stands on it, or a fault.
    pub async fn delete_server(
        &self,
        permit: Permit<may::Delete>,
        expected: Option<i64>,
    ) -> Result<(), Failure> {
        if let Some(machine) = self.store().delete_server(permit, expected).await? {
            self.outside().fleet.end(machine);
        }
        Ok(())
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
        let facts = self.facts_of([server.place]).await;
        Ok(seen(caller, server, &facts))
    }
}

fn seen(caller: &Caller, server: ServerRecord, facts: &FactsOf) -> SeenServer {
    let abilities = abilities::of_server(caller, server.instances);
    let facts = facts.of(server.place).cloned();
    SeenServer { server, facts, abilities, join: None }
}
