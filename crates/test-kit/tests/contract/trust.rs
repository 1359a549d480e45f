//! What ends with the trust in an account: tokens with a new password, everything that was made before an address was
//! proved, other sessions with a new second factor.

use serde_json::json;
use stoa_domain::WorkspaceId;
use test_kit::world::{PASSWORD, Person};
use test_kit::{Client, World, on_both_databases};

const NEW: &str = "a new and good sentence";

async fn script(person: &Person) -> Client {
    let made = person.client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201);
    person.client.with_token(made.field("token"))
}

async fn elsewhere(world: &World, person: &Person) -> Client {
    world.nobody().with_cookie(world.sign_in(&person.email, PASSWORD).await.expect(200).cookie().unwrap())
}

async fn reset(world: &World, email: &str) {
    let _ = world.nobody().post("/api/v1/session/reset", json!({ "email": email })).await.expect(202);
    let token = world.mailed_token(email, "/reset/").await;
    let body = json!({ "password": NEW });
    let _ = world.nobody().post(&format!("/api/v1/reset/{token}"), body).await.expect(204);
}

async fn confirm_address(world: &World, person: &Person) {
    let _ = person.client.post("/api/v1/me/email", json!({ "email": person.email })).await.expect(202);
    let token = world.mailed_token(&person.email, "/account/email/").await;
    let _ = person.client.post("/api/v1/me/email/confirm", json!({ "token": token })).await.expect(200);
}

/// Actions in the installation's log that were done because of this.
async fn ended_because(world: &World, because: &str) -> Vec<String> {
    let events = world.store.list_audit(WorkspaceId::INSTALLATION, &Default::default(), 100).await.unwrap();
    let because = format!(r#"{{"because":"{because}"}}"#);
    let mut actions: Vec<String> =
        events.into_iter().filter(|event| event.detail == because).map(|event| event.action).collect();
    actions.sort_unstable();
    actions
}

on_both_databases! {
    async fn a_reset_ends_every_access_token(world: World) {
        let olga = world.set_up().await;
        confirm_address(&world, &olga).await;
        let (app, _) = world.authenticator(&olga).await;
        let script = script(&olga).await;
        let _ = script.get("/api/v1/me").await.expect(200);
        reset(&world, &olga.email).await;
        let _ = script.get("/api/v1/me").await.expect(401);
        assert_eq!(ended_because(&world, "password_reset").await, ["token.delete"]);
        // The address was proved before, so the second factor is hers.
        let body = json!({ "email": olga.email, "password": NEW, "code": app.next_code(&world) });
        let _ = world.nobody().post("/api/v1/session", json!({ "email": olga.email, "password": NEW })).await.expect(401);
        let _ = world.nobody().post("/api/v1/session", body).await.expect(200);
    }

    async fn a_first_proof_by_a_reset_ends_all_that_was_made_before(world: World) {
        // Whoever made the account may be somebody else than who reads its mail.
        let olga = world.set_up().await;
        let script = script(&olga).await;
        let _ = world.authenticator(&olga).await;
        // A pending change would make the address another's after all.
        let _ = olga.client.post("/api/v1/me/email", json!({ "email": "mallory@example.com" })).await.expect(202);
        let change = world.mailed_token("mallory@example.com", "/account/email/").await;
        reset(&world, &olga.email).await;
        let _ = script.get("/api/v1/me").await.expect(401);
        let _ = olga.client.get("/api/v1/me").await.expect(401);
        let signed_in = world.sign_in(&olga.email, NEW).await.expect(200);
        let own = world.nobody().with_cookie(signed_in.cookie().unwrap());
        assert_eq!(own.get("/api/v1/me/tokens").await.expect(200).json()["items"], json!([]));
        let _ = own.post("/api/v1/me/email/confirm", json!({ "token": change })).await.expect(404);
        assert_eq!(ended_because(&world, "address_proved").await, ["account.remove_authenticator", "token.delete"]);
        let letter = world.letter(&olga.email, "Your password was changed").await;
        assert!(letter.text.contains("access tokens, passkeys, the authenticator app"), "{}", letter.text);
    }

    async fn a_first_confirmation_keeps_the_session_that_asks_and_nothing_else(world: World) {
        let olga = world.set_up().await;
        let script = script(&olga).await;
        let other = elsewhere(&world, &olga).await;
        confirm_address(&world, &olga).await;
        let _ = script.get("/api/v1/me").await.expect(401);
        let _ = other.get("/api/v1/me").await.expect(401);
        assert_eq!(olga.client.get("/api/v1/me").await.expect(200).json()["email_verified"], true);
        let _ = world.letter(&olga.email, "Nobody had shown before that this address is yours").await;
        // A second one proves nothing new, and isn't mailed for.
        let script = self::script(&olga).await;
        let refused = olga.client.post("/api/v1/me/email", json!({ "email": olga.email })).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["code"], "confirmed_already");
        let _ = olga.client.post("/api/v1/me/email", json!({ "email": "olga@example.org" })).await.expect(202);
        let token = world.mailed_token("olga@example.org", "/account/email/").await;
        let _ = olga.client.post("/api/v1/me/email/confirm", json!({ "token": token })).await.expect(200);
        let _ = script.get("/api/v1/me").await.expect(200);
    }

    async fn a_mailed_invitation_is_a_first_proof_too(world: World) {
        let olga = world.set_up().await;
        let tess = world.workspace(&olga, "Acme").await.member("Tess Tester").await;
        let hers = world.workspace(&tess.person, "Hers").await;
        let script = script(&olga).await;
        let _ = tess.person.client.post(&hers.path("/invitations"), json!({ "email": olga.email })).await.expect(201);
        let link = hers.link_of(&olga.email).await;
        let _ = olga.client.post(&format!("/api/v1/invitations/{link}/accept"), json!({})).await.expect(200);
        let _ = script.get("/api/v1/me").await.expect(401);
        let _ = world.letter(&olga.email, "You accepted an invitation that was mailed to you").await;
    }

    async fn a_changed_password_ends_tokens_where_that_is_asked_for(world: World) {
        let olga = world.set_up().await;
        let script = script(&olga).await;
        let change = |old: &str, new: &str| json!({ "old_password": old, "new_password": new });
        let refused = olga.client.post("/api/v1/me/password", change(PASSWORD, PASSWORD)).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["code"], "same");
        let _ = olga.client.post("/api/v1/me/password", change(PASSWORD, NEW)).await.expect(204);
        let _ = script.get("/api/v1/me").await.expect(200);
        let mut body = change(NEW, "another good sentence");
        body["delete_tokens"] = json!(true);
        let _ = olga.client.post("/api/v1/me/password", body).await.expect(204);
        let _ = script.get("/api/v1/me").await.expect(401);
        assert_eq!(ended_because(&world, "password_changed").await, ["token.delete"]);
    }

    async fn other_sessions_end_with_a_new_second_factor(world: World) {
        let olga = world.set_up().await;
        let other = elsewhere(&world, &olga).await;
        let _ = world.authenticator(&olga).await;
        let _ = other.get("/api/v1/me").await.expect(401);
        let _ = olga.client.get("/api/v1/me").await.expect(200);
    }
}
