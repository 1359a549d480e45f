//! Backups of which it turns out that they can't be read whole, and what those say that were made before a restore.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use stoa_app::ports::Progress;
use test_kit::on_both_databases;
use test_kit::world::{Person, Workspace, World};

/// The paths of an instance and of a backup of it.
async fn backed_up(world: &World, workspace: &Workspace<'_>) -> (String, String) {
    let server = workspace.server().await;
    let project = workspace.project("Shop", &["main"]).await;
    let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
    let path = workspace.path(&format!("/instances/{instance}"));
    let begun = workspace.owner.client.post(&format!("{path}/backups"), json!({})).await.expect(202);
    world.drain().await;
    (path, workspace.path(&format!("/backups/{}", begun.field("id"))))
}

/// The backup, once it is said to be whole or damaged.
async fn until_found(olga: &Person, place: &str, is_whole: bool) -> Value {
    tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let seen = olga.client.get(place).await.expect(200).json();
            if seen["verified_at"].is_string() == is_whole {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap()
}

/// Whether all of it came.
async fn downloaded(olga: &Person, place: &str) -> bool {
    let request = olga.client.request(Method::GET, &format!("{place}/download"), None);
    olga.client.open(request).await.into_body().collect().await.is_ok()
}

fn is_damage(said: &Value) -> bool {
    said.as_str().is_some_and(|said| said.starts_with("What is stored of this backup is damaged"))
}

on_both_databases! {
    async fn what_breaks_off_because_it_is_damaged_says_so_until_it_is_read_whole(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, place) = backed_up(&world, &workspace).await;
        assert!(olga.client.get(&place).await.expect(200).json()["warning"].is_null());
        world.machines.damage_backups(true);
        assert!(!downloaded(&olga, &place).await);
        let seen = until_found(&olga, &place, false).await;
        assert!(is_damage(&seen["warning"]), "{seen}");
        assert_eq!(seen["status"], "ready", "another may still do what this one doesn't");
        // Whoever goes on is told why at once, and it isn't written down twice.
        let mut request = olga.client.request(Method::GET, &format!("{place}/download"), None);
        request.headers_mut().insert(http::header::RANGE, "bytes=3-".parse().unwrap());
        let refused = olga.client.send_request(request).await.expect(409);
        assert!(refused.code().as_deref() == Some("conflict") && is_damage(&refused.json()["detail"]), "{}", refused.text);
        let told = async |action: &str| {
            let log = olga.client.get(&workspace.path(&format!("/audit?action={action}"))).await.expect(200).json();
            log["items"].as_array().unwrap().iter().map(|event| event["sentence"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(told("backup.found_damaged").await, ["found a backup of Shop damaged"]);
        world.machines.damage_backups(false);
        assert!(downloaded(&olga, &place).await);
        let seen = until_found(&olga, &place, true).await;
        assert!(seen["warning"].is_null(), "{seen}");
        assert_eq!(told("backup.found_whole").await.len(), 1);
    }

    async fn what_a_restore_finds_damaged_says_so_until_one_succeeds(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (path, place) = backed_up(&world, &workspace).await;
        let restore = async |ends: Vec<Progress>| {
            if !ends.is_empty() {
                world.machines.answer_next(ends);
            }
            let wish = json!({ "confirm": "Shop" });
            let _ = olga.client.post(&format!("{place}/restore"), wish).await.expect(202);
            world.drain().await;
            olga.client.get(&place).await.expect(200).json()
        };
        let fails = |code: &str| {
            vec![Progress::Failed { code: code.to_owned(), sentence: "It failed.".to_owned(), quote: None }]
        };
        assert!(restore(fails("unhealthy")).await["warning"].is_null());
        let seen = restore(fails("backup_damaged")).await;
        assert!(is_damage(&seen["warning"]) && seen["verified_at"].is_null(), "{seen}");
        let seen = restore(Vec::new()).await;
        assert!(seen["warning"].is_null() && seen["verified_at"].is_string(), "{seen}");

        // What was there before names what was brought back, also where that is gone; of those that failed nothing is named.
        let list = async || olga.client.get(&format!("{path}/backups")).await.expect(200).json()["items"].clone();
        let all = list().await;
        let restored: Vec<&Value> = all.as_array().unwrap().iter().map(|one| &one["restored"]).collect();
        let source = json!({ "id": seen["id"], "created_at": seen["created_at"] });
        assert_eq!(restored, [&source, &json!(null), &json!(null), &json!(null)], "{all}");
        assert_eq!(all[0]["cause"], "before_restore");
        let _ = olga.client.delete(&place, None).await.expect(204);
        assert_eq!(list().await[0], all[0]);
    }

    async fn what_came_of_another_instances_backup_is_told_to_those_who_may_see_that_one(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (path, place) = backed_up(&world, &workspace).await;
        let shown = olga.client.get(&path).await.expect(200).json();
        let body = json!({ "name": "Copy", "project": shown["project"]["id"], "server": shown["server"]["id"], "stage": "development",
            "branch": "main", "from_backup": place.rsplit('/').next() });
        let copy = olga.client.post(&workspace.path("/instances"), body).await.expect(202).json()["id"].as_str().unwrap().to_owned();
        world.drain().await;
        let wish = json!({ "confirm": "Copy", "into": copy });
        let _ = olga.client.post(&format!("{place}/restore"), wish).await.expect(202);
        world.drain().await;
        let copied = workspace.path(&format!("/instances/{copy}"));
        let member = workspace.member("Bea Backup").await;
        let bea = &member.person.client;
        let ids = [copy.clone(), shown["id"].as_str().unwrap().to_owned()];
        for (instances, is_seen) in [(&ids[..1], false), (&ids[..], true)] {
            workspace.grant(&member, json!({ "actions": ["manage_backups"], "instances": instances })).await;
            let list = bea.get(&workspace.path("/instances")).await.expect(200).json();
            let listed = list["items"].as_array().unwrap().iter().find(|one| one["id"] == copy.as_str()).unwrap().clone();
            for seen in [bea.get(&copied).await.expect(200).json(), listed] {
                assert_eq!(seen["made_of"].is_string(), is_seen, "{seen}");
            }
        }
        let told = bea.get(&format!("{copied}/backups")).await.expect(200).json();
        let before = &told["items"][0];
        assert_eq!((&before["cause"], &before["restored"]), (&json!("before_restore"), &json!(null)), "{told}");
        assert!(olga.client.get(&copied).await.expect(200).json()["made_of"].is_string());
    }
}
