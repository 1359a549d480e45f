//! Lists are searched without regard to case, in whatever script, and go on where they ended.

use serde_json::{Value, json};
use test_kit::{Client, on_both_databases};

async fn names(client: &Client, path: &str, name: &[&str]) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = client.get(&format!("{path}{sign}limit=2{after}")).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2, "{page}");
        let named = |item: &Value| name.iter().fold(item.clone(), |value, key| value[*key].clone());
        found.extend(items.iter().map(|item| named(item).as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}

on_both_databases! {
    async fn searching_ignores_case_in_every_script(world: World) {
        let olga = world.set_up().await;
        for name in ["Ünïcode One", "Plain Two", "ünïcode Three", "ΣΟΦΙΑ Four"] {
            let _ = world.workspace(&olga, name).await;
        }
        let path = "/api/v1/workspaces";
        let search = |text: &str| format!("{path}?q={}", text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>());
        assert_eq!(names(&olga.client, path, &["name"]).await.len(), 4);
        for (text, found) in [
            ("ÜNÏCODE", vec!["Ünïcode One", "ünïcode Three"]),
            ("ünïcode", vec!["Ünïcode One", "ünïcode Three"]),
            ("plain", vec!["Plain Two"]),
            ("σοφια", vec!["ΣΟΦΙΑ Four"]),
            ("100%", vec![]),
            ("_", vec![]),
        ] {
            let mut seen = names(&olga.client, &search(text), &["name"]).await;
            seen.sort_unstable();
            assert_eq!(seen, found, "{text}");
        }
    }

    async fn members_projects_and_invitations_are_searched_alike(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        for name in ["Änne Apfel", "Bernd Birne", "ÄNNE Zwei"] {
            let _ = workspace.member(name).await;
        }
        for name in ["Äpfel", "Birnen", "Grüne ÄPFEL"] {
            let _ = workspace.project(name, &["main"]).await;
        }
        for email in ["One@example.com", "two@example.com", "someone@example.com"] {
            let _ = olga.client.post(&workspace.path("/invitations"), json!({ "email": email })).await.expect(201);
        }
        let sorted = |mut names: Vec<String>| {
            names.sort_unstable();
            names
        };
        let members = names(&olga.client, &workspace.path("/members?q=%C3%A4nne"), &["account", "name"]).await;
        assert_eq!(sorted(members), ["Änne Apfel", "ÄNNE Zwei"].map(str::to_owned).into_iter().rev().collect::<Vec<_>>());
        let projects = names(&olga.client, &workspace.path("/projects?q=%C3%A4pfel"), &["name"]).await;
        assert_eq!(sorted(projects), ["Grüne ÄPFEL", "Äpfel"]);
        let invitations = names(&olga.client, &workspace.path("/invitations?q=ONE@"), &["email"]).await;
        assert_eq!(invitations.len(), 2, "{invitations:?}");
    }
}
