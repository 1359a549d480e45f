//! What every write goes through: the second decision, all or nothing, the audit event and its chain.

use serde_json::json;
use stoa_domain::permission::workspace::Change;
use stoa_domain::permission::{Whole, instance};
use stoa_domain::{AccountNeed, EventId, Refusal, ResourceKind, WorkspaceId, decide_account};
use stoa_storage::audit::{AuditFilter, AuditRecord, hash_of};
use stoa_storage::event::EventType;
use stoa_storage::{Failure, Work};
use test_kit::{World, on_both_databases};

use crate::{account_standing, id, permit};

fn nothing() -> Work<()> {
    Box::new(|_| Box::pin(async { Ok(()) }))
}

async fn log(world: &World, chain: WorkspaceId) -> Vec<AuditRecord> {
    let mut records = world.store.list_audit(chain, &AuditFilter::default(), 10_000).await.unwrap();
    records.reverse();
    records
}

/// Each event follows from the one before, and says what its hash says.
fn assert_whole(chain: WorkspaceId, records: &[AuditRecord]) {
    assert!(records.len() > 1, "a chain of {} events shows nothing", records.len());
    for (before, record) in records.iter().zip(&records[1..]) {
        assert_eq!(record.seq, before.seq + 1);
        assert_eq!(record.previous_hash, before.hash, "event {} doesn't follow", record.seq);
    }
    for record in records {
        assert_eq!(record.hash, hash_of(chain, record), "event {} was changed", record.seq);
    }
    assert_eq!(records[0].seq, 1);
}

on_both_databases! {
    async fn a_write_is_decided_again_by_what_holds_inside_of_it(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tess = acme.member("Tess Tester").await;
        acme.make_owner(&tess).await;
        let kept = permit::<Change>(&world, &acme, &tess.person, Whole).await.unwrap();
        let used_in_time = permit::<Change>(&world, &acme, &tess.person, Whole).await.unwrap();
        world.store.write(used_in_time, nothing()).await.unwrap();
        let _ = olga.client
            .patch(&acme.path(&format!("/members/{}", tess.id)), json!({ "role": "member" }))
            .await
            .expect(200);
        let refused = world.store.write(kept, nothing()).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::OwnerRequired { .. }))), "{refused:?}");
    }

    async fn a_permit_of_somebody_who_was_removed_opens_nothing(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tess = acme.member("Tess Tester").await;
        acme.make_owner(&tess).await;
        let kept = permit::<Change>(&world, &acme, &tess.person, Whole).await.unwrap();
        let _ = olga.client.delete(&acme.path(&format!("/members/{}", tess.id)), None).await.expect(204);
        let refused = world.store.write(kept, nothing()).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::NotFound))), "{refused:?}");
    }

    async fn what_was_permitted_ends_with_what_one_was_signed_in_by(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tess = acme.member("Tess Tester").await;
        acme.make_owner(&tess).await;
        let kept = permit::<Change>(&world, &acme, &tess.person, Whole).await.unwrap();
        let used_in_time = permit::<Change>(&world, &acme, &tess.person, Whole).await.unwrap();
        world.store.write(used_in_time, nothing()).await.unwrap();
        // It changes nothing about the account or the member.
        let _ = tess.person.client.delete("/api/v1/session", None).await.expect(204);
        let refused = world.store.write(kept, nothing()).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::Unauthenticated))), "{refused:?}");
    }

    async fn what_an_account_may_ends_with_what_one_was_signed_in_by(world: World) {
        let olga = world.set_up().await;
        let standing = account_standing(&world, &olga).await;
        let may = || decide_account(&standing, AccountNeed::SignedIn, "account.change").unwrap();
        world.store.write(may(), nothing()).await.unwrap();
        let _ = olga.client.delete("/api/v1/session", None).await.expect(204);
        let refused = world.store.write(may(), nothing()).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::Unauthenticated))), "{refused:?}");
    }

    async fn another_change_of_the_profile_takes_nothing_away(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let (server, project) = (acme.server().await, acme.project("Shop", &["main"]).await);
        let shop = acme.instance(&project, &server, "Shop", "staging", "main").await;
        let tess = acme.member("Tess Tester").await;
        let instances = json!([shop.to_string()]);
        acme.grant(&tess, json!({ "actions": ["restart_instances"], "instances": instances })).await;
        let kept = permit::<instance::Restart>(&world, &acme, &tess.person, shop).await.unwrap();
        let taken = permit::<instance::Restart>(&world, &acme, &tess.person, shop).await.unwrap();
        acme.grant(&tess, json!({ "actions": ["restart_instances", "view_logs"], "instances": instances })).await;
        world.store.write(kept, nothing()).await.unwrap();
        acme.grant(&tess, json!({ "actions": ["view_logs"], "instances": instances })).await;
        let refused = world.store.write(taken, nothing()).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::PermissionDenied { .. }))), "{refused:?}");
    }

    async fn a_grant_that_ends_between_the_decision_and_the_write_allows_nothing(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let (server, project) = (acme.server().await, acme.project("Shop", &["main"]).await);
        let shop = acme.instance(&project, &server, "Shop", "staging", "main").await;
        let tess = acme.member("Tess Tester").await;
        let of_action = json!({ "restart_instances": "2026-11-24T12:01:00Z" });
        let of_entry = json!({ shop.to_string(): "2026-11-24T12:02:00Z" });
        for (until, is_hidden) in [(of_action, false), (of_entry, true)] {
            let profile = json!({ "actions": ["restart_instances"], "projects": [], "instances": [shop.to_string()],
                "servers": [], "until": until });
            let path = acme.path(&format!("/members/{}/permissions", tess.id));
            let _ = olga.client.put(&path, profile).await.expect(200);
            let in_time = permit::<instance::Restart>(&world, &acme, &tess.person, shop).await.unwrap();
            let late = permit::<instance::Restart>(&world, &acme, &tess.person, shop).await.unwrap();
            world.store.write(in_time, nothing()).await.unwrap();
            // No revision changes by it, and nobody has taken the rows away.
            world.clock.pass_seconds(60);
            match world.store.write(late, nothing()).await {
                Err(Failure::Refused(Refusal::PermissionDenied { .. })) if !is_hidden => {}
                Err(Failure::Refused(Refusal::NotFound)) if is_hidden => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn a_refused_write_leaves_nothing(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let workspace: WorkspaceId = id(&acme.id);
        let first = permit::<Change>(&world, &acme, &olga, Whole).await.unwrap();
        let member = first.member();
        let start = EventId::new(uuid::Uuid::nil());
        let before = world.store.list_events(workspace, start, member, true).await.unwrap().len();
        let logged = log(&world, workspace).await.len();
        let tell = |refuses: bool| -> Work<()> {
            Box::new(move |tx| {
                Box::pin(async move {
                    tx.tell(workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid()).await?;
                    if refuses { Err(Refusal::LastOwner.into()) } else { Ok(()) }
                })
            })
        };
        let refused = world.store.write(first, tell(true)).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::LastOwner))), "{refused:?}");
        assert_eq!(world.store.list_events(workspace, start, member, true).await.unwrap().len(), before);
        assert_eq!(log(&world, workspace).await.len(), logged);
        // The same, not refused, is seen: so the counts above could have been others.
        let second = permit::<Change>(&world, &acme, &olga, Whole).await.unwrap();
        world.store.write(second, tell(false)).await.unwrap();
        assert_eq!(world.store.list_events(workspace, start, member, true).await.unwrap().len(), before + 1);
        assert_eq!(log(&world, workspace).await.len(), logged + 1);
    }

    async fn a_refused_write_takes_nothing_of_others_with_it(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let workspace: WorkspaceId = id(&acme.id);
        let member = permit::<Change>(&world, &acme, &olga, Whole).await.unwrap().member();
        let start = EventId::new(uuid::Uuid::nil());
        let before = world.store.list_events(workspace, start, member, true).await.unwrap().len();
        let logged = log(&world, workspace).await.len();
        let mut writes = Vec::new();
        for number in 0..24 {
            let permit = permit::<Change>(&world, &acme, &olga, Whole).await.unwrap();
            let store = world.store.clone();
            let work: Work<()> = Box::new(move |tx| {
                Box::pin(async move {
                    tx.tell(workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid()).await?;
                    if number % 3 == 0 { Err(Refusal::LastOwner.into()) } else { Ok(()) }
                })
            });
            writes.push(tokio::spawn(async move { store.write(permit, work).await }));
        }
        let mut done = 0;
        for (number, write) in writes.into_iter().enumerate() {
            match write.await.unwrap() {
                Ok(()) => done += 1,
                Err(Failure::Refused(Refusal::LastOwner)) => assert_eq!(number % 3, 0),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(done, 16);
        let after = world.store.list_events(workspace, start, member, true).await.unwrap().len();
        assert_eq!(after, before + 16);
        assert_eq!(log(&world, workspace).await.len(), logged + 16);
        assert_whole(workspace, &log(&world, workspace).await);
    }

    async fn a_workspace_that_goes_takes_nothing_of_another_with_it(world: World) {
        let olga = world.set_up().await;
        let (acme, other) = (world.workspace(&olga, "Acme").await, world.workspace(&olga, "Other").await);
        let logged = log(&world, id(&other.id)).await.len();
        let mut writes = Vec::new();
        for of in [&acme, &other].repeat(12) {
            let permit = permit::<Change>(&world, of, &olga, Whole).await.unwrap();
            let (store, workspace) = (world.store.clone(), id(&of.id));
            let work: Work<()> = Box::new(move |tx| {
                Box::pin(async move {
                    Ok(tx.tell(workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid()).await?)
                })
            });
            writes.push((of.id == other.id, tokio::spawn(async move { store.write(permit, work).await })));
        }
        let _ = olga.client.delete(&acme.path(""), Some(json!({ "confirm": "acme" }))).await.expect(204);
        for (is_of_other, write) in writes {
            match write.await.unwrap() {
                Ok(()) => {}
                Err(Failure::Refused(Refusal::NotFound)) if !is_of_other => {}
                other => panic!("{other:?}"),
            }
        }
        let records = log(&world, id(&other.id)).await;
        assert_eq!(records.len(), logged + 12);
        assert_whole(id(&other.id), &records);
    }

    async fn the_chains_of_the_audit_log_hold(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let other = world.workspace(&olga, "Other").await;
        let tess = acme.member("Tess Tester").await;
        let _ = other.member("Otto").await;
        acme.grant(&tess, json!({ "actions": ["view_logs"] })).await;
        let _ = tess.person.client.delete(&acme.path(""), Some(json!({ "confirm": "acme" }))).await.expect(403);
        for chain in [id(&acme.id), id(&other.id), WorkspaceId::INSTALLATION] {
            assert_whole(chain, &log(&world, chain).await);
        }
        let mut records = log(&world, id(&acme.id)).await;
        "Nobody".clone_into(&mut records[1].actor_name);
        assert_ne!(records[1].hash, hash_of(id(&acme.id), &records[1]));
    }

    async fn writes_at_once_make_one_chain(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let mut writes = Vec::new();
        for _ in 0..24 {
            let permit = permit::<Change>(&world, &acme, &olga, Whole).await.unwrap();
            let store = world.store.clone();
            writes.push(tokio::spawn(async move { store.write(permit, nothing()).await }));
        }
        for write in writes {
            write.await.unwrap().unwrap();
        }
        let records = log(&world, id(&acme.id)).await;
        assert!(records.len() >= 25);
        assert_whole(id(&acme.id), &records);
    }

    async fn a_flood_of_refusals_is_bounded(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tess = acme.member("Tess Tester").await;
        for _ in 0..75 {
            let body = json!({ "confirm": "acme" });
            let _ = tess.person.client.delete(&acme.path(""), Some(body)).await.expect(403);
        }
        let refused = |records: Vec<AuditRecord>| records.iter().filter(|r| r.outcome == "refused").count();
        let written = refused(log(&world, id(&acme.id)).await);
        assert!((60..=61).contains(&written), "{written}");
        // What is tried under the noise is told too, under its own name and with its number.
        let path = acme.path(&format!("/members/{}", tess.id));
        for _ in 0..5 {
            let _ = tess.person.client.patch(&path, json!({ "role": "owner" })).await.expect(403);
        }
        world.clock.pass_seconds(61);
        world.app.sweep().await.unwrap();
        let records = log(&world, id(&acme.id)).await;
        let told = |action: &str| {
            let of: Vec<_> = records.iter().filter(|r| r.action == action && r.outcome == "refused").collect();
            (of.len(), of.iter().map(|record| record.repeated).sum::<i64>())
        };
        assert_eq!(told("member.change_role"), (1, 5));
        assert_eq!(told("workspace.delete").1, 75);
    }
}
