//! Where a workspace's backups go: set by owners, kept without being shown, and where each backup stays.

use serde_json::{Value, json};
use test_kit::on_both_databases;
use test_kit::world::{Workspace, World};

const KEY: &str = "canary-of-a-secret-key-4711";

fn wish() -> Value {
    json!({ "endpoint": "https://s3.example.com/", "bucket": "backups", "region": "eu-central-1", "key_id": "AKIA", "key": KEY })
}

async fn back_up(world: &World, workspace: &Workspace<'_>, path: &str) -> String {
    let client = &workspace.owner.client;
    let _ = client.post(&format!("{path}/backups"), json!({})).await.expect(202);
    world.drain().await;
    let list = client.get(&format!("{path}/backups")).await.expect(200).json();
    list["items"][0]["id"].as_str().unwrap().to_owned()
}

fn place_of(world: &World, backup: &str) -> String {
    world.machines.place_of(backup.parse().unwrap()).unwrap()
}

on_both_databases! {
    async fn the_secret_key_is_kept_and_never_shown(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/backup-storage");
        let seen = olga.client.get(&path).await.expect(200);
        assert_eq!((&seen.json()["endpoint"], &seen.json()["key_set"]), (&Value::Null, &json!(false)));
        let nothing = olga.client.post(&format!("{path}/test"), json!({})).await.expect(409);
        assert_eq!(nothing.code().unwrap(), "conflict");

        for (field, wrong) in [
            ("endpoint", json!("http://s3.example.com")),
            ("bucket", json!("../etc")),
            ("region", json!("a b")),
            ("key_id", json!("two\nlines")),
            ("key", json!("two words")),
        ] {
            let mut body = wish();
            body[field] = wrong;
            let refused = olga.client.put(&path, body).await.expect(422);
            assert_eq!(refused.json()["errors"][0]["field"], field);
            assert!(!refused.text.contains(KEY));
        }
        let mut without = wish();
        without.as_object_mut().unwrap().remove("key");
        let refused = olga.client.put(&path, without.clone()).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["code"], "required");

        let set = olga.client.put(&path, wish()).await.expect(200);
        assert!(!set.text.contains(KEY), "{}", set.text);
        assert_eq!((&set.json()["endpoint"], &set.json()["key_set_by"]), (&json!("https://s3.example.com"), &json!("Olga Owner")));
        // It stays for the same, and goes nowhere else.
        without["region"] = json!("eu-west-1");
        let kept = olga.client.put(&path, without.clone()).await.expect(200);
        assert_eq!(kept.json()["region"], "eu-west-1");
        for (field, other) in [("endpoint", "https://evil.example.com"), ("bucket", "others"), ("key_id", "OTHER")] {
            let mut body = without.clone();
            body[field] = json!(other);
            let refused = olga.client.put(&path, body).await.expect(422);
            assert_eq!(refused.json()["errors"][0]["field"], "key", "{field}");
        }

        let _ = olga.client.post(&format!("{path}/test"), json!({})).await.expect(200);
        assert_eq!(world.buckets.asked(), [format!("try https://s3.example.com/backups AKIA:{KEY}")]);
        world.buckets.fail(Some("It refuses the key."));
        let refused = olga.client.post(&format!("{path}/test"), json!({})).await.expect(502);
        assert_eq!(refused.code().unwrap(), "provider_error");
        assert!(refused.json()["detail"].as_str().unwrap().contains("It refuses the key."));

        let audit = olga.client.get(&workspace.path("/audit?limit=200")).await.expect(200);
        assert!(audit.text.contains("backup_storage.change") && !audit.text.contains(KEY));
        let _ = olga.client.delete(&path, None).await.expect(204);
        assert_eq!(olga.client.get(&path).await.expect(200).json()["endpoint"], Value::Null);
    }

    async fn new_backups_go_where_it_is_set_and_earlier_ones_stay_where_they_are(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path(&format!("/instances/{instance}"));
        let storage = workspace.path("/backup-storage");
        let first = back_up(&world, &workspace, &path).await;
        assert_eq!(place_of(&world, &first), "disk");

        let _ = olga.client.put(&storage, wish()).await.expect(200);
        let second = back_up(&world, &workspace, &path).await;
        let at = place_of(&world, &second);
        assert!(at.starts_with("https://s3.example.com/backups/stoa/"), "{at}");
        let third = back_up(&world, &workspace, &path).await;
        assert_eq!(place_of(&world, &third), at, "one repository for all of them");
        let key = |backup: &str| workspace.path(&format!("/backups/{backup}/key"));
        let exported = olga.client.get(&key(&second)).await.expect(200).json();
        assert_eq!(exported["repository"], format!("s3:{at}"));
        assert!(!exported.to_string().contains(KEY), "the bucket's own key isn't exported");
        let exported = olga.client.get(&key(&first)).await.expect(200).json();
        assert_eq!(exported["repository"], format!("backups/{instance}"));

        // The earlier one is read, brought back and removed as ever.
        let download = workspace.path(&format!("/backups/{first}/download"));
        let _ = olga.client.get(&download).await.expect(200);
        let restore = workspace.path(&format!("/backups/{first}/restore"));
        let _ = olga.client.post(&restore, json!({ "confirm": "Shop" })).await.expect(202);
        world.drain().await;
        let list = olga.client.get(&format!("{path}/backups")).await.expect(200).json();
        let safety = list["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!((list["items"][0]["cause"].as_str().unwrap(), place_of(&world, &safety)), ("before_restore", at.clone()));

        // Back to the disks: what is in the bucket is still read, and its key goes with the last of it.
        let _ = olga.client.delete(&storage, None).await.expect(204);
        let fourth = back_up(&world, &workspace, &path).await;
        assert_eq!(place_of(&world, &fourth), "disk");
        let _ = olga.client.get(&workspace.path(&format!("/backups/{second}/download"))).await.expect(200);
        for backup in [&first, &second, &third, &safety] {
            let _ = olga.client.delete(&workspace.path(&format!("/backups/{backup}")), None).await.expect(204);
        }
        world.app.keep_backups().await.unwrap();
        assert_eq!(world.machines.backups().len(), 1);
        let cleared = world.buckets.asked().into_iter().filter(|asked| asked.starts_with("clear ")).count();
        assert_eq!(cleared, 1, "nothing is left in the bucket");
        let _ = olga.client.get(&workspace.path(&format!("/backups/{fourth}/download"))).await.expect(200);
    }

    async fn a_storage_that_cant_be_used_fails_the_backup_and_says_so(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path(&format!("/instances/{instance}"));
        let _ = olga.client.put(&workspace.path("/backup-storage"), wish()).await.expect(200);
        world.buckets.fail(Some("There is no bucket named backups there. Make it first."));
        let failed = back_up(&world, &workspace, &path).await;
        let seen = olga.client.get(&workspace.path(&format!("/backups/{failed}"))).await.expect(200).json();
        assert_eq!(seen["status"], "failed");
        assert!(seen["reason"].as_str().unwrap().contains("no bucket named backups"), "{seen}");
        assert_eq!(olga.client.get(&path).await.expect(200).field("status"), "running", "the instance goes on");
        world.buckets.fail(None);
        let made = back_up(&world, &workspace, &path).await;
        assert!(place_of(&world, &made).starts_with("https://"));
    }
}
