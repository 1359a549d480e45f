//! Mails of a deployment or backup that failed: to whom, and not to whom any more; and going back to what ran before.

use serde_json::{Value, json};
use stoa_app::ports::Progress;
use stoa_domain::InstanceId;
use test_kit::on_both_databases;
use test_kit::world::{Member, Workspace, World};

const SENTENCE: &str = "`npm run build` ended with status 1.";

async fn made(workspace: &Workspace<'_>) -> (InstanceId, String) {
    let server = workspace.server().await;
    let project = workspace.project("Shop", &["main"]).await;
    let instance = workspace.instance(&project, &server, "Shop", "production", "main").await;
    (instance, workspace.path(&format!("/instances/{instance}")))
}

fn fail_next(world: &World) {
    let quote = Some("canary-of-a-log".to_owned());
    let failed = Progress::Failed { code: "failed".to_owned(), sentence: SENTENCE.to_owned(), quote };
    world.machines.answer_next(vec![failed]);
}

/// To whom mails of failures went, in the order of the alphabet.
fn told(world: &World) -> Vec<String> {
    let about = |subject: &str| subject.contains("couldn't be");
    let mut to: Vec<_> = world
        .mail
        .sent()
        .into_iter()
        .filter(|letter| about(&letter.subject))
        .map(|letter| letter.to)
        .collect();
    to.sort();
    to
}

/// A backup that the member begins, and that fails.
async fn fail_backup_of(world: &World, member: &Member, path: &str) {
    let _ = member.person.client.post(&format!("{path}/backups"), json!({})).await.expect(202);
    fail_next(world);
    world.drain().await;
}

async fn backing_up(workspace: &Workspace<'_>, instance: InstanceId) -> Member {
    let member = workspace.member("Bea Backup").await;
    let profile = json!({ "actions": ["manage_backups"], "instances": [instance.to_string()] });
    workspace.grant(&member, profile).await;
    member
}

on_both_databases! {
    async fn owners_and_who_began_it_are_told_once_and_nobody_else(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let bea = backing_up(&workspace, instance).await;
        let sees = workspace.member("Sam Sees").await;
        workspace.grant(&sees, json!({ "actions": ["view_logs", "manage_backups"], "instances": [instance.to_string()] })).await;
        fail_backup_of(&world, &bea, &path).await;
        world.send_mails().await;
        assert_eq!(told(&world), [bea.person.email.clone(), olga.email.clone()]);
        let letters = world.mail.sent();
        let letter = letters.iter().find(|letter| letter.to == bea.person.email && letter.subject.contains("couldn't")).unwrap();
        assert!(letter.text.contains(SENTENCE) && letter.html.contains("npm run build") && letter.text.contains("/acme/instances/shop/backups"), "{}", letter.text);
        assert!(!letter.text.contains("canary-of-a-log") && !letter.html.contains("canary-of-a-log"), "what a log said is for who may read it");
        let _ = olga.client.post(&format!("{path}/deploy"), json!({})).await.expect(202);
        fail_next(&world);
        world.drain().await;
        world.send_mails().await;
        assert_eq!(told(&world), [bea.person.email.clone(), olga.email.clone(), olga.email.clone()]);
        let letters = world.mail.sent();
        let letter = letters.iter().find(|letter| letter.subject == "Shop couldn't be deployed – Acme").unwrap();
        // A later deployment says nothing against it: the letter leads to the one that failed.
        let _ = olga.client.post(&format!("{path}/deploy"), json!({})).await.expect(202);
        world.drain().await;
        let deployments = olga.client.get(&format!("{path}/deployments")).await.expect(200).json();
        let failed = deployments["items"].as_array().unwrap().iter().find(|one| one["status"] == "failed").unwrap();
        let link = format!("/acme/instances/shop/deployments/{}\n", failed["id"].as_str().unwrap());
        assert!(letter.text.contains(&link), "{}", letter.text);
        let commit = &failed["commit"].as_str().unwrap()[..7];
        let what = format!("It was commit {commit} of the branch main, begun by Olga Owner.");
        assert!(letter.text.contains(&what), "{}", letter.text);
        assert!(letter.text.contains("The release before it goes on running."), "{}", letter.text);
    }

    async fn whether_one_may_and_wants_to_know_is_asked_when_the_mail_is_sent(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let bea = backing_up(&workspace, instance).await;
        let second = workspace.member("Oskar Owner").await;
        let role = |role: &str| json!({ "role": role });
        let _ = olga.client.patch(&workspace.path(&format!("/members/{}", second.id)), role("owner")).await.expect(200);
        // The instance is taken out of the list while the mail waits; an owner is one no longer; another wants none any more.
        fail_backup_of(&world, &bea, &path).await;
        workspace.grant(&bea, json!({ "actions": ["manage_backups"] })).await;
        let _ = olga.client.patch(&workspace.path(&format!("/members/{}", second.id)), role("member")).await.expect(200);
        let _ = olga.client.patch("/api/v1/me", json!({ "mail_on_failure": false })).await.expect(200);
        world.send_mails().await;
        assert_eq!(told(&world), [""; 0]);
        // What wasn't sent then isn't sent later either.
        workspace.grant(&bea, json!({ "actions": ["manage_backups"], "instances": [instance.to_string()] })).await;
        let _ = olga.client.patch("/api/v1/me", json!({ "mail_on_failure": true })).await.expect(200);
        world.send_mails().await;
        assert_eq!(told(&world), [""; 0]);
        // Who has left meanwhile hears nothing; who stays does.
        fail_backup_of(&world, &bea, &path).await;
        let _ = olga.client.delete(&workspace.path(&format!("/members/{}", bea.id)), None).await.expect(204);
        world.send_mails().await;
        assert_eq!(told(&world), std::slice::from_ref(&olga.email));
    }

    async fn what_fails_again_and_again_is_told_of_often_enough(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (_, path) = made(&workspace).await;
        for _ in 0..23 {
            let _ = olga.client.post(&format!("{path}/backups"), json!({})).await.expect(202);
            fail_next(&world);
            world.drain().await;
        }
        world.send_mails().await;
        assert_eq!(told(&world).len(), 20);
        let says_so = |letter: &stoa_app::ports::Letter| letter.text.contains("the last of these mails");
        let letters = world.mail.sent();
        let (last, others): (Vec<_>, Vec<_>) = letters.iter().filter(|letter| letter.subject.contains("couldn't")).partition(|letter| says_so(letter));
        assert_eq!((last.len(), others.len()), (1, 19));
        world.clock.pass_seconds(3601);
        let _ = olga.client.post(&format!("{path}/backups"), json!({})).await.expect(202);
        fail_next(&world);
        world.drain().await;
        world.send_mails().await;
        assert_eq!(told(&world).len(), 21);
    }

    async fn an_owner_goes_back_to_an_earlier_release_and_nobody_else(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (instance, path) = made(&workspace).await;
        let list = || async { olga.client.get(&format!("{path}/deployments")).await.expect(200).json()["items"].as_array().unwrap().clone() };
        let first = list().await[0]["release"].as_str().unwrap().to_owned();
        let _ = olga.client.post(&format!("{path}/deploy"), json!({})).await.expect(202);
        world.drain().await;
        assert_eq!(list().await[0]["is_current"], true);
        let otto = workspace.member("Otto Other").await;
        let all = json!(["view_projects", "restart_instances", "connect_as_user", "merge_branches", "stop_instances", "delete_instances", "manage_backups", "view_logs", "use_ide", "manage_settings"]);
        workspace.grant(&otto, json!({ "actions": all, "instances": [instance.to_string()] })).await;
        let body = json!({ "release": first });
        let refused = otto.person.client.post(&format!("{path}/deploy"), body.clone()).await.expect(403);
        assert_eq!(refused.code().unwrap(), "owner_required");
        let seen = otto.person.client.get(&path).await.expect(200).json();
        assert!(!seen["may"].as_array().unwrap().contains(&json!("deploy")));
        let _ = olga.client.post(&format!("{path}/deploy"), body.clone()).await.expect(202);
        world.drain().await;
        let deployments = list().await;
        let newest: &Value = &deployments[0];
        assert_eq!((&newest["cause"], &newest["status"], &newest["started_by"]["name"]), (&json!("rollback"), &json!("succeeded"), &json!("Olga Owner")));
        let logged = olga.client.get(&workspace.path("/audit?action=instance.roll_back")).await.expect(200).json();
        assert_eq!(logged["items"][0]["sentence"], "rolled Shop back to an earlier release", "{logged}");
        // What went back is what runs now, though the release was made by the first.
        let numbers = |field: &str| deployments.iter().filter(|one| one[field] == true).map(|one| one["number"].clone()).collect::<Vec<_>>();
        assert_eq!(numbers("is_current"), [json!(3)], "{deployments:?}");
        assert_eq!(numbers("can_go_back"), [json!(2)], "nobody goes back to what runs: {deployments:?}");
        assert_eq!(world.machines.carried().last().unwrap().command, "Release", "nothing is built anew");
        // A release of another instance, or none: as what never was.
        let seen = olga.client.get(&path).await.expect(200).json();
        let id = |of: &str| seen[of]["id"].as_str().unwrap().to_owned();
        let other = workspace.instance(&id("project"), &id("server"), "Other", "staging", "main").await;
        let others = olga.client.get(&workspace.path(&format!("/instances/{other}/deployments"))).await.expect(200).json();
        let theirs = others["items"][0]["release"].as_str().unwrap().to_owned();
        for release in [theirs.as_str(), "01890a5d-ac96-774b-bcce-b302099a8057", "nothing"] {
            let _ = olga.client.post(&format!("{path}/deploy"), json!({ "release": release })).await.expect(404);
        }
    }
}
