//! The records on both databases: every statement is understood, the schema is what it was.

use test_kit::on_both_databases;

on_both_databases! {
    async fn every_statement_is_understood(world: World) {
        let statements = stoa_storage::statements();
        assert!(statements.len() > 100, "{}", statements.len());
        for statement in statements {
            if let Err(fault) = world.store.prepare(statement).await {
                panic!("{statement:?}: {fault}");
            }
        }
    }

    async fn the_chain_of_the_audit_log_holds(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        workspace.grant(&tester, serde_json::json!({ "actions": ["view_logs"] })).await;
        let _ = tester.person.client.delete(&workspace.path(""), Some(serde_json::json!({ "confirm": "acme" }))).await.expect(403);
        let audit = olga.client.get(&workspace.path("/audit?limit=200")).await.expect(200).json();
        let events = audit["items"].as_array().unwrap();
        let actions: Vec<&str> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
        for expected in ["workspace.create", "invitation.create", "invitation.accept", "member.set_permissions", "workspace.delete"] {
            assert!(actions.contains(&expected), "{expected} is missing in {actions:?}");
        }
        let refused = events.iter().find(|event| event["action"] == "workspace.delete").unwrap();
        assert_eq!(refused["outcome"], "refused");
        let numbers: Vec<i64> = events.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), numbers.len(), "each event has a number of its own");
        assert_eq!(sorted.last().unwrap() - sorted[0] + 1, i64::try_from(sorted.len()).unwrap(), "no number is missing");
    }
}
