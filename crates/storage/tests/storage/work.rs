//! Jobs and mails: claimed once, held by a lease, told apart by a fence.

use std::sync::Arc;

use serde_json::json;
use stoa_domain::{InstanceId, ReplicaId};
use stoa_storage::Store;
use stoa_storage::job::carry::End;
use stoa_storage::job::claim::LEASE_SECONDS;
use stoa_storage::mail::MailOutcome;
use stoa_storage::replica::{GONE_SECONDS, Joined, NewReplica};
use test_kit::fake::clock::FakeRng;
use test_kit::{World, on_both_databases};

/// A workspace with an instance whose first deployment waits.
async fn with_a_job(world: &World) {
    let olga = world.set_up().await;
    let acme = world.workspace(&olga, "Acme").await;
    let (server, project) = (acme.server().await, acme.project("Shop", &["main"]).await);
    let body =
        json!({ "name": "Shop", "project": project, "server": server, "stage": "staging", "branch": "main" });
    let _ = olga.client.post(&acme.path("/instances"), body).await.expect(202);
}

fn replica(number: u8) -> NewReplica {
    NewReplica {
        id: ReplicaId::new(uuid::Uuid::from_u128(number.into())),
        name: format!("replica {number}"),
        internal_url: Some(format!("http://10.0.0.{number}")),
        word_hash: vec![number],
        setup_token_hash: Some(vec![9]),
        has_machine: true,
    }
}

async fn join(store: &Store, number: u8) -> ReplicaId {
    let joined = store.join_replicas(replica(number)).await.unwrap();
    assert!(matches!(joined, Joined::Taken { .. }), "{joined:?}");
    replica(number).id
}

/// Whom a start meets, which leaves again.
async fn others(store: &Store, number: u8) -> Vec<ReplicaId> {
    let Joined::Taken { others, .. } = store.join_replicas(replica(number)).await.unwrap() else {
        panic!("refused")
    };
    store.leave_replicas(replica(number).id, vec![number]).await.unwrap();
    others.into_iter().map(|other| other.id).collect()
}

on_both_databases! {
    async fn a_job_is_claimed_by_one(world: World) {
        with_a_job(&world).await;
        let claims = tokio::join!(world.store.claim_job(), world.store.claim_job(), world.store.claim_job());
        let won = [claims.0, claims.1, claims.2].into_iter().filter(|claim| claim.as_ref().unwrap().is_some()).count();
        assert_eq!(won, 1);
        assert!(world.store.claim_job().await.unwrap().is_none());
    }

    async fn the_replica_that_stands_on_the_machine_claims_its_jobs(world: World) {
        let here = join(&world.store, 1).await;
        with_a_job(&world).await;
        let other = Store::open(world.place().clone(), world.clock.clone(), Arc::new(FakeRng::default())).await.unwrap();
        let _ = join(&other, 2).await;
        assert!(other.claim_job().await.unwrap().is_none());
        let nowhere = InstanceId::new(uuid::Uuid::nil());
        world.drain().await;
        assert_eq!(world.store.list_running_instances(None, nowhere).await.unwrap().len(), 1);
        assert_eq!(other.list_running_instances(None, nowhere).await.unwrap(), []);
        assert!(world.store.see_replica(here, vec![1]).await.unwrap());
        assert!(!world.store.see_replica(here, vec![2]).await.unwrap(), "another process goes by its id");
    }

    async fn a_replica_that_was_not_seen_for_ten_seconds_is_gone(world: World) {
        let here = join(&world.store, 1).await;
        assert_eq!(others(&world.store, 2).await, [here]);
        world.clock.pass_seconds(GONE_SECONDS - 1);
        assert!(world.store.see_replica(here, vec![1]).await.unwrap());
        world.clock.pass_seconds(GONE_SECONDS - 1);
        assert_eq!(others(&world.store, 3).await, [here]);
        world.clock.pass_seconds(2);
        assert_eq!(others(&world.store, 3).await, []);
        world.store.leave_replicas(here, vec![1]).await.unwrap();
        assert!(!world.store.see_replica(here, vec![1]).await.unwrap());
    }

    async fn whoever_lost_a_job_can_do_nothing_to_it_any_more(world: World) {
        with_a_job(&world).await;
        let lost = world.store.claim_job().await.unwrap().unwrap();
        assert_eq!(world.store.renew_job(lost.job.id, lost.fence).await.unwrap(), Some(false));
        world.clock.pass_seconds(LEASE_SECONDS + 1);
        let held = world.store.claim_job().await.unwrap().unwrap();
        assert_eq!(held.job.id, lost.job.id);
        assert!(held.fence > lost.fence && held.attempts == 2);
        assert_eq!(world.store.renew_job(lost.job.id, lost.fence).await.unwrap(), None);
        assert_eq!(world.store.is_job_cancelled(lost.job.id, lost.fence).await.unwrap(), None);
        assert!(world.store.begin_job(&lost).await.unwrap().is_none());
        let cancelled = || End::Cancelled { sentence: None, observed: None };
        assert!(!world.store.end_job(&lost, cancelled()).await.unwrap());
        assert!(world.store.begin_job(&held).await.unwrap().is_some());
        assert!(world.store.end_job(&held, cancelled()).await.unwrap());
        assert!(!world.store.end_job(&held, cancelled()).await.unwrap(), "a job ends once");
        assert!(world.store.claim_job().await.unwrap().is_none());
    }

    async fn a_job_that_is_given_back_waits_its_time(world: World) {
        with_a_job(&world).await;
        let claim = world.store.claim_job().await.unwrap().unwrap();
        world.store.give_back_job(claim.job.id, claim.fence, 5).await.unwrap();
        assert!(world.store.claim_job().await.unwrap().is_none());
        world.clock.pass_seconds(6);
        assert!(world.store.claim_job().await.unwrap().is_some());
    }

    async fn a_mail_is_sent_by_whoever_holds_it(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let body = json!({ "email": "tester@example.com" });
        let _ = olga.client.post(&acme.path("/invitations"), body).await.expect(201);
        let lost = world.store.claim_mail(60).await.unwrap().unwrap();
        assert!(!lost.content.is_empty());
        assert!(world.store.claim_mail(60).await.unwrap().is_none());
        world.clock.pass_seconds(61);
        let held = world.store.claim_mail(60).await.unwrap().unwrap();
        assert!(held.id == lost.id && held.fence > lost.fence);
        world.store.settle_mail(lost.id, lost.fence, MailOutcome::Sent).await.unwrap();
        world.clock.pass_seconds(61);
        let again = world.store.claim_mail(60).await.unwrap().expect("the lost claim has sent nothing");
        world.store.settle_mail(again.id, again.fence, MailOutcome::Sent).await.unwrap();
        world.clock.pass_seconds(600);
        assert!(world.store.claim_mail(60).await.unwrap().is_none());
        assert_eq!(world.store.next_mail_at().await.unwrap(), None);
    }

    async fn a_mail_that_could_not_be_sent_waits(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let body = json!({ "email": "tester@example.com" });
        let _ = olga.client.post(&acme.path("/invitations"), body).await.expect(201);
        let claim = world.store.claim_mail(60).await.unwrap().unwrap();
        let next_at = world.store.now().plus_seconds(30);
        let outcome = MailOutcome::Again { next_at, error: "greylisted".to_owned() };
        world.store.settle_mail(claim.id, claim.fence, outcome).await.unwrap();
        assert!(world.store.claim_mail(60).await.unwrap().is_none());
        assert_eq!(world.store.next_mail_at().await.unwrap(), Some(next_at));
        world.clock.pass_seconds(31);
        assert!(world.store.claim_mail(60).await.unwrap().is_some());
    }
}
