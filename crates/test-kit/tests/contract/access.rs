//! What members may do, and what they are shown of each other.

use http::Method;
use serde_json::json;
use test_kit::world::Workspace;
use test_kit::{Stream, on_both_databases};

struct Shop {
    server: String,
    project: String,
    instances: Vec<String>,
}

async fn shop(workspace: &Workspace<'_>) -> Shop {
    let server = workspace.server().await;
    let project = workspace.project("Shop", &["main"]).await;
    let mut instances = Vec::new();
    for (name, stage) in [("Live", "production"), ("Test", "staging")] {
        instances.push(workspace.instance(&project, &server, name, stage, "main").await.to_string());
    }
    Shop { server, project, instances }
}

on_both_databases! {
    async fn a_profile_is_replaced_whole_or_not_at_all(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let shop = shop(&workspace).await;
        let tester = workspace.member("Tess Tester").await;
        let path = workspace.path(&format!("/members/{}/permissions", tester.id));
        let mut reversed = shop.instances.clone();
        reversed.sort_unstable();
        reversed.reverse();
        let wish = json!({
            "actions": ["view_logs", "restart_instances", "view_logs"], "projects": [shop.project],
            "instances": reversed, "servers": [shop.server],
        });
        let set = olga.client.put(&path, wish).await.expect(200).json();
        let mut sorted = shop.instances.clone();
        sorted.sort_unstable();
        assert_eq!((&set["actions"], &set["instances"]), (&json!(["restart_instances", "view_logs"]), &json!(sorted)));
        let kept = olga.client.get(&path).await.expect(200);
        assert_eq!(kept.json(), set);
        let foreign = world.workspace(&tester.person, "Theirs").await.project("Theirs", &["main"]).await;
        let never = "01890a5d-ac96-774b-bcce-b302099a8057";
        let with = |field: &str, value: serde_json::Value| {
            let mut profile = json!({ "actions": [], "projects": [], "instances": [], "servers": [] });
            profile[field] = value;
            profile
        };
        for (field, value) in [
            ("actions", json!(["fly"])), ("actions", json!(null)), ("projects", json!(null)), ("instances", json!([never])),
            ("projects", json!([foreign])), ("servers", json!([shop.project])), ("instances", json!(["live"])),
            ("until", json!({ "view_logs": "2099-01-01T00:00:00Z" })), ("projects", json!([7])),
        ] {
            let refused = olga.client.put(&path, with(field, value.clone())).await.expect(422);
            assert_eq!(refused.code().unwrap(), "invalid", "{field} {value}");
            let named = refused.json()["errors"][0]["field"].as_str().unwrap().to_owned();
            assert!(named.starts_with(field), "{named} for {field} {value}");
        }
        let missing = json!({ "actions": [], "projects": [], "instances": [] });
        let _ = olga.client.put(&path, missing).await.expect(422);
        let after = olga.client.get(&path).await.expect(200);
        assert_eq!((after.json(), after.header("etag")), (set, kept.header("etag")), "nothing was changed");
    }

    async fn an_owner_has_everything_and_is_given_nothing(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let otto = workspace.member("Otto Owner").await;
        workspace.grant(&otto, json!({ "actions": ["view_logs"] })).await;
        workspace.make_owner(&otto).await;
        let path = workspace.path(&format!("/members/{}/permissions", otto.id));
        let seen = olga.client.get(&path).await.expect(200).json();
        assert_eq!(seen["actions"].as_array().unwrap().len(), 10);
        assert_eq!((&seen["projects"], &seen["instances"], &seen["servers"]), (&json!(null), &json!(null), &json!(null)));
        let none = json!({ "actions": [], "projects": [], "instances": [], "servers": [] });
        assert_eq!(olga.client.put(&path, none.clone()).await.expect(409).code().unwrap(), "conflict");
        let member = workspace.path(&format!("/members/{}", otto.id));
        let _ = olga.client.patch(&member, json!({ "role": "member" })).await.expect(200);
        assert_eq!(olga.client.get(&path).await.expect(200).json(), none, "made a plain member, it starts with nothing");
    }

    async fn members_see_names_and_roles_and_owners_everything(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        let fields = |value: &serde_json::Value| {
            let mut fields: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            fields.sort_unstable();
            fields
        };
        let all = ["account", "id", "joined_at", "last_seen_at", "permissions", "role"];
        for (client, whole_of_others) in [(&olga.client, true), (&tester.person.client, false)] {
            let members = client.get(&workspace.path("/members")).await.expect(200).json();
            for member in members["items"].as_array().unwrap() {
                let is_tess = member["id"] == json!(tester.id);
                if whole_of_others || is_tess {
                    assert_eq!(fields(member), all, "{member}");
                    assert_eq!(fields(&member["account"]), ["email", "email_verified", "name", "status"]);
                } else {
                    assert_eq!(fields(member), ["account", "id", "role"], "{member}");
                    assert_eq!(fields(&member["account"]), ["name"]);
                }
                let one = client.get(&workspace.path(&format!("/members/{}", member["id"].as_str().unwrap()))).await;
                assert_eq!(&one.expect(200).json(), member, "one by one it is the same");
            }
        }
        // Nor is an address found that isn't shown.
        let found = tester.person.client.get(&workspace.path("/members?q=olga@example.com")).await.expect(200).json();
        assert_eq!(found["items"], json!([]));
        let hers = olga.client.get(&workspace.path("/members?q=olga")).await.expect(200).json()["items"][0]["id"].clone();
        let path = workspace.path(&format!("/members/{}/permissions", hers.as_str().unwrap()));
        assert_eq!(tester.person.client.get(&path).await.expect(403).code().unwrap(), "owner_required");
    }

    async fn what_owners_alone_see_answers_members_alike_whether_it_is_there_or_not(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await;
        let invited = olga.client.post(&workspace.path("/invitations"), json!({ "email": "ivy@example.com" })).await;
        let invitation = invited.expect(201).field("id");
        let preset = json!({ "name": "Senior", "actions": ["view_logs"] });
        let preset = olga.client.post(&workspace.path("/presets"), preset).await.expect(201).field("id");
        let never = "01900000-0000-7000-8000-000000000000";
        for (method, there, absent) in [
            (Method::DELETE, format!("/invitations/{invitation}"), format!("/invitations/{never}")),
            (Method::POST, format!("/invitations/{invitation}/resend"), format!("/invitations/{never}/resend")),
            (Method::DELETE, format!("/presets/{preset}"), format!("/presets/{never}")),
            (Method::PATCH, format!("/presets/{preset}"), format!("/presets/{never}")),
        ] {
            let ask = async |path: &str| {
                let body = (method != Method::DELETE).then(|| json!({}));
                tess.person.client.send(method.clone(), &workspace.path(path), body).await.expect(403)
            };
            let (there, absent) = (ask(&there).await, ask(&absent).await);
            assert_eq!((&there.text, &there.headers), (&absent.text, &absent.headers), "{method}");
            assert_eq!(there.code().unwrap(), "owner_required");
        }
        // An owner is told that it isn't there.
        let _ = olga.client.delete(&workspace.path(&format!("/invitations/{never}")), None).await.expect(404);
    }

    async fn what_owners_alone_see_is_told_to_them_alone(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (tess, otto) = (workspace.member("Tess Tester").await, workspace.member("Otto").await);
        let follow = |client: &test_kit::Client| client.request(Method::GET, &workspace.path("/events"), None);
        let client = &tess.person.client;
        let (mut hers, mut owners) =
            (Stream::open(client, follow(client)).await, Stream::open(&olga.client, follow(&olga.client)).await);
        let invitations = workspace.path("/invitations");
        let invited = olga.client.post(&invitations, json!({ "email": "ivy@example.com" })).await.expect(201);
        assert_eq!(owners.until("changed").await["resource"]["kind"], "workspace");
        let invitation = format!("{invitations}/{}", invited.field("id"));
        let _ = olga.client.post(&format!("{invitation}/resend"), json!({})).await.expect(200);
        assert_eq!(owners.until("changed").await["resource"]["kind"], "workspace");
        let _ = olga.client.delete(&invitation, None).await.expect(204);
        assert_eq!(owners.until("changed").await["resource"]["kind"], "workspace");
        let preset = json!({ "name": "Senior", "actions": ["view_logs"] });
        let _ = olga.client.post(&workspace.path("/presets"), preset).await.expect(201);
        assert_eq!(owners.until("changed").await["resource"]["kind"], "workspace");
        workspace.grant(&otto, json!({ "actions": ["view_projects"] })).await;
        assert_eq!(owners.until("changed").await["resource"], json!({ "kind": "member", "id": otto.id }));
        // Her own is told to her, without a name, and who becomes an owner to everybody.
        workspace.grant(&tess, json!({ "actions": ["view_projects"] })).await;
        workspace.make_owner(&otto).await;
        let mut heard = Vec::new();
        while heard.last() != Some(&json!({ "kind": "member", "id": otto.id })) {
            let (_, event) = hers.next().await.unwrap();
            heard.push(event["resource"].clone());
            if event["type"] == "access_changed" {
                heard.pop();
                heard.push(json!("hers"));
            }
        }
        assert_eq!(heard, [json!("hers"), json!({ "kind": "member", "id": otto.id })]);
    }

    async fn why_is_answered_by_the_rules_that_decide(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let shop = shop(&workspace).await;
        let (live, test) = (&shop.instances[0], &shop.instances[1]);
        let tester = workspace.member("Tess Tester").await;
        workspace.grant(&tester, json!({ "actions": ["view_logs"], "instances": [test] })).await;
        let explain = |query: &str| workspace.path(&format!("/members/{}/explain?{query}", tester.id));
        for (query, because) in [
            (format!("action=view_logs&instance={test}"), "granted"),
            (format!("action=view_logs&instance={live}"), "resource_not_allowed"),
            (format!("action=stop_instances&instance={test}"), "action_missing"),
            (format!("action=stop_instances&instance={live}"), "resource_not_allowed"),
            (format!("project={}", shop.project), "resource_not_allowed"),
            (format!("server={}", shop.server), "resource_not_allowed"),
            ("action=use_ide".to_owned(), "action_missing"),
        ] {
            let answer = olga.client.get(&explain(&query)).await.expect(200).json();
            assert_eq!((answer["because"].as_str(), &answer["allowed"]), (Some(because), &json!(because == "granted")), "{query}");
            assert!(answer["detail"].as_str().unwrap().starts_with("Tess Tester") || because == "resource_not_allowed");
            // On oneself, what isn't allowed isn't there.
            let own = tester.person.client.get(&explain(&query)).await;
            assert_eq!(own.status.as_u16(), if because == "resource_not_allowed" { 404 } else { 200 }, "{query}");
        }
        for query in ["action=fly".to_owned(), format!("instance={test}&project={}", shop.project)] {
            let _ = olga.client.get(&explain(&query)).await.expect(422);
        }
        let _ = olga.client.get(&explain("instance=never-made")).await.expect(404);
        let hers = olga.client.get(&workspace.path("/members?q=olga")).await.expect(200).json()["items"][0]["id"].clone();
        let path = workspace.path(&format!("/members/{}/explain?action=use_ide", hers.as_str().unwrap()));
        assert_eq!(olga.client.get(&path).await.expect(200).json()["because"], "owner");
        assert_eq!(tester.person.client.get(&path).await.expect(403).code().unwrap(), "owner_required");
    }

    async fn a_query_names_things_as_a_path_does_and_tells_nothing_of_hidden_ones(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let (seen, hidden) = (workspace.project("Seen", &["main"]).await, workspace.project("Hidden", &["main"]).await);
        let shop = workspace.instance(&seen, &server, "Shop", "staging", "main").await.to_string();
        let _ = workspace.instance(&hidden, &server, "Vault", "staging", "main").await;
        let tess = workspace.member("Tess Tester").await;
        workspace.grant(&tess, json!({ "actions": ["view_projects"], "projects": [seen], "instances": [shop], "servers": [server] })).await;
        let server_slug = olga.client.get(&workspace.path(&format!("/servers/{server}"))).await.expect(200).field("slug");
        let listed = async |query: String| tess.person.client.get(&workspace.path(&query)).await.expect(200).json();
        for (path, slug, id) in [
            ("/jobs?instance=", "shop", &shop), ("/instances?project=", "seen", &seen), ("/instances?server=", &server_slug, &server),
        ] {
            let found = listed(format!("{path}{slug}")).await;
            assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{path}{slug}: {found}");
            assert_eq!(found, listed(format!("{path}{id}")).await);
        }
        for (path, slug) in [("/jobs?instance=", "vault"), ("/instances?project=", "hidden")] {
            let owners = olga.client.get(&workspace.path(&format!("{path}{slug}"))).await.expect(200).json();
            assert_eq!(owners["items"].as_array().map(Vec::len), Some(1), "{owners}");
            assert_eq!(listed(format!("{path}{slug}")).await, listed(format!("{path}never")).await);
            assert_eq!(listed(format!("{path}{slug}")).await["items"], json!([]));
        }
    }

    async fn an_old_slug_leads_members_on_and_is_nothing_to_others(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        let outsider = world.workspace(&olga, "Other").await.member("Otto Outsider").await;
        let _ = olga.client.patch(&workspace.path(""), json!({ "slug": "acme-two" })).await.expect(200);
        for word in ["acme", "acme-two", "ACME-TWO", workspace.id.as_str()] {
            let path = format!("/api/v1/workspaces/{word}");
            assert_eq!(tester.person.client.get(&path).await.expect(200).field("slug"), "acme-two", "{word}");
            assert_eq!(outsider.person.client.get(&path).await.expect(404).code().unwrap(), "not_found", "{word}");
        }
        let judged = outsider.person.client.get("/api/v1/slug?name=a--b").await.expect(200).json();
        assert_eq!((&judged["slug"], &judged["available"]), (&json!("a-b"), &json!(true)), "{judged}");
        let taken = outsider.person.client.get("/api/v1/slug?name=Acme").await.expect(200).json();
        assert_eq!((&taken["available"], &taken["reason"]), (&json!(false), &json!("taken")));
        assert_eq!(taken["suggestion"], "acme-2");
    }
}
