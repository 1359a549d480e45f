//! Who can do this: the same answer, member by member, as *Why?* gives.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stoa_domain::Action;
use test_kit::on_both_databases;

fn by_name(list: &Value) -> BTreeMap<String, Value> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one.clone()))
        .collect()
}

on_both_databases! {
    async fn who_can_and_why_agree_about_everybody(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
        let live = workspace.instance(&project, &server, "Live", "production", "main").await.to_string();
        let test = workspace.instance(&project, &server, "Test", "staging", "main").await.to_string();
        let everything: Vec<&str> = Action::ALL.map(Action::key).to_vec();
        let profiles = [
            ("Anna", json!({ "actions": everything, "projects": [project], "instances": [live, test], "servers": [server] })),
            ("Ben", json!({ "actions": ["view_logs", "delete_instances"], "instances": [live] })),
            ("Carl", json!({ "actions": everything })),
            ("Dora", json!({ "projects": [project], "instances": [test], "servers": [server] })),
            ("Emil", json!({})),
        ];
        let mut members = Vec::new();
        for (name, profile) in profiles {
            let member = workspace.member(name).await;
            workspace.grant(&member, profile).await;
            members.push((name, member));
        }
        for query in [
            format!("action=view_logs&instance={live}"), format!("action=delete_instances&instance={live}"),
            format!("action=delete_instances&instance={test}"), format!("instance={test}"), format!("project={project}"),
            format!("action=merge_branches&project={project}"), format!("server={server}"), "action=use_ide".to_owned(),
            "action=manage".to_owned(), format!("action=manage&instance={test}"), format!("action=manage&project={project}"),
        ] {
            let who = by_name(&olga.client.get(&workspace.path(&format!("/permissions/who?{query}"))).await.expect(200).json());
            assert_eq!(who["Olga Owner"]["because"], "owner");
            for (name, member) in &members {
                let why = olga.client.get(&workspace.path(&format!("/members/{}/explain?{query}", member.id))).await.expect(200).json();
                assert_eq!(why["allowed"], json!(who.contains_key(*name)), "{name}: {query}: {why}");
            }
        }
        for query in ["", "action=fly", "limit=5"] {
            let _ = olga.client.get(&workspace.path(&format!("/permissions/who?{query}"))).await.expect(422);
        }
        let _ = olga.client.get(&workspace.path("/permissions/who?instance=never-made")).await.expect(404);
    }

    async fn what_owners_do_is_nobody_elses_whatever_is_granted(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
        let live = workspace.instance(&project, &server, "Live", "production", "main").await.to_string();
        let anna = workspace.member("Anna").await;
        let everything: Vec<&str> = Action::ALL.map(Action::key).to_vec();
        workspace.grant(&anna, json!({ "actions": everything, "projects": [project], "instances": [live], "servers": [server] })).await;
        let path = workspace.path(&format!("/members/{}/explain?action=manage", anna.id));
        for thing in [String::new(), format!("&project={project}"), format!("&instance={live}"), format!("&server={server}")] {
            let own = anna.person.client.get(&format!("{path}{thing}")).await.expect(200).json();
            assert_eq!(own["because"], "action_missing", "{thing}");
            assert_eq!(
                own["detail"],
                "Owners alone do this, whatever you are granted. Ask Olga Owner, who owns the workspace.",
                "{thing}"
            );
            let of_her = olga.client.get(&format!("{path}{thing}")).await.expect(200).json();
            assert_eq!(of_her["detail"], "Owners alone do this, whatever Anna is granted.", "{thing}");
        }
        // What isn't theirs to see isn't theirs to ask about.
        workspace.grant(&anna, json!({ "actions": everything })).await;
        let _ = anna.person.client.get(&format!("{path}&instance={live}")).await.expect(404);
        // An owner isn't told of a remedy that wouldn't help: neither of the thing's, nor of the action's.
        let of_her = olga.client.get(&format!("{path}&instance={live}")).await.expect(200).json();
        assert_eq!(of_her["detail"], "Owners alone do this, whatever Anna is granted.");
        workspace.grant(&anna, json!({ "instances": [live] })).await;
        let delete = workspace.path(&format!("/members/{}/explain?action=delete_instances&instance={live}", anna.id));
        let of_her = olga.client.get(&delete).await.expect(200).json();
        assert_eq!(of_her["detail"], "A production instance is deleted by owners only, whatever Anna is granted.");
        let who = by_name(&olga.client.get(&workspace.path("/permissions/who?action=manage")).await.expect(200).json());
        assert_eq!(who.keys().collect::<Vec<_>>(), ["Olga Owner"]);
    }

    async fn an_end_is_said_by_both(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let project = workspace.project("Shop", &["main"]).await;
        let tess = workspace.member("Tess Tester").await;
        let path = workspace.path(&format!("/members/{}/permissions", tess.id));
        let body = json!({ "actions": ["view_projects"], "projects": [project], "instances": [], "servers": [],
            "until": { "view_projects": "2026-12-01T00:00:00Z", project.as_str(): "2026-11-30T18:00:00Z" } });
        let _ = olga.client.put(&path, body).await.expect(200);
        let end = json!("2026-11-30T18:00:00.000Z");
        let query = format!("project={project}");
        let who = by_name(&olga.client.get(&workspace.path(&format!("/permissions/who?{query}"))).await.expect(200).json());
        assert_eq!((&who["Tess Tester"]["until"], &who["Olga Owner"]["until"]), (&end, &json!(null)));
        let why = tess.person.client.get(&workspace.path(&format!("/members/{}/explain?{query}", tess.id))).await.expect(200).json();
        assert_eq!((&why["allowed"], &why["until"]), (&json!(true), &end));
    }

    async fn the_list_of_members_is_narrowed_by_who_may(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (anna, _ben) = (workspace.member("Anna").await, workspace.member("Ben").await);
        workspace.grant(&anna, json!({ "actions": ["view_logs"] })).await;
        let names = async |query: &str| {
            let list = olga.client.get(&workspace.path(&format!("/members?{query}"))).await.expect(200).json();
            list["items"].as_array().unwrap().iter().map(|one| one["account"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names("action=view_logs").await, ["Anna", "Olga Owner"]);
        assert_eq!(names("action=view_logs&role=member").await, ["Anna"]);
        assert_eq!(names("role=owner").await, ["Olga Owner"]);
        assert_eq!(names("role=member&q=BEN").await, ["Ben"]);
        for query in ["role=admin", "action=fly", "brief=maybe"] {
            let _ = olga.client.get(&workspace.path(&format!("/members?{query}"))).await.expect(422);
        }
        let refused = anna.person.client.get(&workspace.path("/members?action=view_logs")).await.expect(403);
        assert_eq!(refused.code().unwrap(), "owner_required", "what others may do isn't a member's to ask");
    }
}
