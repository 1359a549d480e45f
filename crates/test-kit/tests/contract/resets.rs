//! A forgotten password: a link that works once, for an hour, and tells nobody who has an account.

use serde_json::json;
use test_kit::world::{PASSWORD, SETUP_TOKEN, Wishes};
use test_kit::{Kind, World, on_both_databases};

const NEW: &str = "a new and good sentence";

async fn ask(world: &World, email: &str) -> test_kit::Answer {
    world.nobody().post("/api/v1/session/reset", json!({ "email": email })).await
}

async fn set(world: &World, token: &str) -> test_kit::Answer {
    world.nobody().post(&format!("/api/v1/reset/{token}"), json!({ "password": NEW })).await
}

on_both_databases! {
    async fn a_link_sets_the_password_once_and_ends_every_session(world: World) {
        let olga = world.set_up().await;
        let known = ask(&world, " OLGA@example.com ").await.expect(202);
        let unknown = ask(&world, "nobody@example.com").await.expect(202);
        assert_eq!((known.text, known.headers), (unknown.text, unknown.headers));
        let token = world.mailed_token(&olga.email, "/reset/").await;
        let path = format!("/api/v1/reset/{token}");
        assert_eq!(world.nobody().get(&path).await.expect(200).field("email"), "olga@example.com");
        let weak = world.nobody().post(&path, json!({ "password": "short" })).await.expect(422);
        assert_eq!(weak.json()["errors"][0]["field"], "password");
        let done = set(&world, &token).await.expect(204);
        // It signs nobody in.
        assert!(done.cookie().is_none());
        let _ = olga.client.get("/api/v1/me").await.expect(401);
        let _ = world.sign_in(&olga.email, PASSWORD).await.expect(401);
        let signed_in = world.sign_in(&olga.email, NEW).await.expect(200).json();
        // It went to the address by mail, so it proves it.
        assert_eq!(signed_in["account"]["email_verified"], true);
        let _ = set(&world, &token).await.expect(404);
        let _ = world.nobody().get(&path).await.expect(404);
        let _ = world.letter(&olga.email, "Your password was changed").await;
        assert!(world.mail.sent().iter().all(|letter| letter.to != "nobody@example.com"));
    }

    async fn what_everybody_knows_of_somebody_is_no_password_of_theirs(world: World) {
        let weak = |refused: test_kit::Answer| {
            let problem = refused.expect(422).json()["errors"][0].clone();
            assert_eq!(problem["code"], "weak", "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains("own name or address"), "{problem}");
        };
        let own = |email: &str, name: &str| [email.to_owned(), email.to_uppercase(), name.to_owned()];
        for password in own("olga.owner@example.com", "Olga Owner") {
            let body = json!({ "token": SETUP_TOKEN, "name": "Olga Owner", "email": "olga.owner@example.com", "password": password });
            weak(world.nobody().post("/api/v1/setup", body).await);
        }
        let olga = world.set_up().await;
        for password in own("olga@example.com", "Olga Owner") {
            let body = json!({ "old_password": PASSWORD, "new_password": password });
            weak(olga.client.post("/api/v1/me/password", body).await);
        }
        let wrong = json!({ "old_password": "not this one", "new_password": "another good password" });
        let wrong = olga.client.post("/api/v1/me/password", wrong).await.expect(422).json();
        assert_eq!(wrong["errors"][0]["field"], "old_password");
        let _ = ask(&world, &olga.email).await.expect(202);
        let token = world.mailed_token(&olga.email, "/reset/").await;
        for password in own("olga@example.com", "Olga Owner") {
            weak(world.nobody().post(&format!("/api/v1/reset/{token}"), json!({ "password": password })).await);
        }
        let workspace = world.workspace(&olga, "Acme").await;
        let _ = olga.client.post(&workspace.path("/invitations"), json!({ "email": "anna.huber@example.com" })).await.expect(201);
        let path = format!("/api/v1/invitations/{}/accept", workspace.link_of("anna.huber@example.com").await);
        for password in ["anna.huber@example.com", "anna.huber", "anna huber", "Annas Zimmer"] {
            weak(world.nobody().post(&path, json!({ "name": "Annas Zimmer", "password": password })).await);
        }
    }

    async fn a_link_ends_with_a_newer_one_with_an_hour_and_with_a_changed_password(world: World) {
        let olga = world.set_up().await;
        let _ = ask(&world, &olga.email).await.expect(202);
        let first = world.mailed_token(&olga.email, "/reset/").await;
        let _ = ask(&world, &olga.email).await.expect(202);
        let mut second = first.clone();
        while second == first {
            second = world.mailed_token(&olga.email, "/reset/").await;
        }
        let _ = set(&world, &first).await.expect(404);
        let new = json!({ "old_password": PASSWORD, "new_password": "another good password" });
        let _ = olga.client.post("/api/v1/me/password", new).await.expect(204);
        let _ = set(&world, &second).await.expect(404);
        let _ = ask(&world, &olga.email).await.expect(202);
        let mut third = second.clone();
        while third == second {
            third = world.mailed_token(&olga.email, "/reset/").await;
        }
        world.clock.pass_seconds(3601);
        let _ = set(&world, &third).await.expect(404);
        let _ = world.sign_in(&olga.email, "another good password").await.expect(200);
    }

    async fn a_new_password_is_no_second_factor(world: World) {
        let olga = world.set_up().await;
        let _ = olga.client.post("/api/v1/me/email", json!({ "email": olga.email })).await.expect(202);
        let token = world.mailed_token(&olga.email, "/account/email/").await;
        let _ = olga.client.post("/api/v1/me/email/confirm", json!({ "token": token })).await.expect(200);
        let (app, _) = world.authenticator(&olga).await;
        let _ = ask(&world, &olga.email).await.expect(202);
        let token = world.mailed_token(&olga.email, "/reset/").await;
        let _ = set(&world, &token).await.expect(204);
        let asked = world.sign_in(&olga.email, NEW).await.expect(401);
        assert_eq!(asked.code().unwrap(), "second_factor_required");
        let body = json!({ "email": olga.email, "password": NEW, "code": app.next_code(&world) });
        let _ = world.nobody().post("/api/v1/session", body).await.expect(200);
    }

    async fn nobodys_mailbox_is_filled_by_others(world: World) {
        let olga = world.set_up().await;
        for _ in 0..20 {
            let _ = ask(&world, &olga.email).await.expect(202);
        }
        let refused = ask(&world, &olga.email).await.expect(429);
        assert!(refused.header("retry-after").is_some());
        // An unknown address is refused in the same way.
        let _ = ask(&world, "nobody@example.com").await.expect(429);
        let _ = world.letter(&olga.email, "/reset/").await;
        let count = world.mail.sent().iter().filter(|letter| letter.text.contains("/reset/")).count();
        assert!((1..=5).contains(&count), "{count}");
    }
}

#[tokio::test]
async fn without_a_mail_server_it_says_so() {
    let wishes = Wishes { mail: false, ..Wishes::default() };
    let world = World::with(Kind::Sqlite, wishes).await;
    let olga = world.set_up().await;
    for email in [olga.email.as_str(), "nobody@example.com"] {
        assert_eq!(ask(&world, email).await.expect(503).code().unwrap(), "mail_unavailable");
    }
    let refused = olga.client.post("/api/v1/me/email", json!({ "email": olga.email })).await.expect(503);
    assert_eq!(refused.code().unwrap(), "mail_unavailable");
    assert_eq!(world.nobody().get("/api/v1/session/ways").await.expect(200).json()["password_reset"], false);
}
