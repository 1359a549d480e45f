//! What is changed or deleted by how it was seen is compared in the write itself: between a look and the write somebody
//! may have changed it.

use stoa_domain::job::JobKind;
use stoa_domain::permission::{Whole, instance, member, project, server, workspace};
use stoa_domain::{AccountNeed, InstanceId, MemberId, ProjectId, Refusal, ServerId, decide_account};
use stoa_storage::Failure;
use test_kit::on_both_databases;

use crate::{account_standing, id, permit};

/// A revision that nothing has.
const OLDER: Option<i64> = Some(0);

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, Failure>) {
    assert!(matches!(outcome, Err(Failure::Refused(Refusal::PreconditionFailed))), "{outcome:?}");
}

on_both_databases! {
    async fn nothing_goes_that_was_changed_after_it_was_seen(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tess = acme.member("Tess Tester").await;
        let (on, of) = (acme.server().await, acme.project("Shop", &["main"]).await);
        let shop: InstanceId = acme.instance(&of, &on, "Shop", "staging", "main").await;
        let (on, of): (ServerId, ProjectId) = (id(&on), id(&of));
        let member: MemberId = id(&tess.id);
        let store = &world.store;
        let may = permit::<instance::Delete>(&world, &acme, &olga, shop).await.unwrap();
        refused(store.start_job(may, JobKind::Delete, false, None, OLDER).await);
        let may = permit::<member::Remove>(&world, &acme, &olga, member).await.unwrap();
        refused(store.remove_member(may, OLDER).await);
        let may = permit::<project::Delete>(&world, &acme, &olga, of).await.unwrap();
        refused(store.delete_project(may, OLDER).await);
        let may = permit::<server::Delete>(&world, &acme, &olga, on).await.unwrap();
        refused(store.delete_server(may, OLDER).await);
        let may = permit::<workspace::Delete>(&world, &acme, &olga, Whole).await.unwrap();
        refused(store.delete_workspace(may, OLDER).await);
        for path in [format!("/instances/{shop}"), format!("/members/{member}"), format!("/projects/{of}"), format!("/servers/{on}"), String::new()] {
            let _ = olga.client.get(&acme.path(&path)).await.expect(200);
        }
    }

    async fn an_account_that_was_changed_after_it_was_seen_stays_as_it_is(world: World) {
        let olga = world.set_up().await;
        let found = world.store.find_account(id(&olga.account)).await.unwrap().unwrap();
        let standing = account_standing(&world, &olga).await;
        let may = || decide_account(&standing, AccountNeed::SignedIn, "account.change").unwrap();
        let other = Some("Other".to_owned());
        for seen in [("Another".to_owned(), true), (found.name.clone(), false)] {
            refused(world.store.change_account(may(), other.clone(), None, Some(seen)).await);
        }
        let seen = (found.name.clone(), found.mail_on_failure);
        world.store.change_account(may(), other, None, Some(seen)).await.unwrap();
        assert_eq!(olga.client.get("/api/v1/me").await.expect(200).field("name"), "Other");
    }
}
