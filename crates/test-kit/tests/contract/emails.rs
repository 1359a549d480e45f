//! The address of an account: it changes when a link that went to it was followed by the account that asked for it.

use serde_json::json;
use test_kit::on_both_databases;
use test_kit::world::{PASSWORD, Person};

async fn ask(person: &Person, email: &str) {
    let _ = person.client.post("/api/v1/me/email", json!({ "email": email })).await.expect(202);
}

async fn follow(person: &Person, token: &str) -> test_kit::Answer {
    person.client.post("/api/v1/me/email/confirm", json!({ "token": token })).await
}

on_both_databases! {
    async fn the_same_address_is_confirmed_and_another_becomes_the_accounts(world: World) {
        let olga = world.set_up().await;
        assert_eq!(olga.client.get("/api/v1/me").await.expect(200).json()["email_verified"], false);
        ask(&olga, "Olga@Example.com").await;
        let token = world.mailed_token("olga@example.com", "/account/email/").await;
        assert_eq!(follow(&olga, &token).await.expect(200).json()["email_verified"], true);
        assert_eq!(follow(&olga, &token).await.expect(404).code().unwrap(), "not_found");

        ask(&olga, "New.Olga@example.com").await;
        let token = world.mailed_token("new.olga@example.com", "/account/email/").await;
        // Nothing changes before it is followed.
        assert_eq!(olga.client.get("/api/v1/me").await.expect(200).field("email"), "Olga@Example.com");
        let changed = follow(&olga, &token).await.expect(200).json();
        assert_eq!((&changed["email"], &changed["email_verified"]), (&json!("New.Olga@example.com"), &json!(true)));
        let _ = world.letter("olga@example.com", "This one no longer belongs to it").await;
        let _ = world.sign_in("new.olga@example.com", PASSWORD).await.expect(200);
        let _ = world.sign_in("olga@example.com", PASSWORD).await.expect(401);
    }

    async fn a_link_is_for_the_account_that_asked_and_for_nobody_else(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await.person;
        ask(&olga, "shared@example.com").await;
        let token = world.mailed_token("shared@example.com", "/account/email/").await;
        assert_eq!(follow(&tess, &token).await.expect(403).code().unwrap(), "wrong_account");
        let _ = world.nobody().post("/api/v1/me/email/confirm", json!({ "token": token })).await.expect(401);
        // Somebody else takes the address meanwhile.
        ask(&tess, "shared@example.com").await;
        let mut theirs = token.clone();
        while theirs == token {
            theirs = world.mailed_token("shared@example.com", "/account/email/").await;
        }
        let _ = follow(&tess, &theirs).await.expect(200);
        assert_eq!(follow(&olga, &token).await.expect(409).code().unwrap(), "conflict");
        assert_eq!(olga.client.get("/api/v1/me").await.expect(200).field("email"), "olga@example.com");
    }

    async fn a_link_ends_after_a_day_and_with_a_newer_one(world: World) {
        let olga = world.set_up().await;
        ask(&olga, "one@example.com").await;
        let one = world.mailed_token("one@example.com", "/account/email/").await;
        ask(&olga, "two@example.com").await;
        let two = world.mailed_token("two@example.com", "/account/email/").await;
        let _ = follow(&olga, &one).await.expect(404);
        world.clock.pass_seconds(24 * 3600 + 1);
        let _ = follow(&olga, &two).await.expect(404);
        for wrong in ["", "olga", "olga@", "a b@example.com"] {
            let _ = olga.client.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await.expect(204);
            let _ = olga.client.post("/api/v1/me/email", json!({ "email": wrong })).await.expect(422);
        }
    }

    async fn a_change_that_waits_is_seen_and_taken_back(world: World) {
        let olga = world.set_up().await;
        let pending = async || olga.client.get("/api/v1/me/email").await.expect(200).json()["pending"].clone();
        assert!(pending().await.is_null());
        ask(&olga, "New@example.com").await;
        assert_eq!(pending().await["email"], "New@example.com");
        let token = world.mailed_token("new@example.com", "/account/email/").await;
        let path = format!("/api/v1/me/email/links/{token}");
        let seen = olga.client.get(&path).await.expect(200).json();
        assert_eq!((&seen["email"], &seen["is_first_proof"]), (&json!("New@example.com"), &json!(true)));
        // Whoever else holds the link is told that it isn't theirs.
        let tess = world.workspace(&olga, "Acme").await.member("Tess Tester").await.person;
        assert_eq!(tess.client.get(&path).await.expect(403).code().unwrap(), "wrong_account");
        let _ = olga.client.delete("/api/v1/me/email", None).await.expect(204);
        let _ = olga.client.delete("/api/v1/me/email", None).await.expect(404);
        assert!(pending().await.is_null());
        let _ = olga.client.get(&path).await.expect(404);
        let _ = follow(&olga, &token).await.expect(404);
    }

    async fn a_letter_that_waits_isnt_sent_when_its_link_is_taken_back(world: World) {
        let olga = world.set_up().await;
        let queue = world.store.clone();
        ask(&olga, "stranger@example.com").await;
        let _ = olga.client.delete("/api/v1/me/email", None).await.expect(204);
        ask(&olga, "friend@example.com").await;
        let mut recipients = Vec::new();
        while let Some(mail) = queue.claim_mail(60).await.unwrap() {
            recipients.push(mail.recipient);
        }
        assert_eq!(recipients, ["friend@example.com"]);
    }

    async fn a_reset_link_to_the_address_of_before_proves_nothing(world: World) {
        let olga = world.set_up().await;
        let _ = world.nobody().post("/api/v1/session/reset", json!({ "email": olga.email })).await.expect(202);
        let reset = world.mailed_token(&olga.email, "/reset/").await;
        ask(&olga, "moved@example.com").await;
        let token = world.mailed_token("moved@example.com", "/account/email/").await;
        let _ = follow(&olga, &token).await.expect(200);
        let body = json!({ "password": "a new and good sentence" });
        let _ = world.nobody().post(&format!("/api/v1/reset/{reset}"), body).await.expect(404);
    }
}
