//! Work that goes on after its answer: one at a time for an instance, followed and cancelled.

use std::time::Duration;

use serde_json::json;
use stoa_storage::Place;
use stoa_storage::job::carry::End;
use stoa_storage::job::claim::LEASE_SECONDS;
use test_kit::on_both_databases;
use tokio_util::sync::CancellationToken;

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    tokio::time::timeout(Duration::from_secs(60), async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect(what);
}

on_both_databases! {
    async fn what_is_begun_is_followed_where_the_answer_says(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path(&format!("/instances/{instance}"));
        let begun = olga.client.post(&format!("{path}/restart"), json!({ "mode": "soft" })).await.expect(202);
        let place = begun.header("location").unwrap().to_owned();
        let job = begun.json()["job"].clone();
        assert_eq!((&job["kind"], &job["status"]), (&json!("restart_soft"), &json!("queued")));
        assert!(place.ends_with(&format!("/jobs/{}", job["id"].as_str().unwrap())), "{place}");
        assert_eq!(olga.client.get(&place).await.expect(200).json(), job);
        assert_eq!(olga.client.get(&path).await.expect(200).json()["job"], job);
        world.drain().await;
        let over = olga.client.get(&place).await.expect(200).json();
        assert_eq!((&over["status"], over["ended_at"].is_string()), (&json!("succeeded"), true));
        assert_eq!(olga.client.get(&path).await.expect(200).json()["job"], json!(null));
        let cancelled = olga.client.post(&format!("{place}/cancel"), json!({})).await.expect(409);
        assert_eq!(cancelled.code().unwrap(), "conflict");
    }

    async fn one_thing_at_a_time_is_done_to_an_instance(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path(&format!("/instances/{instance}"));
        let deploy = async || olga.client.post(&format!("{path}/deploy"), json!({})).await.expect(202).json()["job"]["id"].as_str().unwrap().to_owned();
        let status = async |job: &str| olga.client.get(&workspace.path(&format!("/jobs/{job}"))).await.expect(200).field("status");
        let first = deploy().await;
        for (verb, body) in [("restart", json!({ "mode": "hard" })), ("stop", json!({})), ("start", json!({}))] {
            let busy = olga.client.post(&format!("{path}/{verb}"), body).await.expect(409);
            assert_eq!(busy.code().unwrap(), "instance_busy", "{verb}");
        }
        let busy = olga.client.delete(&path, Some(json!({ "confirm": "Shop" }))).await.expect(409);
        assert_eq!(busy.code().unwrap(), "instance_busy");
        let seen = olga.client.get(&path).await.expect(200).json();
        for verb in ["restart", "start", "stop", "delete"] {
            assert!(seen["may"].as_array().unwrap().contains(&json!(verb)), "{verb}");
            assert_eq!(seen["blocked"][verb]["code"], "instance_busy", "{verb}");
        }
        assert_eq!(seen["blocked"].get("deploy"), None);
        // A newer deployment takes the place of the one that waits.
        let second = deploy().await;
        assert_eq!((status(&first).await, status(&second).await), ("cancelled".to_owned(), "queued".to_owned()));
        let deployments = olga.client.get(&format!("{path}/deployments")).await.expect(200).json();
        let of = |job: &str| deployments["items"].as_array().unwrap().iter().find(|one| one["job"] == json!(job)).unwrap()["status"].clone();
        assert_eq!((of(&first), of(&second)), (json!("superseded"), json!("queued")));
        let stopped = olga.client.post(&format!("{path}/stop"), json!({ "cancel": true })).await.expect(202);
        assert_eq!(status(&second).await, "cancelled");
        assert_eq!(stopped.json()["job"]["kind"], "stop");
        world.drain().await;
        assert_eq!(olga.client.get(&path).await.expect(200).field("status"), "stopped");
        let _ = olga.client.delete(&path, Some(json!({ "confirm": "Other" }))).await.expect(422);
        let _ = deploy().await;
        let _ = olga.client.delete(&path, Some(json!({ "confirm": "Shop", "cancel": true }))).await.expect(202);
        world.drain().await;
        assert_eq!(olga.client.get(&path).await.expect(404).code().unwrap(), "not_found");
    }

    async fn of_a_deletion_and_a_deployment_at_once_one_is_done(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        for number in 0..8 {
            let instance = workspace.instance(&project, &server, &format!("Shop {number}"), "staging", "main").await;
            let path = workspace.path(&format!("/instances/{instance}"));
            // The same again, where the deletion cancels what goes on.
            let cancels = number % 2 == 1;
            let confirm = json!({ "confirm": format!("Shop {number}"), "cancel": cancels });
            let (deploying, deletion) = (format!("{path}/deploy"), olga.client.delete(&path, Some(confirm)));
            let (deployed, deleted) = tokio::join!(olga.client.post(&deploying, json!({})), deletion);
            let both = (deployed.status.as_u16(), deleted.status.as_u16());
            let is_deleted = both.1 == 202;
            assert!(both == (409, 202) || both == if cancels { (202, 202) } else { (202, 409) }, "{both:?}");
            for refused in [&deployed, &deleted].into_iter().filter(|answer| answer.status == 409) {
                assert!(matches!(refused.code().unwrap().as_str(), "instance_busy" | "conflict"), "{}", refused.text);
            }
            let open = olga.client.get(&workspace.path("/jobs?status=queued")).await.expect(200).json();
            assert_eq!(open["items"].as_array().unwrap().len(), 1, "{open}");
            world.drain().await;
            let seen = olga.client.get(&path).await;
            assert_eq!(seen.status.as_u16(), if is_deleted { 404 } else { 200 }, "{both:?}: {}", seen.text);
            let carried = world.machines.carried();
            let of_it: Vec<_> = carried.iter().filter(|one| one.instance == instance).collect();
            assert_eq!(of_it.iter().any(|one| one.command == "Delete"), is_deleted, "{of_it:?}");
        }
    }

    async fn a_second_restore_is_refused_while_the_first_waits_or_runs(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path(&format!("/instances/{instance}"));
        let backup = olga.client.post(&format!("{path}/backups"), json!({})).await.expect(202).field("backup");
        world.drain().await;
        let place = workspace.path(&format!("/backups/{backup}/restore"));
        let restore = || olga.client.post(&place, json!({ "confirm": "Shop" }));
        for _ in 0..4 {
            let (one, other) = tokio::join!(restore(), restore());
            let mut statuses = [one.status.as_u16(), other.status.as_u16()];
            statuses.sort_unstable();
            assert_eq!(statuses, [202, 409], "{} {}", one.text, other.text);
            let busy = restore().await.expect(409);
            assert_eq!(busy.code().unwrap(), "instance_busy", "while it waits");
            let claim = world.store.claim_job().await.unwrap().unwrap();
            let _ = world.store.begin_job(&claim).await.unwrap().unwrap();
            assert!(world.store.step_job(&claim, "restore".to_owned(), None).await.unwrap());
            let (one, other) = tokio::join!(restore(), restore());
            for refused in [one, other] {
                assert_eq!(refused.expect(409).code().unwrap(), "instance_busy", "while it runs");
            }
            assert!(world.store.end_job(&claim, End::Cancelled { sentence: None, observed: None }).await.unwrap());
        }
        let _ = restore().await.expect(202);
        world.drain().await;
        assert_eq!(olga.client.get(&path).await.expect(200).field("status"), "running");
    }

    async fn what_a_production_instance_stands_on_is_not_deleted_under_it(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let live = workspace.instance(&project, &server, "Live", "production", "main").await;
        let path = workspace.path(&format!("/instances/{live}"));
        let carried = world.machines.carried();
        for (under, confirm) in [(format!("/projects/{project}"), None), (format!("/servers/{server}"), None), (String::new(), Some(json!({ "confirm": "acme" })))] {
            let refused = olga.client.delete(&workspace.path(&under), confirm).await.expect(409);
            assert_eq!(refused.code().unwrap(), "conflict", "{under}: {}", refused.text);
            world.drain().await;
            assert_eq!(olga.client.get(&path).await.expect(200).field("status"), "running", "{under}");
            let _ = olga.client.get(&workspace.path(&under)).await.expect(200);
        }
        assert_eq!(world.machines.carried().len(), carried.len(), "nothing was done to it");
        let _ = olga.client.post(&format!("{path}/deploy"), json!({})).await.expect(202);
        world.drain().await;
        assert_eq!(olga.client.get(&path).await.expect(200).field("status"), "running");
    }

    async fn what_has_come_too_far_is_cancelled_no_more(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path(&format!("/instances/{instance}"));
        for (verb, step) in [("deploy", "switch"), ("deploy", "settle"), ("stop", "stop")] {
            let begun = olga.client.post(&format!("{path}/{verb}"), json!({})).await.expect(202);
            let cancel = format!("{}/cancel", begun.header("location").unwrap());
            let claim = world.store.claim_job().await.unwrap().unwrap();
            let _ = world.store.begin_job(&claim).await.unwrap().unwrap();
            assert!(world.store.step_job(&claim, step.to_owned(), None).await.unwrap());
            let refused = olga.client.post(&cancel, json!({})).await.expect(409);
            assert!(refused.json()["detail"].as_str().unwrap().contains("too far to be cancelled"), "{verb}: {}", refused.text);
            assert_eq!(world.store.is_job_cancelled(claim.job.id, claim.fence).await.unwrap(), Some(false));
            assert!(world.store.step_job(&claim, "before".to_owned(), None).await.unwrap());
            let _ = olga.client.post(&cancel, json!({})).await.expect(200);
            assert_eq!(world.store.is_job_cancelled(claim.job.id, claim.fence).await.unwrap(), Some(true));
            assert!(world.store.end_job(&claim, End::Cancelled { sentence: None, observed: None }).await.unwrap());
        }
    }

    async fn a_job_is_cancelled_by_whom_its_start_was_allowed(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let tester = workspace.member("Tess Tester").await;
        let path = workspace.path(&format!("/instances/{instance}"));
        let begin = async |verb: &str, body| {
            let begun = olga.client.post(&format!("{path}/{verb}"), body).await.expect(202);
            format!("{}/cancel", begun.header("location").unwrap())
        };
        let cancel = async |path: &str| tester.person.client.post(path, json!({})).await;
        let restart = begin("restart", json!({ "mode": "soft" })).await;
        let _ = cancel(&restart).await.expect(404);
        workspace.grant(&tester, json!({ "actions": ["view_logs"], "instances": [instance.to_string()] })).await;
        assert_eq!(cancel(&restart).await.expect(403).code().unwrap(), "permission_denied");
        workspace.grant(&tester, json!({ "actions": ["restart_instances"], "instances": [instance.to_string()] })).await;
        assert_eq!(cancel(&restart).await.expect(200).field("status"), "cancelled");
        let deploy = begin("deploy", json!({})).await;
        assert_eq!(cancel(&deploy).await.expect(403).code().unwrap(), "owner_required");
        assert_eq!(olga.client.post(&deploy, json!({})).await.expect(200).field("status"), "cancelled");
    }

    async fn a_production_instance_is_an_owners_to_delete(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let live = workspace.instance(&project, &server, "Live", "production", "main").await.to_string();
        let test = workspace.instance(&project, &server, "Test", "staging", "main").await.to_string();
        let tester = workspace.member("Tess Tester").await;
        workspace.grant(&tester, json!({ "actions": ["delete_instances"], "instances": [live, test] })).await;
        let path = |id: &str| workspace.path(&format!("/instances/{id}"));
        let delete = async |id: &str, name: &str| tester.person.client.delete(&path(id), Some(json!({ "confirm": name }))).await;
        assert_eq!(delete(&live, "Live").await.expect(403).code().unwrap(), "owner_required");
        assert_eq!(tester.person.client.get(&path(&live)).await.expect(200).json()["may"], json!([]));
        // The stage never changes, for nobody.
        for client in [&olga.client, &tester.person.client] {
            let refused = client.patch(&path(&live), json!({ "stage": "staging" })).await;
            assert!(matches!(refused.status.as_u16(), 403 | 422), "{}", refused.text);
        }
        let _ = delete(&test, "Test").await.expect(202);
    }

    async fn a_deletion_that_came_too_far_goes_on_though_its_right_is_gone(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let tester = workspace.member("Tess Tester").await;
        for (name, step, status) in [("Kept", "store", "cancelled"), ("Gone", "delete", "succeeded")] {
            let instance = workspace.instance(&project, &server, name, "staging", "main").await;
            let path = workspace.path(&format!("/instances/{instance}"));
            let grant = json!({ "actions": ["delete_instances"], "instances": [instance.to_string()] });
            workspace.grant(&tester, grant).await;
            let begun = tester.person.client.delete(&path, Some(json!({ "confirm": name, "backup": true }))).await.expect(202);
            let claim = world.store.claim_job().await.unwrap().unwrap();
            let _ = world.store.begin_job(&claim).await.unwrap().unwrap();
            assert!(world.store.step_job(&claim, step.to_owned(), None).await.unwrap());
            workspace.grant(&tester, json!({})).await;
            // Whoever carried it out is gone.
            world.clock.pass_seconds(LEASE_SECONDS + 1);
            world.drain().await;
            let job = olga.client.get(begun.header("location").unwrap()).await.expect(200);
            assert_eq!(job.field("status"), status, "{step}: {}", job.text);
            let _ = olga.client.get(&path).await.expect(if status == "cancelled" { 200 } else { 404 });
        }
    }

    async fn what_is_held_is_held_for_as_long_as_it_takes(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let slow = workspace.instance(&project, &server, "Slow", "staging", "main").await;
        let other = workspace.instance(&project, &server, "Other", "staging", "main").await;
        let told = world.machines.told().len();
        let restart = async |instance| {
            let path = workspace.path(&format!("/instances/{instance}/restart"));
            olga.client.post(&path, json!({ "mode": "soft" })).await.expect(202).header("location").unwrap().to_owned()
        };
        world.machines.hang(true);
        let (job, stop) = (restart(slow).await, CancellationToken::new());
        let jobs = tokio::spawn({
            let (app, stop) = (world.app.clone(), stop.clone());
            async move { app.run_jobs(stop).await }
        });
        until("its machine is told", async || world.machines.told().len() == told + 1).await;
        // The machine says nothing yet; whoever waits for it goes on holding the job.
        if matches!(world.place(), Place::Sqlite(_)) {
            world.clock.pass_seconds(LEASE_SECONDS - 5);
            let before = world.dump(&[]).await;
            until("the claim is renewed", async || world.dump(&[]).await != before).await;
            world.clock.pass_seconds(LEASE_SECONDS - 5);
            assert!(world.store.claim_job().await.unwrap().is_none(), "it is held");
        }
        // A claim that could not be renewed is claimed by others, and never a second time by the same.
        world.clock.pass_seconds(LEASE_SECONDS);
        let second = restart(other).await;
        until("the next turn comes", async || world.machines.told().len() == told + 2).await;
        let since: Vec<_> = world.machines.told().split_off(told).into_iter().map(|(instance, _)| instance).collect();
        assert_eq!(since, [slow, other]);
        world.machines.hang(false);
        for place in [job, second] {
            until("both are done", async || olga.client.get(&place).await.expect(200).field("status") == "succeeded").await;
        }
        stop.cancel();
        jobs.await.unwrap();
    }
}
