//! Secrets that an application asks to be made: once for each instance, and from then on as any others of it. On real
//! repositories.

use serde_json::{Value, json};
use stoa_domain::InstanceId;
use test_kit::work::Work;
use test_kit::{Kind, World};

const ASKS: &str =
    "[run]\ncommand = [\"true\"]\n[environment.SECRET_KEY]\nabout = \"signs the sessions\"\ngenerate = 50\n";

fn value(world: &World, instance: InstanceId, name: &str) -> Option<String> {
    let form = world.machines.form(instance).unwrap();
    let variables = form.variables.iter().filter(|(other, _)| other == name);
    let secret = variables.map(|(_, value)| value.reveal_text().unwrap().to_owned()).next();
    assert_eq!(form.secrets.iter().any(|other| other == name), secret.is_some(), "it stands in no log");
    secret
}

async fn test(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_git(kind, folder.path()).await;
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let project = workspace.project("Shop", &[]).await;
    let work = Work::new(&folder.path().join(format!("{project}.git")));
    work.commit("main", None, &[("stoa.toml", "[run]\ncommand = [\"true\"]\n")]);
    world.app.compare_heads().await.unwrap();
    let server = workspace.server().await;
    let shop = workspace.instance(&project, &server, "Shop", "production", "main").await;
    assert_eq!(value(&world, shop, "SECRET_KEY"), None);
    let deploy = async |text: &str| {
        work.commit("main", None, &[("stoa.toml", text)]);
        world.app.compare_heads().await.unwrap();
        world.clock.pass_seconds(1);
        let path = workspace.path(&format!("/instances/{shop}/deploy"));
        let _ = olga.client.post(&path, json!({})).await.expect(202);
        // It is carried out after it was begun.
        world.clock.pass_seconds(1);
        world.drain().await;
    };

    deploy(ASKS).await;
    let made = value(&world, shop, "SECRET_KEY").unwrap();
    assert_eq!(made.len(), 50);
    assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{made}");
    let settings = workspace.path(&format!("/instances/{shop}/settings"));
    let seen = olga.client.get(&settings).await.expect(200);
    assert!(!seen.text.contains(&made));
    let kept = json!([{ "name": "SECRET_KEY", "value": null, "secret": true }]);
    assert_eq!((&seen.json()["environment"], &seen.json()["restart_needed"]), (&kept, &json!(false)));
    let changes = olga.client.get(&format!("{settings}/changes")).await.expect(200);
    assert!(!changes.text.contains(&made));
    let newest = changes.json()["items"][0].clone();
    assert_eq!(newest["by"]["name"], "Olga Owner", "who deployed it: {newest}");
    let events =
        olga.client.get(&workspace.path("/audit?action=instance.change_environment")).await.expect(200);
    assert!(!events.text.contains(&made));
    assert_eq!(events.json()["items"].as_array().map(Vec::len), Some(1), "{}", events.text);

    // The next one that asks finds it; another instance has its own.
    deploy(&format!("{ASKS}# again\n")).await;
    assert_eq!(value(&world, shop, "SECRET_KEY").as_ref(), Some(&made));
    let copy = workspace.instance(&project, &server, "Copy", "staging", "main").await;
    let other = value(&world, copy, "SECRET_KEY").unwrap();
    assert!(other.len() == 50 && other != made);

    // What somebody has set is theirs; what they take away is made anew.
    let set = |variables: Value| olga.client.patch(&settings, json!({ "environment": variables }));
    let _ = set(json!([{ "name": "SECRET_KEY", "value": "by hand", "secret": true }])).await.expect(200);
    deploy(ASKS).await;
    assert_eq!(value(&world, shop, "SECRET_KEY").as_deref(), Some("by hand"));
    let _ = set(json!([])).await.expect(200);
    deploy(&format!("{ASKS}# once more\n")).await;
    let anew = value(&world, shop, "SECRET_KEY").unwrap();
    assert!(anew.len() == 50 && anew != made);

    // One that isn't right is told by its deployment, and asks for nothing.
    deploy("[run]\ncommand = [\"true\"]\n[environment.OTHER]\ngenerate = 5\n").await;
    assert_eq!(value(&world, shop, "OTHER"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_application_asks_to_be_made_is_made_once_on_sqlite() {
    test(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_application_asks_to_be_made_is_made_once_on_postgresql() {
    test(Kind::Postgres).await;
}
