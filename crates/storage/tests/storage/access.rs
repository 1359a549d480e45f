//! What is known of a membership, at once after each change, and what lists make of it.

use serde_json::json;
use stoa_domain::permission::{Whole, project};
use stoa_domain::{Action, ActionSet, Resource, ResourceKind};
use stoa_storage::page::Page;
use test_kit::on_both_databases;

use crate::{id, permit, standing};

on_both_databases! {
    async fn a_standing_is_what_was_granted_last(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let (server, project) = (acme.server().await, acme.project("Shop", &["main"]).await);
        let shop = acme.instance(&project, &server, "Shop", "staging", "main").await;
        let tess = acme.member("Tess Tester").await;
        let wanted = [Resource { kind: ResourceKind::Instance, id: shop.uuid() }];
        let seen = standing(&world, &acme, &tess.person, &wanted).await.unwrap();
        assert!(!seen.has_instance(shop) && seen.actions() == ActionSet::EMPTY);
        acme.grant(&tess, json!({ "actions": ["view_logs"], "instances": [shop.to_string()] })).await;
        let seen = standing(&world, &acme, &tess.person, &wanted).await.unwrap();
        assert!(seen.has_instance(shop) && seen.actions() == ActionSet::EMPTY.with(Action::ViewLogs));
        acme.grant(&tess, json!({})).await;
        let seen = standing(&world, &acme, &tess.person, &wanted).await.unwrap();
        assert!(!seen.has_instance(shop) && seen.actions() == ActionSet::EMPTY);
    }

    async fn who_is_no_member_has_no_standing(world: World) {
        let olga = world.set_up().await;
        let (acme, other) = (world.workspace(&olga, "Acme").await, world.workspace(&olga, "Other").await);
        let tess = acme.member("Tess Tester").await;
        assert!(standing(&world, &acme, &tess.person, &[]).await.is_some());
        assert!(standing(&world, &other, &tess.person, &[]).await.is_none());
        let _ = olga.client.delete(&acme.path(&format!("/members/{}", tess.id)), None).await.expect(204);
        assert!(standing(&world, &acme, &tess.person, &[]).await.is_none());
    }

    async fn an_owner_has_no_profile_and_a_former_one_has_nothing(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tess = acme.member("Tess Tester").await;
        acme.grant(&tess, json!({ "actions": ["view_logs", "use_ide"] })).await;
        acme.make_owner(&tess).await;
        assert!(standing(&world, &acme, &tess.person, &[]).await.unwrap().is_owner());
        let path = acme.path(&format!("/members/{}", tess.id));
        let _ = olga.client.patch(&path, json!({ "role": "member" })).await.expect(200);
        let seen = standing(&world, &acme, &tess.person, &[]).await.unwrap();
        assert!(!seen.is_owner() && seen.actions() == ActionSet::EMPTY);
    }

    async fn a_list_is_walked_page_by_page_in_the_same_order_everywhere(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tess = acme.member("Tess Tester").await;
        let mut granted = Vec::new();
        for name in ["b", "B", "Ä", "Z 2", "Z 10", "a", "日本"] {
            let made = acme.project(name, &[]).await;
            if name != "Z 2" {
                granted.push(made);
            }
        }
        acme.grant(&tess, json!({ "actions": ["view_projects"], "projects": granted })).await;
        // As people read: accents and the case of letters are nothing, numbers are as large as they are, other scripts stand where
        // they are spoken.
        let names = ["Ä", "a", "b", "B", "日本", "Z 2", "Z 10"];
        for (person, names) in [(&olga, names.to_vec()), (&tess.person, names.into_iter().filter(|n| *n != "Z 2").collect())] {
            let permit = permit::<project::List>(&world, &acme, person, Whole).await.unwrap();
            let (mut walked, mut after) = (Vec::new(), None);
            loop {
                let page = Page { limit: 2, after: after.take(), search: None };
                let found = world.store.list_projects(&permit, &page).await.unwrap();
                let Some(last) = found.last() else { break };
                after = Some((last.name.clone(), last.id.uuid()));
                walked.extend(found.iter().map(|found| found.name.clone()));
            }
            assert_eq!(walked, names);
        }
        let permit = permit::<project::List>(&world, &acme, &tess.person, Whole).await.unwrap();
        let search = |word: &str| Page { limit: 10, after: None, search: Some(word.to_owned()) };
        assert_eq!(world.store.list_projects(&permit, &search("ä")).await.unwrap().len(), 1);
        assert_eq!(world.store.list_projects(&permit, &search("z 2")).await.unwrap().len(), 0);
        assert_eq!(world.store.list_projects(&permit, &search("z 1")).await.unwrap().len(), 1);
        assert!(world.store.find_project_id(id(&acme.id), "z-2").await.unwrap().is_some());
    }
}
