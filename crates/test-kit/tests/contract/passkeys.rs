//! Passkeys, as far as they go without an authenticator: what is asked, and what is refused.

use serde_json::json;
use test_kit::on_both_databases;
use test_kit::world::PASSWORD;

on_both_databases! {
    async fn a_passkey_is_asked_for_the_public_name_and_wants_a_real_answer(world: World) {
        let olga = world.set_up().await;
        let begun = olga.client.post("/api/v1/me/passkeys/begin", json!({})).await.expect(201);
        assert_eq!(begun.header("cache-control"), Some("no-store"));
        let options = begun.json()["options"]["publicKey"].clone();
        assert_eq!((&options["rp"]["id"], &options["user"]["name"]), (&json!("localhost"), &json!("olga@example.com")));
        assert!(options["challenge"].as_str().unwrap().len() > 40);
        for credential in [json!({}), json!("x"), json!({ "id": "AA", "rawId": "AA", "type": "public-key", "response": {} })] {
            let body = json!({ "ceremony": begun.field("ceremony"), "name": "Laptop", "credential": credential });
            let refused = olga.client.post("/api/v1/me/passkeys", body).await.expect(422);
            assert_eq!(refused.json()["errors"][0]["field"], "credential");
        }
        let unknown = json!({ "ceremony": "never", "name": "Laptop", "credential": {} });
        assert_eq!(olga.client.post("/api/v1/me/passkeys", unknown).await.expect(422).json()["errors"][0]["field"], "ceremony");
        assert_eq!(olga.client.get("/api/v1/me/passkeys").await.expect(200).json(), json!({ "items": [], "next": null }));
    }

    async fn whoever_has_no_passkey_is_asked_for_none(world: World) {
        let olga = world.set_up().await;
        let right = json!({ "email": olga.email, "password": PASSWORD });
        assert_eq!(world.nobody().post("/api/v1/session/passkey", right).await.expect(409).code().unwrap(), "conflict");
        // And with a wrong password nothing is told.
        for email in [olga.email.as_str(), "nobody@example.com"] {
            let wrong = json!({ "email": email, "password": "not the password" });
            assert_eq!(world.nobody().post("/api/v1/session/passkey", wrong).await.expect(401).code().unwrap(), "unauthenticated");
        }
        let _ = world.authenticator(&olga).await;
        let body = json!({ "email": olga.email, "password": PASSWORD, "passkey": { "ceremony": "never", "credential": {} } });
        let refused = world.nobody().post("/api/v1/session", body).await.expect(401);
        assert_eq!(refused.code().unwrap(), "second_factor_required");
    }
}
