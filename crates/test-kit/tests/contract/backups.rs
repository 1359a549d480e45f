//! Backups: made, seen, read, brought back and removed; by whom, and when by themselves.

use http::Method;
use http::header::RANGE;
use serde_json::{Value, json};
use stoa_app::ports::Progress;
use stoa_domain::InstanceId;
use test_kit::on_both_databases;
use test_kit::world::{PASSWORD, Workspace, World};

/// The path of a running instance. Its backups stand below it.
async fn made(workspace: &Workspace<'_>) -> (InstanceId, String) {
    let server = workspace.server().await;
    let project = workspace.project("Shop", &["main"]).await;
    let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
    (instance, workspace.path(&format!("/instances/{instance}")))
}

/// A backup that is whole. Its id.
async fn backed_up(world: &World, workspace: &Workspace<'_>, path: &str) -> String {
    let client = &workspace.owner.client;
    let begun =
        client.post(&format!("{path}/backups"), json!({ "note": " before the fix " })).await.expect(202);
    // The backup as it is seen, with its job in the place of that one's id.
    let mut object = begun.json();
    let job = object["job"].take();
    assert_eq!((&job["kind"], &job["status"]), (&json!("backup"), &json!("queued")));
    assert!(
        begun
            .header("location")
            .is_some_and(|place| place.ends_with(&format!("/jobs/{}", job["id"].as_str().unwrap())))
    );
    let mut seen =
        client.get(&workspace.path(&format!("/backups/{}", begun.field("id")))).await.expect(200).json();
    assert_eq!(seen["job"].take(), job["id"]);
    assert_eq!(object.as_object_mut().unwrap().remove("backup"), Some(seen["id"].clone()));
    assert_eq!(object, seen);
    world.drain().await;
    let list = client.get(&format!("{path}/backups")).await.expect(200).json();
    let backup = list["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(begun.field("backup"), backup);
    backup
}

async fn listed(workspace: &Workspace<'_>, path: &str) -> Vec<Value> {
    let list = workspace.owner.client.get(&format!("{path}/backups")).await.expect(200).json();
    list["items"].as_array().unwrap().clone()
}

on_both_databases! {
    async fn a_backup_is_made_seen_downloaded_and_removed(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let backup = backed_up(&world, &workspace, &path).await;
        let place = workspace.path(&format!("/backups/{backup}"));
        let seen = olga.client.get(&place).await.expect(200).json();
        assert_eq!((&seen["status"], &seen["cause"], &seen["note"]), (&json!("ready"), &json!("hand"), &json!("before the fix")));
        assert_eq!((&seen["size"], &seen["added"]), (&json!(8192), &json!(1024)));
        assert!(seen["verified_at"].is_string() && seen["expires_at"].is_null(), "{seen}");
        assert_eq!(seen["started_by"]["name"], "Olga Owner");
        assert_eq!(olga.client.get(&path).await.expect(200).field("status"), "running");

        let whole = olga.client.get(&format!("{place}/download")).await.expect(200);
        assert_eq!(whole.header("content-type"), Some("application/zstd"));
        assert_eq!(whole.header("accept-ranges"), Some("bytes"));
        let mut request = olga.client.request(Method::GET, &format!("{place}/download"), None);
        request.headers_mut().insert(RANGE, "bytes=3-".parse().unwrap());
        let rest = olga.client.send_request(request).await.expect(206);
        assert_eq!(rest.text, whole.text[3..]);
        assert_eq!(rest.header("content-range"), Some(format!("bytes 3-{}/{}", whole.text.len() - 1, whole.text.len()).as_str()));

        let mut request = olga.client.request(Method::GET, &format!("{place}/download"), None);
        request.headers_mut().insert(RANGE, "bytes=9999-".parse().unwrap());
        let beyond = olga.client.send_request(request).await.expect(416);
        assert_eq!((beyond.code().as_deref(), beyond.header("content-type")), (Some("range_not_satisfiable"), Some("application/problem+json")));
        assert_eq!(beyond.header("content-range"), Some(format!("bytes */{}", whole.text.len()).as_str()));

        let _ = olga.client.delete(&place, None).await.expect(204);
        let _ = olga.client.get(&place).await.expect(404);
        assert!(listed(&workspace, &path).await.is_empty());
        assert_eq!(world.machines.backups().len(), 1, "its repository is rid of it a moment later");
        world.app.keep_backups().await.unwrap();
        assert!(world.machines.backups().is_empty());
        let _ = instance;
    }

    async fn a_restore_whose_backup_is_gone_by_its_turn_ends_and_says_so(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let backup = backed_up(&world, &workspace, &path).await;
        let restore = async |of: &str| {
            let place = workspace.path(&format!("/backups/{of}/restore"));
            olga.client.post(&place, json!({ "confirm": "Shop" })).await.expect(202).json()["job"]["id"].clone()
        };
        let _ = restore(&backup).await;
        world.drain().await;
        let safety = listed(&workspace, &path).await[0]["id"].as_str().unwrap().to_owned();
        let job = restore(&safety).await;
        world.clock.pass_seconds(40 * 24 * 3600);
        world.app.keep_backups().await.unwrap();
        world.drain().await;
        let again = world.nobody().with_cookie(world.sign_in(&olga.email, PASSWORD).await.expect(200).cookie().unwrap());
        let seen = again.get(&workspace.path(&format!("/jobs/{}", job.as_str().unwrap()))).await.expect(200).json();
        assert_eq!(seen["error"]["detail"], "The backup isn't there any more, so nothing was restored.", "{seen}");
    }

    async fn what_is_restored_is_confirmed_by_name_and_backed_up_first(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let backup = backed_up(&world, &workspace, &path).await;
        let place = workspace.path(&format!("/backups/{backup}/restore"));
        let wrong = olga.client.post(&place, json!({ "confirm": "shop" })).await.expect(422);
        assert_eq!(wrong.json()["errors"][0]["field"], "confirm");
        let begun = olga.client.post(&place, json!({ "confirm": "Shop" })).await.expect(202).json();
        assert_eq!(begun["job"]["kind"], "restore");
        let busy = olga.client.post(&place, json!({ "confirm": "Shop" })).await.expect(409);
        assert_eq!(busy.code().unwrap(), "instance_busy");
        let itself = workspace.path(&format!("/backups/{backup}"));
        let in_use = olga.client.delete(&itself, None).await.expect(409);
        assert!(in_use.field("detail").starts_with("This backup is being restored."), "{}", in_use.text);
        world.drain().await;
        assert_eq!(olga.client.get(&path).await.expect(200).field("status"), "running");
        let list = listed(&workspace, &path).await;
        assert_eq!((&list[0]["cause"], &list[0]["status"]), (&json!("before_restore"), &json!("ready")));
        assert!(list[0]["expires_at"].is_string(), "what was replaced is kept for a while");
        let deployments = olga.client.get(&format!("{path}/deployments")).await.expect(200).json();
        assert_eq!((&deployments["items"][0]["cause"], &deployments["items"][0]["status"]), (&json!("restore"), &json!("succeeded")));
    }

    async fn what_fails_is_no_backup_and_says_why(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let failed = || vec![Progress::Failed { code: "disk_full".to_owned(), sentence: "The disk of the server is full.".to_owned(), quote: None }];
        world.machines.answer_next(failed());
        let backup = backed_up(&world, &workspace, &path).await;
        let list = listed(&workspace, &path).await;
        assert_eq!((&list[0]["status"], &list[0]["reason"]), (&json!("failed"), &json!("The disk of the server is full.")));
        assert_eq!(olga.client.get(&path).await.expect(200).field("status"), "running", "the instance goes on");
        let place = workspace.path(&format!("/backups/{backup}"));
        for (verb, body) in [("download", None), ("key", None), ("restore", Some(json!({ "confirm": "Shop" })))] {
            let method = if body.is_some() { Method::POST } else { Method::GET };
            let refused = olga.client.send(method, &format!("{place}/{verb}"), body).await.expect(409);
            assert_eq!(refused.code().unwrap(), "conflict", "{verb}");
        }
        world.send_mails().await;
        let letters = world.mail.sent();
        let told = letters.iter().filter(|letter| letter.subject.contains("Shop couldn't be backed up")).count();
        assert_eq!(told, 1, "its owner is told");
        let _ = olga.client.patch("/api/v1/me", json!({ "mail_on_failure": false })).await.expect(200);
        // Without its last backup nothing is deleted.
        world.machines.answer_next(failed());
        let _ = olga.client.delete(&path, Some(json!({ "confirm": "Shop", "backup": true }))).await.expect(202);
        world.drain().await;
        let _ = olga.client.get(&path).await.expect(200);
        // One that is cancelled before it begins was never there.
        let begun = olga.client.post(&format!("{path}/backups"), json!({})).await.expect(202);
        assert_eq!(listed(&workspace, &path).await[0]["status"], "making");
        let job = begun.header("location").unwrap().to_owned();
        let _ = olga.client.post(&format!("{job}/cancel"), json!({})).await.expect(200);
        let logged = olga.client.get(&workspace.path("/audit?action=job.cancel")).await.expect(200).json();
        assert_eq!(logged["items"][0]["sentence"], "cancelled work on Shop", "{logged}");
        assert!(listed(&workspace, &path).await.iter().all(|one| one["status"] == "failed"));
    }

    async fn what_isnt_sound_about_a_backup_is_said_with_it(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let begun = olga.client.post(&format!("{path}/backups"), json!({})).await.expect(202);
        let warning = "The database shop.db is damaged.";
        world.machines.answer_next(vec![
            Progress::Stored { backup: begun.field("backup").parse().unwrap(), snapshot: "ab".repeat(32), size: 1, added: 1, warning: Some(warning.to_owned()) },
            Progress::Succeeded { release: None, size: 0, connect_as: None },
        ]);
        world.drain().await;
        let list = listed(&workspace, &path).await;
        assert_eq!((&list[0]["status"], &list[0]["warning"]), (&json!("ready"), &json!(warning)));
        let _ = backed_up(&world, &workspace, &path).await;
        let list = listed(&workspace, &path).await;
        assert_eq!((&list[0]["warning"], &list[0]["is_reachable"]), (&Value::Null, &json!(true)));
    }

    async fn what_an_attempt_had_made_isnt_there_until_the_next_has_made_it_anew(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        for (ends, left) in [("cancelled", None), ("failed", Some("failed")), ("succeeded", Some("ready"))] {
            let _ = olga.client.post(&format!("{path}/backups"), json!({})).await.expect(202);
            let backup = listed(&workspace, &path).await[0]["id"].as_str().unwrap().to_owned();
            // It is stored, and then whoever was at it is gone.
            let stored = || Progress::Stored { backup: backup.parse().unwrap(), snapshot: "ab".repeat(32), size: 1, added: 1, warning: None };
            world.machines.answer_next(vec![stored()]);
            world.drain().await;
            assert_eq!(listed(&workspace, &path).await[0]["status"], "ready");
            world.machines.answer_next(vec![match ends {
                "cancelled" => Progress::Cancelled,
                "failed" => Progress::Failed { code: "failed".to_owned(), sentence: "It failed.".to_owned(), quote: None },
                _ => Progress::Succeeded { release: None, size: 0, connect_as: None },
            }]);
            world.clock.pass_seconds(60);
            world.drain().await;
            let list = listed(&workspace, &path).await;
            let found = list.iter().find(|one| one["id"] == backup.as_str());
            assert_eq!(found.and_then(|one| one["status"].as_str()), left, "{ends}: {list:?}");
        }
    }

    async fn backups_are_for_whom_the_switch_and_the_instance_are_allowed(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let backup = backed_up(&world, &workspace, &path).await;
        let place = workspace.path(&format!("/backups/{backup}"));
        let project = olga.client.get(&path).await.expect(200).json()["project"]["id"].as_str().unwrap().to_owned();
        let server = olga.client.get(&path).await.expect(200).json()["server"]["id"].as_str().unwrap().to_owned();
        let other = workspace.instance(&project, &server, "Other", "development", "main").await;
        let member = workspace.member("Bea Backup").await;
        let client = &member.person.client;
        let calls = [
            (Method::GET, format!("{path}/backups"), None),
            (Method::POST, format!("{path}/backups"), Some(json!({}))),
            (Method::GET, place.clone(), None),
            (Method::GET, format!("{place}/download"), None),
            (Method::POST, format!("{place}/restore"), Some(json!({ "confirm": "Shop" }))),
            (Method::DELETE, place.clone(), None),
        ];
        for (method, path, body) in &calls {
            let _ = client.send(method.clone(), path, body.clone()).await.expect(404);
        }
        workspace.grant(&member, json!({ "actions": ["view_logs", "manage_settings"], "instances": [instance.to_string()] })).await;
        for (method, path, body) in &calls {
            let refused = client.send(method.clone(), path, body.clone()).await.expect(403);
            assert_eq!((refused.code().unwrap(), &refused.json()["missing"]), ("permission_denied".to_owned(), &json!(["manage_backups"])));
        }
        workspace.grant(&member, json!({ "actions": ["manage_backups"], "instances": [instance.to_string()] })).await;
        // Both instances have to be allowed, and one that isn't is answered like none.
        for into in [other.to_string(), "other".to_owned(), "nobodys".to_owned()] {
            let body = json!({ "into": into, "confirm": "Other" });
            let _ = client.post(&format!("{place}/restore"), body).await.expect(404);
        }
        let refused = client.get(&format!("{place}/key")).await.expect(403);
        assert_eq!(refused.code().unwrap(), "owner_required");
        for (method, path, body) in &calls {
            let answer = client.send(method.clone(), path, body.clone()).await;
            assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text);
            world.drain().await;
        }
        // With both it is restored into the other.
        workspace.grant(&member, json!({ "actions": ["manage_backups"], "instances": [instance.to_string(), other.to_string()] })).await;
        let backup = listed(&workspace, &path).await[0]["id"].as_str().unwrap().to_owned();
        let body = json!({ "into": other.to_string(), "confirm": "Other" });
        let begun = client.post(&workspace.path(&format!("/backups/{backup}/restore")), body).await.expect(202).json();
        assert_eq!(begun["id"], json!(other.to_string()));
    }

    async fn a_restore_that_waits_needs_where_it_comes_from_still(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let backup = backed_up(&world, &workspace, &path).await;
        let seen = olga.client.get(&path).await.expect(200).json();
        let id = |of: &str| seen[of]["id"].as_str().unwrap().to_owned();
        let other = workspace.instance(&id("project"), &id("server"), "Other", "development", "main").await;
        let member = workspace.member("Bea Backup").await;
        let both = [instance.to_string(), other.to_string()];
        workspace.grant(&member, json!({ "actions": ["manage_backups"], "instances": both })).await;
        let body = json!({ "into": other.to_string(), "confirm": "Other" });
        let place = workspace.path(&format!("/backups/{backup}/restore"));
        let _ = member.person.client.post(&place, body.clone()).await.expect(202);
        workspace.grant(&member, json!({ "actions": ["manage_backups"], "instances": [other.to_string()] })).await;
        world.drain().await;
        let jobs = olga.client.get(&workspace.path(&format!("/jobs?instance={other}"))).await.expect(200).json();
        let restore = jobs["items"].as_array().unwrap().iter().find(|job| job["kind"] == "restore").unwrap().clone();
        assert_eq!(restore["status"], "cancelled", "{restore}");
        let list = olga.client.get(&workspace.path(&format!("/instances/{other}/backups"))).await.expect(200).json();
        assert_eq!(list["items"], json!([]), "it never began");
    }

    async fn a_backup_goes_into_no_instance_of_another_project(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let backup = backed_up(&world, &workspace, &path).await;
        let server = olga.client.get(&path).await.expect(200).json()["server"]["id"].as_str().unwrap().to_owned();
        let project = workspace.project("Blog", &["main"]).await;
        let blog = workspace.instance(&project, &server, "Blog", "staging", "main").await;
        let body = json!({ "into": blog.to_string(), "confirm": "Blog" });
        let refused = olga.client.post(&workspace.path(&format!("/backups/{backup}/restore")), body).await.expect(409);
        assert!(refused.json()["detail"].as_str().unwrap().contains("another project"));
    }

    async fn the_backups_of_a_deleted_instance_are_its_owners_for_thirty_days(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let member = workspace.member("Bea Backup").await;
        workspace.grant(&member, json!({ "actions": ["manage_backups", "delete_instances"], "instances": [instance.to_string()] })).await;
        let backup = backed_up(&world, &workspace, &path).await;
        let _ = member.person.client.delete(&path, Some(json!({ "confirm": "Shop", "backup": true }))).await.expect(202);
        world.drain().await;
        let _ = olga.client.get(&path).await.expect(404);
        let deleted = workspace.path("/backups?deleted=true");
        let list = olga.client.get(&deleted).await.expect(200).json();
        let causes: Vec<_> = list["items"].as_array().unwrap().iter().map(|one| one["cause"].clone()).collect();
        assert_eq!(causes, [json!("before_delete"), json!("hand")]);
        assert!(list["items"][0]["instance"]["is_deleted"].as_bool().unwrap());
        assert_eq!(member.person.client.get(&deleted).await.expect(403).code().unwrap(), "owner_required");
        let place = workspace.path(&format!("/backups/{backup}"));
        let _ = member.person.client.get(&place).await.expect(404);
        let _ = member.person.client.get(&format!("{place}/download")).await.expect(404);
        let _ = olga.client.get(&format!("{place}/download")).await.expect(200);
        let _ = olga.client.get(&workspace.path("/backups?deleted=false")).await.expect(422);

        world.clock.pass_seconds(29 * 24 * 3600);
        world.app.keep_backups().await.unwrap();
        assert_eq!(world.machines.backups().len(), 2);
        let olga = world.sign_in("olga@example.com", test_kit::world::PASSWORD).await;
        let client = world.nobody().with_cookie(olga.cookie().unwrap());
        assert_eq!(client.get(&deleted).await.expect(200).json()["items"].as_array().unwrap().len(), 2);
        world.clock.pass_seconds(2 * 24 * 3600);
        world.app.keep_backups().await.unwrap();
        assert!(world.machines.backups().is_empty());
    }

    async fn what_is_made_again_of_a_backup_has_the_limits_the_health_check_and_the_schedule_that_it_had(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let bare = backed_up(&world, &workspace, &path).await;
        let health = json!({ "path": "/up", "status": ["2xx"], "start_seconds": 30, "every_seconds": 5, "failures": 2 });
        let schedule = json!({ "at": "13:00", "keep_days": 2, "keep_weeks": 1, "keep_months": 0 });
        let limits = json!({ "memory": 268_435_456, "processor": 500, "processes": null, "disk": null });
        let change = json!({ "limits": { "memory": 268_435_456, "processor": 500 }, "health": health, "backup_schedule": schedule, "domains": [{ "host": "shop.example.org" }] });
        let _ = olga.client.patch(&format!("{path}/settings"), change).await.expect(200);
        let whole = backed_up(&world, &workspace, &path).await;
        let set = async |path: &str| {
            let seen = olga.client.get(&format!("{path}/settings")).await.expect(200).json();
            ["limits", "health", "backup_schedule", "domains"].map(|of| seen[of].clone())
        };
        // What is there already keeps its own.
        let _ = olga.client.post(&workspace.path(&format!("/backups/{bare}/restore")), json!({ "confirm": "Shop" })).await.expect(202);
        world.drain().await;
        assert_eq!(set(&path).await[..3], [limits.clone(), health.clone(), schedule.clone()]);
        let shop = olga.client.get(&path).await.expect(200).json();
        let _ = olga.client.delete(&path, Some(json!({ "confirm": "Shop" }))).await.expect(202);
        world.drain().await;
        let again = async |name: &str, stage: &str, backup: &str| {
            let body = json!({ "name": name, "project": shop["project"]["id"], "server": shop["server"]["id"], "stage": stage, "branch": "main", "from_backup": backup });
            let made = olga.client.post(&workspace.path("/instances"), body).await.expect(202).json();
            world.drain().await;
            made["id"].as_str().unwrap().to_owned()
        };
        let id = again("Shop", "staging", &whole).await;
        let anew = workspace.path(&format!("/instances/{id}"));
        assert_eq!(set(&anew).await, [limits.clone(), health.clone(), schedule, json!([])], "a domain is proved anew");
        let form = world.machines.form(id.parse().unwrap()).unwrap();
        assert_eq!((form.limits.memory, form.limits.processor, form.limits.disk), (Some(268_435_456), Some(500), None));
        assert_eq!(form.health.map(|health| (health.path, health.failures)), Some(("/up".to_owned(), 2)), "from its first start on");
        world.clock.pass_seconds(3600);
        world.app.keep_backups().await.unwrap();
        world.drain().await;
        let made = world.machines.backups().len();
        let plain = again("Plain", "staging", &bare).await;
        let none = json!({ "memory": null, "processor": null, "processes": null, "disk": null });
        assert_eq!(set(&workspace.path(&format!("/instances/{plain}"))).await, [none, Value::Null, Value::Null, json!([])]);
        assert_eq!(made, 4, "by itself, at its time");
        let copy = again("Copy", "development", &whole).await;
        let copied = set(&workspace.path(&format!("/instances/{copy}"))).await;
        assert_eq!(copied, [limits, health, Value::Null, json!([])], "at another stage nobody has asked for backups");
    }

    async fn what_is_made_of_a_backup_never_runs_without_its_data(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, shop) = made(&workspace).await;
        let backup = backed_up(&world, &workspace, &shop).await;
        let shown = olga.client.get(&shop).await.expect(200).json();
        let project = shown["project"]["id"].as_str().unwrap();
        let body = json!({ "name": "Copy", "project": project, "server": shown["server"]["id"], "stage": "staging", "branch": "main", "from_backup": backup });
        let made = olga.client.post(&workspace.path("/instances"), body).await.expect(202).json();
        let path = workspace.path(&format!("/instances/{}", made["id"].as_str().unwrap()));
        // A push while its data is being brought waits for that, and falls with it.
        world.repositories.commit(project.parse().unwrap(), "main", "second on main");
        world.app.compare_heads().await.unwrap();
        let carried = || world.machines.carried().iter().filter(|one| format!("{one:?}").contains("Deploy")).count();
        world.machines.answer_next(vec![Progress::Failed { code: "failed".to_owned(), sentence: "The repository is damaged.".to_owned(), quote: None }]);
        world.drain().await;
        let seen = olga.client.get(&path).await.expect(200).json();
        assert_eq!((&seen["status"], &seen["reason"]), (&json!("failed"), &json!("The repository is damaged.")), "{seen}");
        assert_eq!((&seen["lacks_data"], &seen["made_of"]), (&json!(true), &json!(backup)), "{seen}");
        assert_eq!(seen["blocked"]["connect_as"], seen["blocked"]["deploy"], "{seen}");
        let jobs = olga.client.get(&workspace.path(&format!("/jobs?instance={}", made["id"].as_str().unwrap()))).await.expect(200).json();
        assert_eq!((&jobs["items"][0]["kind"], &jobs["items"][0]["status"]), (&json!("deploy"), &json!("cancelled")), "{jobs}");
        let before = carried();
        // Nor does anything else begin it.
        world.repositories.commit(project.parse().unwrap(), "main", "third on main");
        world.app.compare_heads().await.unwrap();
        for (verb, body) in [("deploy", json!({})), ("start", json!({})), ("restart", json!({ "mode": "hard" }))] {
            let refused = olga.client.post(&format!("{path}/{verb}"), body).await.expect(409);
            assert!(refused.json()["detail"].as_str().unwrap().contains("data isn't in it"), "{verb}: {}", refused.text);
            assert_eq!(seen["blocked"][verb]["detail"], refused.json()["detail"], "{verb}: {seen}");
        }
        world.drain().await;
        assert_eq!(olga.client.get(&path).await.expect(200).field("status"), "failed");
        assert_eq!(carried(), before + 1, "the shop's own alone");
        // Until its data is there.
        let _ = olga.client.post(&workspace.path(&format!("/backups/{backup}/restore")), json!({ "into": made["id"], "confirm": "Copy" })).await.expect(202);
        world.drain().await;
        let seen = olga.client.get(&path).await.expect(200).json();
        assert_eq!((&seen["status"], &seen["blocked"]["deploy"]), (&json!("running"), &Value::Null), "{seen}");
        assert_eq!((&seen["lacks_data"], &seen["made_of"]), (&json!(false), &json!(backup)), "{seen}");
        let _ = olga.client.post(&format!("{path}/deploy"), json!({})).await.expect(202);
        world.drain().await;
        assert_eq!(olga.client.get(&path).await.expect(200).field("status"), "running");
    }

    async fn where_its_project_is_gone_a_backup_goes_into_another(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        let environment = json!({ "environment": [{ "name": "GREETING", "value": "hello", "secret": false }] });
        let _ = olga.client.put(&format!("{path}/environment"), environment).await.expect(200);
        let backup = backed_up(&world, &workspace, &path).await;
        let shop = olga.client.get(&path).await.expect(200).json();
        let (first, server) = (shop["project"]["id"].as_str().unwrap().to_owned(), shop["server"]["id"].as_str().unwrap().to_owned());
        let _ = olga.client.delete(&path, Some(json!({ "confirm": "Shop" }))).await.expect(202);
        world.drain().await;
        let second = workspace.project("Shop anew", &["main"]).await;
        let body = |branch: &str| json!({ "name": "Shop", "project": second, "server": server, "stage": "staging", "branch": branch, "from_backup": backup });
        let refused = olga.client.post(&workspace.path("/instances"), body("main")).await.expect(409);
        assert!(refused.json()["detail"].as_str().unwrap().contains("another project"), "it is there still");
        let place = workspace.path(&format!("/backups/{backup}"));
        assert_eq!(olga.client.get(&place).await.expect(200).json()["project"]["is_deleted"], false);
        let _ = olga.client.delete(&workspace.path(&format!("/projects/{first}")), None).await.expect(204);
        let deleted = olga.client.get(&workspace.path("/backups?deleted=true")).await.expect(200).json();
        assert_eq!((&deleted["items"][0]["id"], &deleted["items"][0]["project"]["is_deleted"]), (&json!(backup), &json!(true)));
        let refused = olga.client.post(&workspace.path("/instances"), body("nowhere")).await.expect(409);
        assert!(refused.json()["detail"].as_str().unwrap().contains("no such branch"), "{}", refused.text);
        let made = olga.client.post(&workspace.path("/instances"), body("main")).await.expect(202).json();
        world.drain().await;
        let anew = workspace.path(&format!("/instances/{}", made["id"].as_str().unwrap()));
        let seen = olga.client.get(&anew).await.expect(200).json();
        let head = olga.client.get(&workspace.path(&format!("/projects/{second}/commits"))).await.expect(200).json()["items"][0]["id"].clone();
        assert_eq!((&seen["status"], &seen["commit"]), (&json!("running"), &head), "{seen}");
        let form = world.machines.form(made["id"].as_str().unwrap().parse().unwrap()).unwrap();
        assert!(form.variables.iter().any(|(name, value)| name == "GREETING" && value.reveal_text().unwrap() == "hello"));
        // Into what is there, too: of the owners, to whom alone it is shown.
        let member = workspace.member("Bea Backup").await;
        workspace.grant(&member, json!({ "actions": ["manage_backups"], "instances": [made["id"]] })).await;
        let into = json!({ "into": made["id"], "confirm": "Shop" });
        let _ = member.person.client.post(&format!("{place}/restore"), into.clone()).await.expect(404);
        let _ = olga.client.post(&format!("{place}/restore"), into).await.expect(202);
        world.drain().await;
        assert_eq!(olga.client.get(&anew).await.expect(200).field("status"), "running");
    }

    async fn an_instance_that_is_made_of_productions_backup_has_other_secrets_sends_no_mail_and_is_for_members(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let production = workspace.instance(&project, &server, "Shop", "production", "main").await;
        let path = workspace.path(&format!("/instances/{production}"));
        let environment = json!({ "environment": [
            { "name": "GREETING", "value": "hello", "secret": false }, { "name": "API_KEY", "value": "of production", "secret": true },
        ] });
        let _ = olga.client.put(&format!("{path}/environment"), environment).await.expect(200);
        let backup = backed_up(&world, &workspace, &path).await;
        let create = async |name: &str, stage: &str, more: Value| {
            let mut body = json!({ "name": name, "project": project, "server": server, "stage": stage, "branch": "main", "from_backup": backup });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let made = olga.client.post(&workspace.path("/instances"), body).await.expect(202).json();
            assert_eq!(made["job"]["kind"], "restore");
            world.drain().await;
            made
        };
        let form = |made: &Value| {
            let form = world.machines.form(made["id"].as_str().unwrap().parse().unwrap()).unwrap();
            form.variables.iter().map(|(name, value)| (name.clone(), value.reveal_text().unwrap().to_owned())).collect::<std::collections::BTreeMap<_, _>>()
        };
        let staging = create("Copy", "staging", json!({ "environment": [{ "name": "API_KEY", "value": "of staging", "secret": true }] })).await;
        assert_eq!(staging["visibility"], "members");
        let seen = olga.client.get(&workspace.path("/instances/copy")).await.expect(200).json();
        assert_eq!(seen["status"], "running");
        let variables = form(&staging);
        assert_eq!((variables["GREETING"].as_str(), variables["API_KEY"].as_str(), variables["STOA_MAIL"].as_str()), ("hello", "of staging", "off"));
        // Without one of its own it has none.
        let second = form(&create("Second", "development", json!({})).await);
        assert!(!second.contains_key("API_KEY") && second["STOA_MAIL"] == "off", "{second:?}");
        // What is there already, too, before anything of it is there; and what is made of that.
        let existing = workspace.instance(&project, &server, "Existing", "staging", "main").await;
        assert!(!form(&json!({ "id": existing.to_string() })).contains_key("STOA_MAIL"));
        let place = workspace.path("/instances/existing/settings");
        assert_eq!(olga.client.get(&place).await.expect(200).json()["is_mail_off"], false);
        let body = json!({ "into": existing.to_string(), "confirm": "Existing" });
        let _ = olga.client.post(&workspace.path(&format!("/backups/{backup}/restore")), body).await.expect(202);
        assert_eq!(olga.client.get(&place).await.expect(200).json()["is_mail_off"], true);
        world.drain().await;
        assert_eq!(form(&json!({ "id": existing.to_string() }))["STOA_MAIL"], "off");
        let of_copy = backed_up(&world, &workspace, &workspace.path("/instances/copy")).await;
        let other = workspace.instance(&project, &server, "Other", "staging", "main").await;
        let body = json!({ "into": other.to_string(), "confirm": "Other" });
        let _ = olga.client.post(&workspace.path(&format!("/backups/{of_copy}/restore")), body).await.expect(202);
        world.drain().await;
        assert_eq!(form(&json!({ "id": other.to_string() }))["STOA_MAIL"], "off");
        // A copy that is deleted and made again of its last backup holds production's data as before.
        let copy = workspace.path("/instances/copy");
        let _ = olga.client.delete(&copy, Some(json!({ "confirm": "Copy" }))).await.expect(202);
        world.drain().await;
        let deleted = olga.client.get(&workspace.path("/backups?deleted=true")).await.expect(200).json();
        let kept = deleted["items"].as_array().unwrap().iter().find(|one| one["id"] == of_copy.as_str()).unwrap();
        assert_eq!((&kept["stage"], &kept["is_of_production"]), (&json!("staging"), &json!(true)));
        let again = form(&create("Copy", "staging", json!({ "from_backup": of_copy })).await);
        assert_eq!(again["STOA_MAIL"], "off");
        // Production itself goes on to write, whatever is brought back into it.
        let body = json!({ "confirm": "Shop" });
        let _ = olga.client.post(&workspace.path(&format!("/backups/{backup}/restore")), body).await.expect(202);
        world.drain().await;
        assert!(!form(&json!({ "id": production.to_string() })).contains_key("STOA_MAIL"));
        // Once production is deleted, it comes again with its secrets.
        let _ = olga.client.patch(&path, json!({ "is_protected": false })).await.expect(200);
        let _ = olga.client.delete(&path, Some(json!({ "confirm": "Shop" }))).await.expect(202);
        world.drain().await;
        let again = form(&create("Shop", "production", json!({})).await);
        assert_eq!((again["API_KEY"].as_str(), again.get("STOA_MAIL")), ("of production", None));
        let third = form(&create("Third", "staging", json!({})).await);
        assert!(!third.contains_key("API_KEY"), "of another stage: other secrets");
    }

    async fn the_key_is_an_owners_kept_by_nobody_and_in_the_audit_log(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let backup = backed_up(&world, &workspace, &path).await;
        let key = olga.client.get(&workspace.path(&format!("/backups/{backup}/key"))).await.expect(200);
        assert_eq!(key.header("cache-control"), Some("no-store"));
        let shown = key.json();
        assert!(shown["password"].as_str().unwrap().len() >= 43);
        assert_eq!(shown["repository"], json!(format!("backups/{instance}")));
        let audit = olga.client.get(&workspace.path("/audit?action=backup.export_key")).await.expect(200);
        assert_eq!(audit.json()["items"][0]["outcome"], "done");
        assert!(!audit.text.contains(shown["password"].as_str().unwrap()));
    }

    async fn backups_are_made_by_themselves_and_thinned_out(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let member = workspace.member("Bea Backup").await;
        let place = format!("{path}/backup-schedule");
        let plan = json!({ "schedule": { "at": "13:00", "keep_days": 2, "keep_weeks": 0, "keep_months": 0 } });
        workspace.grant(&member, json!({ "actions": ["manage_backups"], "instances": [instance.to_string()] })).await;
        let seen = member.person.client.get(&place).await.expect(200).json();
        assert_eq!((&seen["schedule"], &seen["may_change"]), (&json!(null), &json!(false)));
        // It is one of the instance's settings.
        let refused = member.person.client.put(&place, plan.clone()).await.expect(403);
        assert_eq!(refused.json()["missing"], json!(["manage_settings"]));
        workspace.grant(&member, json!({ "actions": ["manage_settings"], "instances": [instance.to_string()] })).await;
        let set = member.person.client.put(&place, plan.clone()).await.expect(200).json();
        assert_eq!((&set["schedule"], &set["next_at"]), (&plan["schedule"], &json!("2026-11-24T13:00:00.000Z")));
        for wrong in [json!("1:00"), json!("24:00")] {
            let body = json!({ "schedule": { "at": wrong, "keep_days": 2, "keep_weeks": 0, "keep_months": 0 } });
            let _ = member.person.client.put(&place, body).await.expect(422);
        }
        let body = json!({ "schedule": { "at": "13:00", "keep_days": 0, "keep_weeks": 0, "keep_months": 0 } });
        let _ = member.person.client.put(&place, body).await.expect(422);

        let count = async || {
            world.app.keep_backups().await.unwrap();
            world.drain().await;
            world.app.keep_backups().await.unwrap();
            world.machines.backups().len()
        };
        assert_eq!(count().await, 0, "it isn't time yet");
        world.clock.pass_seconds(3600);
        assert_eq!(count().await, 1);
        assert_eq!(count().await, 1, "once a day");
        for expected in [2, 2, 2] {
            world.clock.pass_seconds(24 * 3600);
            assert_eq!(count().await, expected);
        }
        let answer = world.sign_in("olga@example.com", test_kit::world::PASSWORD).await;
        let client = world.nobody().with_cookie(answer.cookie().unwrap());
        let list = client.get(&format!("{path}/backups")).await.expect(200).json();
        assert!(list["items"].as_array().unwrap().iter().all(|one| one["cause"] == "schedule" && one["started_by"].is_null()));
        // While something else is done to it, it waits.
        let _ = client.post(&format!("{path}/restart"), json!({ "mode": "soft" })).await.expect(202);
        world.clock.pass_seconds(24 * 3600);
        world.app.keep_backups().await.unwrap();
        let answer = world.sign_in("olga@example.com", test_kit::world::PASSWORD).await;
        let client = world.nobody().with_cookie(answer.cookie().unwrap());
        assert_eq!(client.get(&path).await.expect(200).json()["job"]["kind"], "restart_soft");
        world.drain().await;
        assert_eq!(count().await, 2);
    }
}
