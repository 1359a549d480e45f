//! Signing in at a provider: its word counts for the browser that asked, for addresses that both have verified, and makes
//! no account.

use serde_json::{Value, json};
use test_kit::world::{PASSWORD, Person, Wishes};
use test_kit::{Answer, Client, Kind, World};

async fn world(kind: Kind) -> World {
    World::with(kind, Wishes { provider: true, ..Wishes::default() }).await
}

/// A browser that was sent to the provider, and the state that it brings back.
struct Away {
    browser: Client,
    state: String,
}

fn away(client: &Client, before: Option<&str>, sent: &Answer) -> Away {
    let binding = sent.cookie().unwrap();
    assert!(sent.header("set-cookie").unwrap().contains("HttpOnly; SameSite=Lax"), "{sent:?}");
    let url = sent.field("url");
    let state = url.split("state=").nth(1).unwrap().to_owned();
    let cookies = before.map_or(binding.clone(), |session| format!("{session}; {binding}"));
    Away { browser: client.with_cookie(cookies), state }
}

async fn go(world: &World) -> Away {
    let nobody = world.nobody();
    let sent = nobody.post("/api/v1/session/provider", json!({})).await.expect(200);
    away(&nobody, None, &sent)
}

async fn back(away: &Away, state: &str) -> Answer {
    let body = json!({ "code": "code", "state": state });
    away.browser.post("/api/v1/session/provider/callback", body).await
}

async fn confirmed(world: &World) -> Person {
    let olga = world.set_up().await;
    let _ = olga.client.post("/api/v1/me/email", json!({ "email": olga.email })).await.expect(202);
    let token = world.mailed_token(&olga.email, "/account/email/").await;
    let _ = olga.client.post("/api/v1/me/email/confirm", json!({ "token": token })).await.expect(200);
    olga
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code().unwrap_or_default())
}

fn conflict() -> (u16, String) {
    (409, "conflict".to_owned())
}

macro_rules! on_both {
    ($($name:ident: $test:ident),* $(,)?) => {
        $(mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$test(super::world(test_kit::Kind::Sqlite).await).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$test(super::world(test_kit::Kind::Postgres).await).await;
            }
        })*
    };
}

on_both! {
    an_address_that_both_have_verified_signs_in: verified_on_both_sides,
    an_address_that_one_hasnt_verified_does_not: verified_on_one_side,
    an_answer_is_for_the_browser_that_asked_and_counts_once: bound_to_the_browser,
    a_second_factor_is_due_after_the_provider: second_factor,
    an_account_is_linked_and_unlinked_by_itself: linked_by_itself,
}

async fn verified_on_both_sides(world: World) {
    let olga = confirmed(&world).await;
    world.provider.vouch("s-1", "Olga@Example.com", true);
    let away = go(&world).await;
    let signed_in = back(&away, &away.state).await.expect(200);
    assert_eq!(signed_in.json()["account"]["email"], olga.email.as_str());
    let cookie = signed_in.cookie().unwrap();
    let _ = world.nobody().with_cookie(cookie).get("/api/v1/me").await.expect(200);
    let _ = world.letter(&olga.email, "A sign-in provider was linked").await;
    // From now on it is the provider's name for them that counts, whatever its address becomes.
    world.provider.vouch("s-1", "other@example.com", false);
    let away = go(&world).await;
    let _ = back(&away, &away.state).await.expect(200);
    // And somebody else with that address there is nobody here.
    world.provider.vouch("s-2", "olga@example.com", true);
    let away = go(&world).await;
    assert_eq!(refusal(&back(&away, &away.state).await), conflict());
}

async fn verified_on_one_side(world: World) {
    let olga = world.set_up().await;
    for (email, verified) in
        [("olga@example.com", true), ("olga@example.com", false), ("nobody@example.com", true)]
    {
        world.provider.vouch("s-1", email, verified);
        let away = go(&world).await;
        let refused = back(&away, &away.state).await;
        assert_eq!(refusal(&refused), conflict(), "{email} {verified}: {}", refused.text);
        assert!(refused.cookie().is_none());
    }
    let accounts = olga.client.get("/api/v1/me/identity").await.expect(200).json();
    assert_eq!((&accounts["provider"], &accounts["email"]), (&json!("Company"), &Value::Null));
}

async fn bound_to_the_browser(world: World) {
    let _ = confirmed(&world).await;
    world.provider.vouch("s-1", "olga@example.com", true);
    let (mine, theirs) = (go(&world).await, go(&world).await);
    // Another's state, none of the browser's own, none at all.
    assert_eq!(back(&mine, &theirs.state).await.expect(422).json()["errors"][0]["field"], "state");
    let bare = Away { browser: world.nobody(), state: theirs.state.clone() };
    assert_eq!(back(&bare, &theirs.state).await.expect(422).json()["errors"][0]["field"], "state");
    // The visit that was answered wrongly is over.
    let _ = back(&mine, &mine.state).await.expect(422);
    let _ = back(&theirs, &theirs.state).await.expect(200);
    let _ = back(&theirs, &theirs.state).await.expect(422);
    let late = go(&world).await;
    world.clock.pass_seconds(601);
    let _ = back(&late, &late.state).await.expect(422);
    let wrong = go(&world).await;
    let body = json!({ "code": "another", "state": wrong.state });
    assert_eq!(refusal(&wrong.browser.post("/api/v1/session/provider/callback", body).await), conflict());
}

async fn second_factor(world: World) {
    let olga = confirmed(&world).await;
    let (app, _) = world.authenticator(&olga).await;
    world.provider.vouch("s-1", "olga@example.com", true);
    let away = go(&world).await;
    let due = back(&away, &away.state).await;
    assert_eq!(refusal(&due), (401, "second_factor_required".to_owned()));
    assert!(due.cookie().is_none());
    // Nothing is linked, and nothing is told of it, before the factor was shown.
    let linked = async || olga.client.get("/api/v1/me/identity").await.expect(200).json()["email"].clone();
    let told =
        || world.mail.sent().iter().any(|letter| letter.text.contains("A sign-in provider was linked"));
    world.send_mails().await;
    assert!(linked().await.is_null() && !told());
    let path = "/api/v1/session/provider/factor";
    let wrong = away.browser.post(path, json!({ "code": "000000" })).await;
    assert_eq!(refusal(&wrong), (401, "second_factor_required".to_owned()));
    // Another browser has nobody that was named.
    let code = app.next_code(&world);
    let _ = world.nobody().post(path, json!({ "code": code })).await.expect(422);
    let _ = away.browser.post(path, json!({ "code": code })).await.expect(200);
    let _ = away.browser.post(path, json!({ "code": app.next_code(&world) })).await.expect(422);
    let _ = world.letter(&olga.email, "A sign-in provider was linked").await;
    assert_eq!(linked().await, "olga@example.com");
    let log = world
        .store
        .list_audit(stoa_domain::WorkspaceId::INSTALLATION, &Default::default(), 50)
        .await
        .unwrap();
    assert!(log.iter().any(|event| event.action == "account.link_provider"));
}

async fn linked_by_itself(world: World) {
    let olga = confirmed(&world).await;
    let session = world.sign_in(&olga.email, PASSWORD).await.expect(200).cookie().unwrap();
    let client = world.nobody().with_cookie(session.clone());
    world.provider.vouch("s-1", "somebody@example.com", true);
    let sent = client.post("/api/v1/me/identity", json!({})).await.expect(200);
    let gone = away(&client, Some(&session), &sent);
    assert_eq!(refusal(&back(&gone, &gone.state).await), conflict());
    world.provider.vouch("s-1", "olga@example.com", true);
    // Whoever isn't signed in as the one that began links nothing.
    let sent = client.post("/api/v1/me/identity", json!({})).await.expect(200);
    let stranger = away(&client, None, &sent);
    let refused = back(&stranger, &stranger.state).await;
    assert_eq!(refusal(&refused), (403, "wrong_account".to_owned()));
    assert!(!refused.text.contains("invitation"), "{}", refused.text);
    let sent = client.post("/api/v1/me/identity", json!({})).await.expect(200);
    let gone = away(&client, Some(&session), &sent);
    assert_eq!(back(&gone, &gone.state).await.expect(200).json()["account"], Value::Null);
    assert_eq!(client.get("/api/v1/me/identity").await.expect(200).json()["email"], "olga@example.com");
    let _ = client.delete("/api/v1/me/identity", None).await.expect(204);
    let _ = client.delete("/api/v1/me/identity", None).await.expect(404);
    let made = client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201);
    let script = client.with_token(made.field("token"));
    assert_eq!(
        refusal(&script.post("/api/v1/me/identity", json!({})).await),
        (403, "permission_denied".to_owned())
    );
}
