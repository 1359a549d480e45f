//! What one decision costs, by the length of the lists; the reference is the look-up alone, in the same set.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use rustc_hash::FxHashSet;
use stoa_domain::member::Role;
use stoa_domain::permission::instance::Restart;
use stoa_domain::standing::{Access, Revisions};
use stoa_domain::{
    AccountId, Action, ActionSet, Actor, Credential, InstanceId, MemberId, SessionId, Standing, Via,
    WorkspaceId, decide,
};
use uuid::Uuid;

const ROUNDS: u128 = 1_000_000;
/// A page answers within milliseconds; a decision must not be seen among them.
const REACH_NANOSECONDS: u128 = 100;

fn standing(entries: u128) -> Standing {
    let account = AccountId::new(Uuid::from_u128(1));
    let instances: FxHashSet<InstanceId> =
        (0..entries).map(|number| InstanceId::new(Uuid::from_u128(number))).collect();
    let access = Access {
        account,
        workspace: WorkspaceId::new(Uuid::from_u128(2)),
        member: MemberId::new(Uuid::from_u128(3)),
        role: Role::Member,
        actions: ActionSet::EMPTY.with(Action::RestartInstances),
        projects: FxHashSet::default(),
        instances,
        servers: FxHashSet::default(),
        revisions: Revisions { account: 1, access: 1 },
        ends_at: None,
        lacks_second_factor: false,
    };
    let actor = Actor {
        account,
        name: "Tess Tester".to_owned(),
        via: Via::Page,
        credential: Credential::Session(SessionId::new(Uuid::from_u128(4))),
        address: Some("127.0.0.1".to_owned()),
    };
    Standing::new(actor, Arc::new(access), None).expect("a standing")
}

fn nanoseconds(mut work: impl FnMut(InstanceId), entries: u128) -> f64 {
    let begun = Instant::now();
    for round in 0..ROUNDS {
        work(InstanceId::new(Uuid::from_u128(round % entries)));
    }
    #[allow(clippy::cast_precision_loss)]
    let each = begun.elapsed().as_nanos() as f64 / ROUNDS as f64;
    each
}

/// Prints a line for each length.
pub fn measure() {
    for entries in [10, 1_000, 100_000] {
        let standing = standing(entries);
        let instances: FxHashSet<InstanceId> =
            (0..entries).map(|number| InstanceId::new(Uuid::from_u128(number))).collect();
        let here = nanoseconds(
            |id| {
                let permit = decide::<Restart>(black_box(&standing), black_box(id));
                assert!(black_box(permit).is_ok());
            },
            entries,
        );
        let bare = nanoseconds(|id| assert!(black_box(&instances).contains(black_box(&id))), entries);
        println!(
            "one decision, {entries:>7} entries    {here:>6.0} ns  {bare:>10.1} ns  {:>6.1}   {REACH_NANOSECONDS} ns",
            here / bare
        );
    }
}
