//! The audit log: all of it for owners, one's own for members, and as lines to keep.

use http::Method;
use http::header::ACCEPT;
use serde_json::{Value, json};
use test_kit::world::Person;
use test_kit::{Answer, on_both_databases};

async fn lines(person: &Person, path: &str) -> Answer {
    let mut request = person.client.request(Method::GET, path, None);
    request.headers_mut().insert(ACCEPT, "application/x-ndjson".parse().unwrap());
    person.client.send_request(request).await
}

fn read(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

on_both_databases! {
    async fn the_lines_are_the_list(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        for _ in 0..4 {
            let _ = tester.person.client.get(&workspace.path("/invitations")).await.expect(403);
            let _ = olga.client.patch(&workspace.path(""), json!({ "name": "Acme" })).await.expect(200);
        }
        let project = workspace.project("Shop", &["main"]).await;
        let path = workspace.path("/audit");
        let mut listed = Vec::new();
        let mut after = String::new();
        loop {
            let page = olga.client.get(&format!("{path}?limit=3{after}")).await.expect(200).json();
            listed.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert!(listed.len() > 10, "{}", listed.len());
        let exported = lines(&olga, &path).await.expect(200);
        assert_eq!(read(&exported), listed);
        assert_eq!(exported.header("cache-control"), Some("no-store"));
        let numbers: Vec<i64> = listed.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] == pair[1] + 1), "newest first, none missing: {numbers:?}");
        for (query, fits) in [
            (format!("actor={}", tester.person.account), "actor"),
            (format!("resource={project}"), "resource_id"),
            ("action=workspace.change".to_owned(), "action"),
        ] {
            let wanted = query.split('=').nth(1).unwrap();
            let found = read(&lines(&olga, &format!("{path}?{query}")).await.expect(200));
            let expected: Vec<_> = listed.iter().filter(|event| event[fits] == json!(wanted)).cloned().collect();
            assert!(!found.is_empty());
            assert_eq!(found, expected, "{query}");
            assert_eq!(olga.client.get(&format!("{path}?limit=200&{query}")).await.expect(200).json()["items"], json!(found));
        }
        assert_eq!(read(&lines(&olga, &format!("{path}?from=2030-01-01T00:00:00Z")).await.expect(200)), Vec::<Value>::new());
        let refused = lines(&tester.person, &path).await.expect(403);
        assert_eq!(refused.code().unwrap(), "owner_required");
    }

    async fn a_member_reads_what_it_did_itself(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        let _ = tester.person.client.get(&workspace.path("/invitations")).await.expect(403);
        let path = workspace.path("/audit/mine");
        let mine = tester.person.client.get(&format!("{path}?limit=200")).await.expect(200).json();
        let mine = mine["items"].as_array().unwrap();
        assert!(mine.iter().any(|event| event["action"] == "invitation.list" && event["outcome"] == "refused"));
        assert!(mine.iter().all(|event| event["actor"] == json!(tester.person.account)), "{mine:?}");
        // Nobody else's can be asked for.
        let others = tester.person.client.get(&format!("{path}?actor={}", olga.account)).await.expect(422);
        assert_eq!(others.json()["errors"][0]["field"], "actor");
        // Nor do lists go on behind somebody else's event, or begin anew there.
        let theirs = olga.client.get(&workspace.path(&format!("/audit?actor={}", olga.account))).await.expect(200);
        let theirs = theirs.json()["items"][0]["id"].as_str().unwrap().to_owned();
        for wrong in [theirs.as_str(), "01890a5d-ac96-774b-bcce-b302099a8057"] {
            let refused = tester.person.client.get(&format!("{path}?after={wrong}")).await.expect(422);
            assert_eq!(refused.json()["errors"][0]["field"], "after");
        }
    }

    async fn each_record_holds_all_that_its_hash_is_made_of_and_members_are_told_none_of_it(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        let _ = olga.client.patch(&workspace.path(""), json!({ "name": "Acme \"Ünï\"", "primary_color": "#FE9" })).await.expect(200);
        let exported = read(&lines(&olga, &workspace.path("/audit")).await.expect(200));
        let mut newer: Option<&Value> = None;
        for record in &exported {
            for hash in ["hash", "previous_hash"] {
                assert_eq!(record[hash].as_str().unwrap().len(), 64, "{record}");
            }
            if let Some(newer) = newer {
                assert_eq!(newer["previous_hash"], record["hash"]);
            }
            assert_eq!(record["workspace"], json!(workspace.id));
            let detail: Value = serde_json::from_str(record["detail_text"].as_str().unwrap()).unwrap();
            assert_eq!(detail, record["detail"]);
            newer = Some(record);
        }
        let first = exported.last().unwrap();
        assert_eq!((first["seq"].as_i64(), first["previous_hash"].as_str()), (Some(1), Some("0".repeat(64).as_str())));
        assert_eq!(exported[0]["sentence"], "changed the workspace's name and colour");
        let difference = json!({
            "before": { "name": "Acme", "primary_color": "#3552d4" },
            "after": { "name": "Acme \"Ünï\"", "primary_color": "#ffee99" },
        });
        assert_eq!(exported[0]["detail"], difference);
        let mine = tester.person.client.get(&workspace.path("/audit/mine?limit=200")).await.expect(200).json();
        for record in mine["items"].as_array().unwrap() {
            assert!(record["sentence"].is_string());
            for hidden in ["seq", "workspace", "at_microseconds", "detail_text", "hash", "previous_hash"] {
                assert!(record.get(hidden).is_none(), "{hidden} in {record}");
            }
        }
    }

    async fn an_owner_narrows_the_log_by_person_thing_and_outcome(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        let project = workspace.project("Shop", &["main"]).await;
        workspace.grant(&tester, json!({ "projects": [project] })).await;
        let refused = tester.person.client.get(&workspace.path(&format!("/projects/{project}"))).await.expect(403);
        assert_eq!(refused.code().unwrap(), "permission_denied");
        let _ = tester.person.client.get(&workspace.path("/projects/never-made")).await.expect(404);
        let list = async |query: &str| {
            let page = olga.client.get(&workspace.path(&format!("/audit?limit=200&{query}"))).await.expect(200).json();
            page["items"].as_array().unwrap().clone()
        };
        let by_member = list(&format!("actor={}", tester.id)).await;
        assert!(!by_member.is_empty());
        assert_eq!(by_member, list(&format!("actor={}", tester.person.account)).await, "a member is named by its id too");
        let refusals = list("outcome=refused").await;
        assert!(refusals.iter().all(|event| event["outcome"] == "refused"), "{refusals:?}");
        let named = refusals.iter().find(|event| event["resource_id"] == json!(project)).unwrap();
        assert_eq!(named["resource_name"], "Shop", "an owner reads what it was about");
        assert_eq!(named["sentence"], "wasn't allowed to open Shop");
        assert_eq!(list("outcome=failed").await, Vec::<Value>::new());
        let both = list(&format!("outcome=done&resource={project}")).await;
        assert!(!both.is_empty() && both.iter().all(|event| event["resource_id"] == json!(project)), "{both:?}");
        let wrong = olga.client.get(&workspace.path("/audit?outcome=maybe")).await.expect(422);
        assert_eq!(wrong.json()["errors"][0]["field"], "outcome");
        let mine = tester.person.client.get(&workspace.path("/audit/mine?outcome=refused")).await.expect(200).json();
        let hidden: Vec<&Value> = mine["items"].as_array().unwrap().iter().filter(|one| one["resource_name"].is_null()).collect();
        assert!(hidden.iter().any(|one| one["sentence"] == "looked for a project, which doesn't exist"), "{mine}");
    }

    async fn a_change_of_permissions_is_told_as_what_was_given_and_taken_away(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        let shop = workspace.project("Shop \"1\"", &["main"]).await;
        let site = workspace.project("Site", &["main"]).await;
        let path = workspace.path(&format!("/members/{}/permissions", tester.id));
        let newest = async || {
            let page = olga.client.get(&workspace.path("/audit?limit=1&action=member.set_permissions")).await;
            page.expect(200).json()["items"][0]["detail"].clone()
        };
        let first = json!({ "actions": ["view_logs", "use_ide"], "projects": [shop], "instances": [], "servers": [] });
        let _ = olga.client.put(&path, first).await.expect(200);
        let given = json!({ "added": {
            "actions": ["use_ide", "view_logs"], "projects": [{ "id": shop, "name": "Shop \"1\"" }],
        } });
        assert_eq!(newest().await, given);
        let second = json!({ "actions": ["view_logs"], "projects": [site], "instances": [], "servers": [],
            "until": { "view_logs": "2030-01-01T00:00:00.000Z" } });
        let _ = olga.client.put(&path, second.clone()).await.expect(200);
        let changed = json!({
            "added": { "projects": [{ "id": site, "name": "Site" }] },
            "removed": { "actions": ["use_ide"], "projects": [{ "id": shop, "name": "Shop \"1\"" }] },
            "until": [{ "of": "view_logs", "kind": "action", "before": null, "after": "2030-01-01T00:00:00.000Z" }],
        });
        assert_eq!(newest().await, changed);
        let _ = olga.client.put(&path, second).await.expect(200);
        assert_eq!(newest().await, json!({}), "the same once more changes nothing");
    }
}
