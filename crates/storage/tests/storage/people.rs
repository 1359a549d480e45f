//! Sessions, tokens and invitations: what counts, until when, and once only.

use serde_json::json;
use test_kit::world::PASSWORD;
use test_kit::{Kind, World, on_both_databases};

const DAY: i64 = 24 * 3600;

on_both_databases! {
    async fn a_session_ends_after_seven_idle_days(world: World) {
        let olga = world.set_up().await;
        world.clock.pass_seconds(6 * DAY);
        let _ = olga.client.get("/api/v1/me").await.expect(200);
        world.clock.pass_seconds(6 * DAY);
        let _ = olga.client.get("/api/v1/me").await.expect(200);
        world.clock.pass_seconds(7 * DAY + 1);
        let _ = olga.client.get("/api/v1/me").await.expect(401);
    }

    async fn a_session_ends_after_thirty_days_whatever_is_done(world: World) {
        let olga = world.set_up().await;
        for _ in 0..5 {
            world.clock.pass_seconds(6 * DAY - 60);
            let _ = olga.client.get("/api/v1/me").await.expect(200);
        }
        world.clock.pass_seconds(DAY);
        let _ = olga.client.get("/api/v1/me").await.expect(401);
    }

    async fn of_a_session_that_has_ended_nothing_is_kept(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await;
        let own = tess.person.client.get("/api/v1/me/sessions").await.expect(200).json();
        let address = own["items"][0]["address"].as_str().unwrap().to_owned();
        // That she accepted from there is in the log of a workspace that isn't hers any more: from here on the session alone
        // says it.
        let _ = olga.client.delete(&workspace.path(&format!("/members/{}", tess.id)), None).await.expect(204);
        let is_known = async |account: &str| world.store.is_address_known(crate::id(account), &address).await.unwrap();
        world.app.sweep().await.unwrap();
        assert!(is_known(&tess.person.account).await, "it hasn't ended");
        world.clock.pass_seconds(7 * DAY + 1);
        world.app.sweep().await.unwrap();
        assert!(!is_known(&tess.person.account).await);
        assert!(is_known(&olga.account).await, "the log knows where the first account was made");
    }

    async fn a_new_password_ends_the_other_sessions(world: World) {
        let olga = world.set_up().await;
        let other = world.sign_in("olga@example.com", PASSWORD).await.expect(200);
        let other = world.nobody().with_cookie(other.cookie().unwrap());
        let _ = other.get("/api/v1/me").await.expect(200);
        let body = json!({ "old_password": PASSWORD, "new_password": "another horse, another battery" });
        let changed = olga.client.post("/api/v1/me/password", body).await;
        assert!(changed.status.is_success(), "{}", changed.text);
        let _ = other.get("/api/v1/me").await.expect(401);
        let _ = world.sign_in("olga@example.com", PASSWORD).await.expect(401);
    }

    async fn a_token_ends_on_its_day_and_when_it_is_deleted(world: World) {
        let olga = world.set_up().await;
        let made = olga.client.post("/api/v1/me/tokens", json!({ "name": "laptop" })).await.expect(201);
        let by_token = world.nobody().with_token(made.field("token"));
        let _ = by_token.get("/api/v1/me").await.expect(200);
        let _ = olga.client.delete(&format!("/api/v1/me/tokens/{}", made.field("id")), None).await.expect(204);
        let _ = by_token.get("/api/v1/me").await.expect(401);
        let short = json!({ "name": "short", "expires_at": "2026-11-26T12:00:00Z" });
        let made = olga.client.post("/api/v1/me/tokens", short).await.expect(201);
        let by_token = world.nobody().with_token(made.field("token"));
        let _ = by_token.get("/api/v1/me").await.expect(200);
        world.clock.pass_seconds(3 * DAY);
        let _ = by_token.get("/api/v1/me").await.expect(401);
    }

    async fn a_token_for_one_workspace_knows_no_other(world: World) {
        let olga = world.set_up().await;
        let (acme, other) = (world.workspace(&olga, "Acme").await, world.workspace(&olga, "Other").await);
        let body = json!({ "name": "acme alone", "workspaces": [acme.id] });
        let made = olga.client.post("/api/v1/me/tokens", body).await.expect(201);
        let by_token = world.nobody().with_token(made.field("token"));
        let _ = by_token.get(&acme.path("")).await.expect(200);
        let _ = by_token.get(&other.path("")).await.expect(404);
    }

    async fn an_invitation_makes_one_membership(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let body = json!({ "email": "tester@example.com" });
        let _ = olga.client.post(&acme.path("/invitations"), body.clone()).await.expect(201);
        let _ = olga.client.post(&acme.path("/invitations"), body).await.expect(409);
        world.send_mails().await;
        let letters = world.mail.sent();
        let text = &letters.last().unwrap().text;
        let token = text.split("/invitations/").nth(1).unwrap().split_whitespace().next().unwrap();
        let path = format!("/api/v1/invitations/{token}/accept");
        let (first, second) = (world.nobody(), world.nobody());
        let wish = json!({ "name": "Tess Tester", "password": PASSWORD });
        let (first, second) = tokio::join!(first.post(&path, wish.clone()), second.post(&path, wish));
        let accepted = [&first, &second].into_iter().filter(|answer| answer.status.is_success()).count();
        assert_eq!(accepted, 1, "{} {}", first.text, second.text);
        let members = olga.client.get(&acme.path("/members")).await.expect(200).json();
        assert_eq!(members["items"].as_array().unwrap().len(), 2);
    }
}

/// Mails of which something is kept, as many as stand so.
async fn kept_mails(world: &World) -> [usize; 2] {
    let rows = world.dump(&[]).await;
    let mails: Vec<&str> = rows.lines().filter(|row| row.starts_with("mails: ")).collect();
    ["sent", "waiting"]
        .map(|status| mails.iter().filter(|row| row.contains(&format!(" status={status} "))).count())
}

#[tokio::test]
async fn of_a_mail_that_was_sent_nothing_is_kept_after_thirty_days() {
    let world = World::on(Kind::Sqlite).await;
    let olga = world.set_up().await;
    let acme = world.workspace(&olga, "Acme").await;
    // One that was accepted, one that waits and was sent twice, and one whose mail isn't sent.
    let _ = acme.member("Tess Tester").await;
    let path = acme.path("/invitations");
    let made = olga.client.post(&path, json!({ "email": "anna@example.com" })).await.expect(201);
    world.send_mails().await;
    let resend = format!("{path}/{}/resend", made.field("id"));
    let _ = olga.client.post(&resend, json!({})).await.expect(200);
    world.send_mails().await;
    let _ = olga.client.post(&path, json!({ "email": "bert@example.com" })).await.expect(201);
    assert_eq!(kept_mails(&world).await, [3, 1]);
    world.clock.pass_seconds(30 * DAY);
    world.app.sweep().await.unwrap();
    assert_eq!(kept_mails(&world).await, [3, 1]);
    world.clock.pass_seconds(1);
    world.app.sweep().await.unwrap();
    // How the newest of an invitation that waits went is still to be seen.
    assert_eq!(kept_mails(&world).await, [1, 1]);
}
