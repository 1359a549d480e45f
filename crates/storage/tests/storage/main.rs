//! The records on both databases, asked below the use-cases: what a write rests on, what is claimed, what has ended.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod keeping;
mod people;
mod schema;
mod seen;
mod work;
mod writes;

use stoa_domain::standing::AccountStanding;
use stoa_domain::{
    Actor, Credential, Permission, Permit, Refusal, Resource, SessionId, Standing, Target as _, Via, decide,
};
use test_kit::World;
use test_kit::world::{Person, Workspace};

/// An id from its text.
fn id<I: std::str::FromStr>(text: &str) -> I {
    text.parse().ok().expect("an id")
}

/// The person, by the newest of their sessions.
async fn actor(world: &World, person: &Person) -> Actor {
    let account = id(&person.account);
    let sessions = world.store.list_sessions(account, None, 1).await.unwrap();
    Actor {
        account,
        name: "Somebody".to_owned(),
        via: Via::Api,
        credential: Credential::Session(
            sessions.first().map_or(SessionId::new(uuid::Uuid::nil()), |one| one.id),
        ),
        address: None,
    }
}

/// As one who administers, by the newest of their sessions.
async fn account_standing(world: &World, person: &Person) -> AccountStanding {
    let found = world.store.find_account(id(&person.account)).await.unwrap().unwrap();
    AccountStanding {
        actor: actor(world, person).await,
        is_admin: true,
        revision: found.revision,
        limits: None,
        confirmed: true,
        viewing: None,
    }
}

async fn standing(
    world: &World,
    workspace: &Workspace<'_>,
    person: &Person,
    wanted: &[Resource],
) -> Option<Standing> {
    let access = world.store.find_access(id(&workspace.id), id(&person.account), wanted).await.unwrap()?;
    Some(Standing::new(actor(world, person).await, access, None).unwrap())
}

/// What a request of this person's would be permitted by, at this moment.
async fn permit<P: Permission>(
    world: &World,
    workspace: &Workspace<'_>,
    person: &Person,
    target: P::Target,
) -> Result<Permit<P>, Refusal> {
    let standing = standing(world, workspace, person, &target.resources()).await.ok_or(Refusal::NotFound)?;
    decide::<P>(&standing, target)
}
