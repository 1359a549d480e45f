//! What is set of an instance: seen, changed, recorded and reverted; by whom, and what is refused.

use http::Method;
use http::header::{ETAG, IF_MATCH};
use serde_json::{Value, json};
use stoa_domain::InstanceId;
use test_kit::on_both_databases;
use test_kit::world::Workspace;
use test_kit::{Answer, Client};

/// A running instance, and the path of its settings.
async fn made(workspace: &Workspace<'_>) -> (InstanceId, String) {
    let server = workspace.server().await;
    let project = workspace.project("Shop", &["main", "next"]).await;
    let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
    (instance, workspace.path(&format!("/instances/{instance}/settings")))
}

async fn changes(client: &Client, path: &str) -> Vec<Value> {
    let list = client.get(&format!("{path}/changes")).await.expect(200).json();
    list["items"].as_array().unwrap().clone()
}

async fn patch_if(client: &Client, path: &str, tag: &str, body: Value) -> Answer {
    let mut request = client.request(Method::PATCH, path, Some(&body));
    request.headers_mut().insert(IF_MATCH, tag.parse().unwrap());
    client.send_request(request).await
}

fn fields(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

/// May set, and nothing more.
async fn setter<'w>(workspace: &Workspace<'w>, instances: &[InstanceId]) -> test_kit::world::Member {
    let member = workspace.member("Sam Setter").await;
    let ids: Vec<String> = instances.iter().map(ToString::to_string).collect();
    let profile = json!({ "actions": ["manage_settings"], "projects": [], "instances": ids, "servers": [] });
    workspace.grant(&member, profile).await;
    member
}

on_both_databases! {
    async fn settings_are_seen_changed_in_part_and_told_to_the_machine(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let sam = setter(&workspace, &[instance]).await.person.client;
        let seen = sam.get(&path).await.expect(200);
        assert_eq!(seen.header("cache-control"), Some("no-store"));
        let seen = seen.json();
        assert_eq!((&seen["branch"], &seen["visibility"], &seen["health"], &seen["backup_schedule"]), (&json!("main"), &json!("public"), &Value::Null, &Value::Null));
        assert_eq!((&seen["environment"], &seen["domains"], &seen["restart_needed"]), (&json!([]), &json!([]), &json!(false)));
        assert_eq!(seen["limits"], json!({ "memory": null, "processor": null, "processes": null, "disk": null }));
        assert_eq!(seen["limit_rules"]["processor"], json!({ "least": 50, "most": 256_000, "usual": null, "enforced_by": "nothing" }));
        let instance_seen = sam.get(path.trim_end_matches("/settings")).await.expect(200).json();
        assert_eq!(instance_seen["may"], json!(["change_settings"]));

        let health = json!({ "path": "/up", "status": ["2xx"], "start_seconds": 30, "every_seconds": 5, "failures": 2 });
        let schedule = json!({ "at": "02:00", "keep_days": 7, "keep_weeks": 4, "keep_months": 6 });
        world.clock.pass_seconds(1);
        let changed = sam.patch(&path, json!({
            "environment": [{ "name": "GREETING", "value": "hello" }, { "name": "API_KEY", "value": "hunter2", "secret": true }],
            "limits": { "memory": 268_435_456, "processor": 500 }, "visibility": "members",
            "health": health, "backup_schedule": schedule,
        })).await.expect(200);
        assert!(!changed.text.contains("hunter2"), "a secret is never given back");
        let changed = changed.json();
        assert_eq!((&changed["health"], &changed["backup_schedule"], &changed["restart_needed"]), (&health, &schedule, &json!(true)));
        assert_eq!(changed["limits"], json!({ "memory": 268_435_456, "processor": 500, "processes": null, "disk": null }));
        assert_eq!(changed["environment"][0], json!({ "name": "API_KEY", "value": null, "secret": true }));
        assert_eq!(changed["branch"], "main", "what isn't said stays");

        world.clock.pass_seconds(1);
        let _ = olga.client.post(&path.replace("/settings", "/restart"), json!({ "mode": "hard" })).await.expect(202);
        world.drain().await;
        assert_eq!(sam.get(&path).await.expect(200).json()["restart_needed"], false);
        let form = world.machines.form(instance).unwrap();
        assert_eq!((form.limits.memory, form.limits.processor, form.limits.disk), (Some(268_435_456), Some(500), None));
        assert_eq!(form.health.map(|health| (health.path, health.failures)), Some(("/up".to_owned(), 2)));
        // Back to what is usual, and to what the application says.
        let usual = sam.patch(&path, json!({ "limits": {}, "health": null, "backup_schedule": null })).await.expect(200).json();
        assert_eq!((&usual["health"], &usual["backup_schedule"], &usual["limits"]["memory"]), (&Value::Null, &Value::Null, &Value::Null));
        // Nothing new is no change.
        let before = changes(&sam, &path).await.len();
        let _ = sam.patch(&path, json!({ "limits": {}, "visibility": "members" })).await.expect(200);
        assert_eq!(changes(&sam, &path).await.len(), before);
    }

    async fn of_two_who_save_at_once_the_second_is_told(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let sam = setter(&workspace, &[instance]).await.person.client;
        let tag = sam.get(&path).await.expect(200).header(ETAG).unwrap().to_owned();
        let saved = patch_if(&olga.client, &path, &tag, json!({ "visibility": "members" })).await.expect(200);
        let refused = patch_if(&sam, &path, &tag, json!({ "visibility": "public" })).await.expect(412);
        assert_eq!(refused.code().unwrap(), "precondition_failed");
        assert_eq!(sam.get(&path).await.expect(200).json()["visibility"], "members");
        let newer = saved.header(ETAG).unwrap().to_owned();
        // What was set elsewhere counts too: the schedule with the backups, the variables by an owner.
        let plan = json!({ "schedule": { "at": "03:00", "keep_days": 1, "keep_weeks": 0, "keep_months": 0 } });
        let _ = sam.put(&path.replace("/settings", "/backup-schedule"), plan).await.expect(200);
        let _ = patch_if(&sam, &path, &newer, json!({ "visibility": "public" })).await.expect(412);
        assert_eq!(sam.get(&path).await.expect(200).json()["backup_schedule"]["at"], "03:00");
    }

    async fn what_was_changed_is_listed_and_reverted_as_a_change_of_its_own(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let sam = setter(&workspace, &[instance]).await.person.client;
        let _ = sam.patch(&path, json!({ "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }] })).await.expect(200);
        let _ = sam.patch(&path, json!({
            "environment": [{ "name": "A", "value": "9" }, { "name": "C", "value": "3" }],
            "limits": { "memory": 134_217_728 }, "domains": [{ "host": "shop.example.org" }],
        })).await.expect(200);
        let list = changes(&sam, &path).await;
        assert_eq!((list.len(), &list[0]["by"]["name"], &list[0]["needs_restart"], &list[0]["can_revert"]), (2, &json!("Sam Setter"), &json!(true), &json!(true)));
        let told: Vec<_> = list[0]["parts"].as_array().unwrap().iter().map(|part| {
            json!([part["setting"], part["name"], part["turn"], part["before"], part["after"]])
        }).collect();
        assert_eq!(told, [
            json!(["environment", "A", "changed", "1", "9"]),
            json!(["environment", "B", "removed", "2", null]),
            json!(["environment", "C", "added", null, "3"]),
            json!(["memory", null, "added", null, "134217728"]),
            json!(["domain", "shop.example.org", "added", null, null]),
        ]);
        let revert = format!("{path}/changes/{}/revert", list[0]["id"].as_str().unwrap());
        let back = sam.post(&revert, json!({})).await.expect(200).json();
        assert_eq!((&back["limits"]["memory"], &back["domains"]), (&Value::Null, &json!([])));
        assert_eq!(back["environment"], json!([{ "name": "A", "value": "1", "secret": false }, { "name": "B", "value": "2", "secret": false }]));
        let list = changes(&sam, &path).await;
        assert_eq!((list.len(), &list[0]["reverts"]["id"]), (3, &list[1]["id"]));
        assert_eq!(list[0]["reverts"]["number"], list[1]["number"]);
        let again = sam.post(&revert, json!({})).await.expect(409);
        assert_eq!(again.code().unwrap(), "conflict", "there is nothing left to undo");
        // And the revert is reverted.
        let forth = format!("{path}/changes/{}/revert", list[0]["id"].as_str().unwrap());
        let back = sam.post(&forth, json!({})).await.expect(200).json();
        assert_eq!((&back["limits"]["memory"], &back["domains"][0]["host"]), (&json!(134_217_728), &json!("shop.example.org")));
        // Page by page.
        let page = sam.get(&format!("{path}/changes?limit=3")).await.expect(200).json();
        let rest = sam.get(&format!("{path}/changes?limit=3&after={}", page["next"].as_str().unwrap())).await.expect(200).json();
        assert_eq!((page["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len(), &rest["next"]), (3, 1, &Value::Null));
    }

    async fn secrets_are_in_no_history_and_what_was_overwritten_is_gone(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let sam = setter(&workspace, &[instance]).await.person.client;
        let set = |value: &'static str, secret: bool, greeting: &'static str| json!({ "environment": [
            { "name": "API_KEY", "value": value, "secret": secret }, { "name": "GREETING", "value": greeting } ] });
        // Plain at first: what becomes a secret is taken out of what was recorded before.
        let _ = sam.patch(&path, set("canary-one", false, "hello")).await.expect(200);
        assert!(sam.get(&format!("{path}/changes")).await.expect(200).text.contains("canary-one"));
        let _ = sam.patch(&path, set("canary-one", true, "hello")).await.expect(200);
        let _ = sam.patch(&path, set("canary-two", true, "bye")).await.expect(200);
        let listed = sam.get(&format!("{path}/changes")).await.expect(200);
        assert!(!listed.text.contains("canary"), "{}", listed.text);
        if matches!(world.place(), stoa_storage::Place::Sqlite(_)) {
            let dump = world.dump(&[]).await;
            assert!(!dump.contains("canary-one") && !dump.contains("canary-two"), "nor in any record, the audit log included");
        }
        let list = changes(&sam, &path).await;
        assert_eq!(list[0]["parts"][0], json!({ "setting": "environment", "name": "API_KEY", "turn": "changed", "before": null, "after": null, "secret": true }));
        assert_eq!((&list[0]["can_revert"], &list[1]["can_revert"]), (&json!(true), &json!(false)));
        // What is known goes back; the secret stays as it is now.
        let back = sam.post(&format!("{path}/changes/{}/revert", list[0]["id"].as_str().unwrap()), json!({})).await.expect(200).json();
        assert_eq!(back["environment"][1]["value"], "hello");
        let _ = sam.post(&format!("{path}/changes/{}/revert", list[1]["id"].as_str().unwrap()), json!({})).await.expect(409);
        let _ = olga.client.post(&path.replace("/settings", "/restart"), json!({ "mode": "hard" })).await.expect(202);
        world.drain().await;
        let form = world.machines.form(instance).unwrap();
        let key = form.variables.iter().find(|(name, _)| name == "API_KEY").unwrap();
        assert_eq!(key.1.reveal_text(), Some("canary-two"));
    }

    async fn another_branch_is_deployed_at_once(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let sam = setter(&workspace, &[instance]).await.person.client;
        for (branch, status, code) in [
            ("--upload-pack=x", 422, "invalid"), ("-b", 422, "invalid"), ("a..b", 422, "invalid"), ("", 422, "invalid"),
            ("refs/heads/main", 422, "invalid"), ("gone", 409, "conflict"),
        ] {
            let refused = sam.patch(&path, json!({ "branch": branch, "visibility": "members" })).await.expect(status);
            assert_eq!(refused.code().unwrap(), code, "{branch}");
        }
        let seen = sam.get(&path).await.expect(200).json();
        assert_eq!((&seen["branch"], &seen["visibility"]), (&json!("main"), &json!("public")), "all of it or nothing");
        let changed = sam.patch(&path, json!({ "branch": "next" })).await.expect(200).json();
        assert_eq!((&changed["branch"], &changed["job"]["kind"]), (&json!("next"), &json!("deploy")));
        world.drain().await;
        let list = olga.client.get(&path.replace("/settings", "/deployments")).await.expect(200).json();
        let newest = &list["items"][0];
        assert_eq!((&newest["branch"], &newest["cause"], &newest["status"]), (&json!("next"), &json!("settings"), &json!("succeeded")));
        assert_eq!(newest["started_by"]["name"], "Sam Setter");
        // The right is asked for again when its turn comes.
        let change = changes(&sam, &path).await[0]["id"].as_str().unwrap().to_owned();
        let _ = sam.post(&format!("{path}/changes/{change}/revert"), json!({})).await.expect(200);
        let members = olga.client.get(&workspace.path("/members?q=Sam")).await.expect(200).json();
        let sam_id = members["items"].as_array().unwrap().iter().find(|one| one["account"]["name"] == "Sam Setter").unwrap()["id"].as_str().unwrap().to_owned();
        let nothing = json!({ "actions": [], "projects": [], "instances": [], "servers": [] });
        let _ = olga.client.put(&workspace.path(&format!("/members/{sam_id}/permissions")), nothing).await.expect(200);
        world.drain().await;
        let list = olga.client.get(&path.replace("/settings", "/deployments")).await.expect(200).json();
        assert_eq!((&list["items"][0]["branch"], &list["items"][0]["status"]), (&json!("main"), &json!("cancelled")));
    }

    async fn what_is_wrong_is_refused_field_by_field_and_nothing_changes(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let wrong = olga.client.patch(&path, json!({
            "environment": [{ "name": "STOA_URL", "value": "x" }, { "name": "PORT", "value": "1" }, { "name": "A=B", "value": "1" }],
            "domains": [{ "host": "*.example.org" }, { "host": "10.0.0.1" }, { "host": "a.localhost" }, { "host": "ok.example.org" }, { "host": "OK.example.org." }],
            "limits": { "memory": 1, "processor": 0, "processes": -1, "disk": 9_000_000_000_000_000_i64 },
            "health": { "path": "/a\r\nX: y", "status": ["600"], "start_seconds": 0, "every_seconds": 1, "failures": 1 },
            "backup_schedule": { "at": "02:00", "keep_days": 0, "keep_weeks": 0, "keep_months": 0 },
        })).await.expect(422);
        assert_eq!(fields(&wrong), [
            "environment.0.name", "environment.1.name", "environment.2.name",
            "domains.0.host", "domains.1.host", "domains.2.host", "domains.4.host",
            "limits.memory", "limits.processor", "limits.processes", "limits.disk",
            "health.path", "health.status", "health.start_seconds", "backup_schedule",
        ]);
        // What touches the server itself doesn't exist.
        for body in [
            json!({ "mounts": ["/etc:/etc"] }), json!({ "options": ["--privileged"] }), json!({ "is_protected": false }),
            json!({ "stage": "staging" }), json!({ "limits": { "memory": 134_217_728, "swap": 1 } }), json!({ "limits": { "memory": "1 GiB" } }),
            json!({ "limits": { "memory": 1.5e9 } }), json!({ "visibility": "friends" }), json!({ "domains": [{ "host": "a.example", "proof": "mine" }] }),
            json!({ "backup_schedule": { "at": "2:00", "keep_days": 1, "keep_weeks": 0, "keep_months": 0 } }), json!({ "health": {} }),
        ] {
            let _ = olga.client.patch(&path, body).await.expect(422);
        }
        let many: Vec<_> = (0..51).map(|number| json!({ "host": format!("a{number}.example.org") })).collect();
        let _ = olga.client.patch(&path, json!({ "domains": many })).await.expect(422);
        assert!(changes(&olga.client, &path).await.is_empty());
    }

    async fn settings_are_for_whom_the_switch_and_the_instance_are_allowed(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let _ = olga.client.patch(&path, json!({ "domains": [{ "host": "shop.example.org" }] })).await.expect(200);
        let change = changes(&olga.client, &path).await[0]["id"].as_str().unwrap().to_owned();
        let member = workspace.member("Mia Member").await;
        let calls = [
            (Method::GET, path.clone(), None),
            (Method::PATCH, path.clone(), Some(json!({ "visibility": "members" }))),
            (Method::GET, format!("{path}/changes"), None),
            (Method::POST, format!("{path}/changes/{change}/revert"), Some(json!({}))),
            (Method::POST, format!("{path}/domains/shop.example.org/check"), Some(json!({}))),
        ];
        let all_but = json!({ "actions": ["view_projects", "restart_instances", "connect_as_user", "merge_branches",
            "stop_instances", "delete_instances", "manage_backups", "view_logs", "use_ide"], "projects": [], "instances": [instance.to_string()], "servers": [] });
        workspace.grant(&member, all_but).await;
        for (method, path, body) in &calls {
            let refused = member.person.client.send(method.clone(), path, body.clone()).await.expect(403);
            assert_eq!((refused.json()["missing"].clone(), refused.json()["ask"][0]["name"].clone()), (json!(["manage_settings"]), json!("Olga Owner")), "{path}");
        }
        workspace.grant(&member, json!({ "actions": ["manage_settings"], "projects": [], "instances": [], "servers": [] })).await;
        for (method, path, body) in &calls {
            let _ = member.person.client.send(method.clone(), path, body.clone()).await.expect(404);
        }
        // What owners alone set isn't undone by a member either.
        let _ = olga.client.patch(path.trim_end_matches("/settings"), json!({ "is_protected": true })).await.expect(200);
        workspace.grant(&member, json!({ "actions": ["manage_settings"], "projects": [], "instances": [instance.to_string()], "servers": [] })).await;
        let list = changes(&member.person.client, &path).await;
        assert_eq!((&list[0]["parts"][0]["setting"], &list[0]["can_revert"]), (&json!("protection"), &json!(false)));
        let protected = format!("{path}/changes/{}/revert", list[0]["id"].as_str().unwrap());
        let refused = member.person.client.post(&protected, json!({})).await.expect(403);
        assert_eq!(refused.code().unwrap(), "owner_required");
        let _ = olga.client.post(&protected, json!({})).await.expect(200);
        assert_eq!(olga.client.get(path.trim_end_matches("/settings")).await.expect(200).json()["is_protected"], false);
    }

    async fn a_domain_serves_once_its_proof_is_found_and_no_longer_than_it_is(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let sam = setter(&workspace, &[instance]).await.person.client;
        let claimed = sam.patch(&path, json!({ "domains": [{ "host": "Bücher.Example." }] })).await.expect(200).json();
        let domain = &claimed["domains"][0];
        assert_eq!((&domain["host"], &domain["shown"], &domain["verified_at"]), (&json!("xn--bcher-kva.example"), &json!("bücher.example"), &Value::Null));
        assert_eq!(domain["proof_name"], "_stoa.xn--bcher-kva.example");
        let proof = domain["proof"].as_str().unwrap().to_owned();
        assert!(proof.len() > 30 && claimed["restart_needed"] == false);
        // What is told is taken as it was told, and nobody sets it.
        let now = "2026-01-01T00:00:00.000Z";
        for (wish, wrong) in [
            (json!({ "host": "bücher.example", "proof": proof, "verified_at": null }), None),
            (json!({ "host": "bücher.example", "proof": "stoa-mine" }), Some("proof")),
            (json!({ "host": "bücher.example", "proof": proof, "verified_at": now }), Some("verified_at")),
            (json!({ "host": "other.example", "proof": proof }), Some("proof")),
        ] {
            let answer = sam.patch(&path, json!({ "domains": [wish] })).await.expect(if wrong.is_some() { 422 } else { 200 });
            let field = &answer.json()["errors"][0]["field"];
            assert_eq!(field.as_str(), wrong.map(|field| format!("domains.0.{field}")).as_deref(), "{}", answer.text);
            let seen = sam.get(&path).await.expect(200).json();
            assert_eq!((&seen["domains"][0]["proof"], seen["domains"].as_array().map(Vec::len)), (&json!(proof), Some(1)));
        }
        let host = "xn--bcher-kva.example";
        let serves = async || world.app.find_host(host).await.unwrap().and_then(|record| record.instance).map(|one| one.id);
        assert_eq!(serves().await, None, "nobody's until it is proved");
        let check = format!("{path}/domains/{host}/check");
        let missing = sam.post(&check, json!({})).await.expect(200).json();
        assert_eq!((&missing["verified_at"], &missing["problem"]), (&Value::Null, &json!("_stoa.xn--bcher-kva.example has no TXT record yet.")));
        world.names.set("_stoa.xn--bcher-kva.example", &["stoa-somebody-elses"]);
        let _ = sam.post(&check, json!({})).await.expect(200);
        assert_eq!(serves().await, None);
        world.names.set("_stoa.xn--bcher-kva.example", &["v=spf1", &proof]);
        let found = sam.post(&check, json!({})).await.expect(200).json();
        assert!(found["verified_at"].is_string() && found["problem"].is_null(), "{found}");
        let told = json!({ "host": host, "proof": proof, "verified_at": found["verified_at"] });
        let kept = sam.patch(&path, json!({ "domains": [told] })).await.expect(200).json();
        assert_eq!(kept["domains"][0]["verified_at"], found["verified_at"], "{kept}");
        assert_eq!(serves().await, Some(instance));
        // That nobody answers takes nothing away; that the proof is gone does.
        world.names.silence("_stoa.xn--bcher-kva.example");
        let silent = sam.post(&check, json!({})).await.expect(200).json();
        assert!(silent["verified_at"].is_string() && silent["problem"].is_string());
        assert_eq!(serves().await, Some(instance));
        world.names.set("_stoa.xn--bcher-kva.example", &[]);
        world.clock.pass_seconds(4000);
        world.app.check_due_domains().await.unwrap();
        assert_eq!(serves().await, None, "it is looked for again without being asked");
        let audit = olga.client.get(&workspace.path("/audit?action=settings.domain_lost")).await.expect(200).json();
        assert_eq!(audit["items"].as_array().unwrap().len(), 1);
        world.names.set("_stoa.xn--bcher-kva.example", &[&proof]);
        world.clock.pass_seconds(4000);
        world.app.check_due_domains().await.unwrap();
        assert_eq!(serves().await, Some(instance));
        let _ = sam.patch(&path, json!({ "domains": [] })).await.expect(200);
        assert_eq!(serves().await, None, "what is removed stops serving at once");
        let _ = sam.post(&check, json!({})).await.expect(404);
        let again = sam.patch(&path, json!({ "domains": [{ "host": host }] })).await.expect(200).json();
        assert_ne!(again["domains"][0]["proof"], proof.as_str(), "and is claimed anew with another proof");
        for _ in 0..30 {
            let _ = sam.post(&check, json!({})).await;
        }
        let refused = sam.post(&check, json!({})).await.expect(429);
        assert_eq!(refused.code().unwrap(), "too_many_requests");
    }

    async fn a_domain_is_one_instances_and_is_taken_only_where_both_are_allowed(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (shop, path) = made(&workspace).await;
        let about = olga.client.get(path.trim_end_matches("/settings")).await.expect(200).json();
        let (project, server) = (about["project"]["id"].as_str().unwrap(), about["server"]["id"].as_str().unwrap());
        let other = workspace.instance(project, server, "Other", "development", "main").await;
        let other_path = workspace.path(&format!("/instances/{other}/settings"));
        let claim = json!({ "domains": [{ "host": "shop.example.org" }] });
        let claimed = olga.client.patch(&path, claim.clone()).await.expect(200).json();
        let proof = claimed["domains"][0]["proof"].as_str().unwrap().to_owned();
        world.names.set("_stoa.shop.example.org", &[&proof]);
        world.app.check_due_domains().await.unwrap();

        let sam = setter(&workspace, &[other]).await;
        let refused = sam.person.client.patch(&other_path, claim.clone()).await.expect(409);
        assert_eq!(refused.code().unwrap(), "conflict");
        // So is another workspace, though it is the same people's.
        let second = world.workspace(&olga, "Second").await;
        let (_, elsewhere) = made(&second).await;
        let alike = olga.client.patch(&elsewhere, claim.clone()).await.expect(409);
        assert_eq!(alike.json(), refused.json());
        workspace.grant(&sam, json!({ "actions": ["manage_settings"], "projects": [], "instances": [other.to_string(), shop.to_string()], "servers": [] })).await;
        let taken = sam.person.client.patch(&other_path, claim.clone()).await.expect(200).json();
        assert!(taken["domains"][0]["verified_at"].is_string(), "its proof is the workspace's, and goes along");
        assert_eq!(sam.person.client.get(&path).await.expect(200).json()["domains"], json!([]));
        let lost = changes(&sam.person.client, &path).await;
        assert_eq!((&lost[0]["parts"][0]["turn"], &lost[0]["by"]["name"]), (&json!("removed"), &json!("Sam Setter")));
        let host = world.app.find_host("shop.example.org").await.unwrap().unwrap();
        assert_eq!(host.instance.unwrap().id, other);

        // A claim that nobody proves keeps others from it for three days.
        let _ = olga.client.patch(&path, json!({ "domains": [{ "host": "never.example.org" }] })).await.expect(200);
        let never = json!({ "domains": [{ "host": "shop.example.org" }, { "host": "never.example.org" }] });
        workspace.grant(&sam, json!({ "actions": ["manage_settings"], "projects": [], "instances": [other.to_string()], "servers": [] })).await;
        let _ = sam.person.client.patch(&other_path, never.clone()).await.expect(409);
        world.clock.pass_seconds(3 * 24 * 3600 + 1);
        let _ = sam.person.client.patch(&other_path, never).await.expect(200);
        assert_eq!(olga.client.get(&path).await.expect(200).json()["domains"], json!([]));
    }

    async fn an_unproved_claim_gains_no_time_by_being_made_again(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let second = world.workspace(&olga, "Second").await;
        let (_, elsewhere) = made(&second).await;
        let claim = json!({ "domains": [{ "host": "shop.example.org" }] });
        let _ = olga.client.patch(&path, claim.clone()).await.expect(200);
        world.clock.pass_seconds(2 * 24 * 3600);
        for body in [json!({ "domains": [] }), claim.clone()] {
            let _ = olga.client.patch(&path, body).await.expect(200);
        }
        let _ = olga.client.patch(&elsewhere, claim.clone()).await.expect(409);
        world.clock.pass_seconds(24 * 3600 + 1);
        let _ = olga.client.patch(&elsewhere, claim.clone()).await.expect(200);
        // Given up, it is anybody's at once.
        let _ = olga.client.patch(&elsewhere, json!({ "domains": [] })).await.expect(200);
        let _ = olga.client.patch(&path, claim).await.expect(200);
    }

    async fn a_deleted_instances_unproved_claims_block_nobody(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let second = world.workspace(&olga, "Second").await;
        let (_, elsewhere) = made(&second).await;
        let both = json!({ "domains": [{ "host": "proved.example.org" }, { "host": "typed.example.org" }] });
        let claimed = olga.client.patch(&path, both).await.expect(200).json();
        world.names.set("_stoa.proved.example.org", &[claimed["domains"][0]["proof"].as_str().unwrap()]);
        world.app.check_due_domains().await.unwrap();
        let about = path.trim_end_matches("/settings");
        let name = olga.client.get(about).await.expect(200).json()["name"].as_str().unwrap().to_owned();
        let _ = olga.client.delete(about, Some(json!({ "confirm": name }))).await.expect(202);
        world.drain().await;
        let _ = olga.client.patch(&elsewhere, json!({ "domains": [{ "host": "typed.example.org" }] })).await.expect(200);
        // What it had proved rests for a while.
        let _ = olga.client.patch(&elsewhere, json!({ "domains": [{ "host": "proved.example.org" }] })).await.expect(409);
    }

    async fn domains_whose_dns_is_silent_keep_nobody_elses_waiting(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let silent: Vec<_> = (0..20).map(|number| json!({ "host": format!("s{number}.example.org") })).collect();
        let _ = olga.client.patch(&path, json!({ "domains": silent })).await.expect(200);
        for number in 0..20 {
            world.names.silence(&format!("_stoa.s{number}.example.org"));
        }
        world.clock.pass_seconds(1);
        let before = world.names.asked().len();
        world.app.check_due_domains().await.unwrap();
        assert_eq!(world.names.asked().len(), before + 4, "no more of a workspace in one round");
        // Who doesn't answer is asked again later than who has no proof yet.
        world.clock.pass_seconds(120);
        for _ in 0..10 {
            world.app.check_due_domains().await.unwrap();
        }
        assert_eq!(world.names.asked().len(), before + 20);
    }

    async fn a_revert_is_checked_as_a_change_is(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let hosts = |range: std::ops::Range<usize>| -> Vec<_> {
            range.map(|number| json!({ "host": format!("a{number}.example.org") })).collect()
        };
        let variables = |range: std::ops::Range<usize>| -> Vec<_> {
            range.map(|number| json!({ "name": format!("V{number}"), "value": "1", "secret": false })).collect()
        };
        let set = async |body: Value| { let _ = olga.client.patch(&path, body).await.expect(200); };
        set(json!({ "domains": hosts(0..1), "environment": variables(0..1) })).await;
        set(json!({ "domains": [], "environment": [] })).await;
        let change = changes(&olga.client, &path).await[0]["id"].as_str().unwrap().to_owned();
        set(json!({ "environment": variables(1..501) })).await;
        let revert = format!("{path}/changes/{change}/revert");
        assert_eq!(fields(&olga.client.post(&revert, json!({})).await.expect(422)), ["environment"]);
        set(json!({ "environment": [], "domains": hosts(1..51) })).await;
        assert_eq!(fields(&olga.client.post(&revert, json!({})).await.expect(422)), ["domains"]);
        set(json!({ "domains": [] })).await;
        let _ = olga.client.post(&revert, json!({})).await.expect(200);
    }

    async fn a_schedule_is_changed_only_from_what_it_was(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let path = format!("{}/backup-schedule", path.trim_end_matches("/settings"));
        let tag = olga.client.get(&path).await.expect(200).headers[ETAG].to_str().unwrap().to_owned();
        let body = |at: &str| json!({ "schedule": { "at": at, "keep_days": 7, "keep_weeks": 0, "keep_months": 0 } });
        let put = async |at: &str| {
            let mut request = olga.client.request(Method::PUT, &path, Some(&body(at)));
            request.headers_mut().insert(IF_MATCH, tag.parse().unwrap());
            olga.client.send_request(request).await
        };
        let _ = put("02:00").await.expect(200);
        let _ = put("03:00").await.expect(412);
        assert_eq!(olga.client.get(&path).await.expect(200).json()["schedule"]["at"], "02:00");
    }

    async fn a_new_production_instance_is_protected_until_an_owner_lifts_it(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        for (name, stage, is_protected) in [("Live", "production", true), ("Test", "staging", false), ("Try", "development", false)] {
            let made = workspace.instance(&project, &server, name, stage, "main").await;
            let path = workspace.path(&format!("/instances/{made}"));
            assert_eq!(olga.client.get(&path).await.expect(200).json()["is_protected"], is_protected, "{name}");
            if is_protected {
                let refused = olga.client.delete(&path, Some(json!({ "confirm": name }))).await.expect(409);
                assert_eq!(refused.code().unwrap(), "production_protected");
                let _ = olga.client.patch(&path, json!({ "is_protected": false })).await.expect(200);
                let list = changes(&olga.client, &format!("{path}/settings")).await;
                assert_eq!((&list[0]["parts"][0]["before"], &list[0]["parts"][0]["after"]), (&json!("true"), &json!("false")));
                let _ = olga.client.delete(&path, Some(json!({ "confirm": name }))).await.expect(202);
            }
        }
    }
}
