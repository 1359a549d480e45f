//! How often something may be tried.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use stoa_http::peer::Peer;
use test_kit::world::{PASSWORD, SETUP_TOKEN};
use test_kit::{Answer, Client, Stream, on_both_databases};

/// A request from another address.
async fn from(client: &Client, address: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let mut request: Request<Body> = client.request(method, path, body.as_ref());
    request.extensions_mut().insert(Peer(format!("{address}:40000").parse().unwrap()));
    client.send_request(request).await
}

async fn sign_in_from(client: &Client, address: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    from(client, address, Method::POST, "/api/v1/session", Some(body)).await
}

#[track_caller]
fn assert_too_many(answer: &Answer) {
    assert_eq!(answer.status.as_u16(), 429, "{}", answer.text);
    assert_eq!(answer.code().unwrap(), "too_many_requests");
    let seconds: i64 = answer.header("retry-after").expect("when to try again").parse().unwrap();
    assert!(seconds > 0, "{seconds}");
}

on_both_databases! {
    async fn a_password_is_guessed_ten_times(world: World) {
        let olga = world.set_up().await;
        let nobody = world.nobody();
        for _ in 0..10 {
            let wrong = sign_in_from(&nobody, "203.0.113.1", &olga.email, "not the password").await.expect(401);
            assert_eq!(wrong.code().unwrap(), "unauthenticated");
        }
        assert_too_many(&sign_in_from(&nobody, "203.0.113.1", &olga.email, PASSWORD).await);
        // Elsewhere it counts for itself, and after a quarter of an hour no more.
        let _ = sign_in_from(&nobody, "203.0.113.2", &olga.email, PASSWORD).await.expect(200);
        world.clock.pass_seconds(901);
        let _ = sign_in_from(&nobody, "203.0.113.1", &olga.email, PASSWORD).await.expect(200);
    }

    async fn many_guesses_at_once_are_no_more_than_one_after_the_other(world: World) {
        let olga = world.set_up().await;
        let nobody = world.nobody();
        let guesses =
            (0..30).map(|_| sign_in_from(&nobody, "203.0.113.1", &olga.email, "not the password"));
        let answers = futures_util::future::join_all(guesses).await;
        let looked_at = answers.iter().filter(|answer| answer.status.as_u16() == 401).count();
        assert_eq!(looked_at, 10, "{:?}", answers.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>());
        let confirm = || olga.client.post("/api/v1/session/confirm", json!({ "password": "not the password" }));
        let answers = futures_util::future::join_all((0..30).map(|_| confirm())).await;
        assert_eq!(answers.iter().filter(|answer| answer.status.as_u16() == 422).count(), 10);
    }

    async fn others_failures_never_refuse_the_right_password_where_it_signed_in_before(world: World) {
        let olga = world.set_up().await;
        let nobody = world.nobody();
        let signed_in = sign_in_from(&nobody, "203.0.113.1", &olga.email, PASSWORD).await.expect(200);
        let _ = nobody.with_cookie(signed_in.cookie().unwrap()).delete("/api/v1/session", None).await.expect(204);
        for number in 0..20 {
            let wrong = sign_in_from(&nobody, "203.0.113.1", &olga.email, "not the password").await;
            assert_eq!(wrong.status.as_u16(), if number < 10 { 401 } else { 429 }, "{number}");
        }
        let _ = sign_in_from(&nobody, "203.0.113.1", &olga.email, PASSWORD).await.expect(200);
        // Nor where it did by making the account: as the first of all, or by accepting.
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await.person;
        for person in [&olga, &tess] {
            let _ = person.client.delete("/api/v1/session", None).await.expect(204);
            for number in 0..12 {
                let wrong = world.sign_in(&person.email, "not the password").await;
                assert_eq!(wrong.status.as_u16(), if number < 10 { 401 } else { 429 }, "{} {number}", person.email);
            }
            let _ = world.sign_in(&person.email, PASSWORD).await.expect(200);
        }
        // What succeeds counts to no limit.
        for _ in 0..12 {
            let _ = sign_in_from(&nobody, "203.0.113.9", &olga.email, PASSWORD).await.expect(200);
        }
    }

    async fn an_address_tries_a_hundred_times_but_never_keeps_out_who_was_there_before(world: World) {
        let olga = world.set_up().await;
        let nobody = world.nobody();
        let _ = sign_in_from(&nobody, "203.0.113.1", &olga.email, PASSWORD).await.expect(200);
        for number in 0..100 {
            let email = format!("nobody-{number}@example.com");
            let _ = sign_in_from(&nobody, "203.0.113.1", &email, "not the password").await.expect(401);
        }
        assert_too_many(&sign_in_from(&nobody, "203.0.113.1", "more@example.com", "not the password").await);
        let _ = sign_in_from(&nobody, "203.0.113.1", &olga.email, PASSWORD).await.expect(200);
    }

    async fn a_flood_of_made_up_addresses_writes_nothing_any_more(world: World) {
        let olga = world.set_up().await;
        let nobody = world.nobody();
        for number in 0..100 {
            let email = format!("nobody-{number}@example.com");
            let _ = sign_in_from(&nobody, "203.0.113.1", &email, "not the password").await.expect(401);
        }
        let commits = world.store.commits();
        for number in 0..20 {
            let email = format!("more-{number}@example.com");
            assert_too_many(&sign_in_from(&nobody, "203.0.113.1", &email, "not the password").await);
        }
        assert_eq!(world.store.commits(), commits);
        let _ = sign_in_from(&nobody, "203.0.113.2", &olga.email, PASSWORD).await.expect(200);
    }

    async fn who_has_a_network_has_one_address(world: World) {
        let olga = world.set_up().await;
        let nobody = world.nobody();
        for number in 0..10 {
            let address = format!("[2001:db8:1:2::{number:x}]");
            let _ = sign_in_from(&nobody, &address, &olga.email, "not the password").await.expect(401);
        }
        assert_too_many(&sign_in_from(&nobody, "[2001:db8:1:2:ffff::1]", &olga.email, PASSWORD).await);
        let _ = sign_in_from(&nobody, "[2001:db8:1:3::1]", &olga.email, PASSWORD).await.expect(200);
    }

    async fn an_account_follows_so_many_streams_and_no_more(world: World) {
        let olga = world.set_up().await;
        let (workspace, other) = (world.workspace(&olga, "Acme").await, world.workspace(&olga, "Other").await);
        let made = olga.client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201);
        let script = world.nobody().with_token(made.field("token"));
        let tess = workspace.member("Tess Tester").await;
        let follow = |client: &Client, path: String| client.request(Method::GET, &path, None);
        let mut open = Vec::new();
        for number in 0..64 {
            // Wherever and by whatever they are opened.
            let (client, path) = match number % 3 {
                0 => (&olga.client, workspace.path("/events")),
                1 => (&script, workspace.path("/events")),
                _ => (&olga.client, other.path("/events")),
            };
            open.push(Stream::open(client, follow(client, path)).await);
        }
        for client in [&olga.client, &script] {
            let refused = client.open(follow(client, workspace.path("/events"))).await;
            // Looked at before it is read: a stream has no end.
            assert_eq!(refused.status(), 429);
            let refused = Answer::read(refused).await;
            assert_too_many(&refused);
            assert!(refused.field("detail").contains("64 live streams"), "{}", refused.text);
        }
        // Others aren't kept from theirs, and one that is closed makes room.
        let client = &tess.person.client;
        let _hers = Stream::open(client, follow(client, workspace.path("/events"))).await;
        open.pop();
        open.push(Stream::open(&olga.client, follow(&olga.client, workspace.path("/events"))).await);
        // They all hear what happens.
        let _ = olga.client.patch(&workspace.path(""), json!({ "name": "Acme Two" })).await.expect(200);
        for stream in open.iter_mut().step_by(3) {
            let _ = stream.until("changed").await;
        }
    }

    async fn an_unknown_address_is_answered_as_a_wrong_password_is(world: World) {
        let olga = world.set_up().await;
        let unknown = world.sign_in("nobody@example.com", PASSWORD).await.expect(401);
        let wrong = world.sign_in(&olga.email, "not the password").await.expect(401);
        let unreadable = world.sign_in("not an address", PASSWORD).await.expect(401);
        assert_eq!((&unknown.text, &unknown.headers), (&wrong.text, &wrong.headers));
        assert_eq!(unknown.text, unreadable.text);
    }

    async fn the_first_account_is_tried_ten_times_a_minute(world: World) {
        let nobody = world.nobody();
        let body = |token: &str| json!({ "token": token, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
        for _ in 0..10 {
            let _ = nobody.post("/api/v1/setup", body("wrong")).await.expect(422);
        }
        assert_too_many(&nobody.post("/api/v1/setup", body(SETUP_TOKEN)).await);
        world.clock.pass_seconds(61);
        let _ = nobody.post("/api/v1/setup", body(SETUP_TOKEN)).await.expect(201);
    }

    async fn links_are_tried_sixty_times_a_minute(world: World) {
        let _ = world.set_up().await;
        let nobody = world.nobody();
        for _ in 0..30 {
            let _ = nobody.get("/api/v1/invitations/guessed").await.expect(404);
            // A body that is none is told after what the link is.
            let _ = nobody.post("/api/v1/invitations/guessed/accept", json!({ "name": 7 })).await.expect(404);
        }
        assert_too_many(&nobody.post("/api/v1/invitations/guessed/accept", json!({ "name": 7 })).await);
        world.clock.pass_seconds(61);
        for _ in 0..30 {
            let _ = nobody.get("/api/v1/invitations/guessed").await.expect(404);
            let _ = nobody.post("/api/v1/invitations/guessed/accept", json!({ "name": "A", "password": PASSWORD })).await.expect(404);
        }
        assert_too_many(&nobody.get("/api/v1/invitations/guessed").await);
        assert_too_many(&nobody.post("/api/v1/invitations/guessed/accept", json!({})).await);
        let _ = from(&nobody, "203.0.113.2", Method::GET, "/api/v1/invitations/guessed", None).await.expect(404);
        world.clock.pass_seconds(61);
        let _ = nobody.get("/api/v1/invitations/guessed").await.expect(404);
    }

    async fn a_workspace_invites_thirty_a_minute_and_a_hundred_a_day(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let mut number = 0;
        let mut invite = async || {
            number += 1;
            let body = json!({ "email": format!("person-{number}@example.com") });
            olga.client.post(&workspace.path("/invitations"), body).await
        };
        for _ in 0..3 {
            for _ in 0..30 {
                let _ = invite().await.expect(201);
            }
            assert_too_many(&invite().await);
            world.clock.pass_seconds(61);
        }
        // Those that were refused were none of the hundred.
        let mut more = 0;
        while invite().await.status.as_u16() == 201 {
            more += 1;
        }
        assert_eq!(more, 10);
        world.clock.pass_seconds(24 * 3600 + 1);
        let _ = invite().await.expect(201);
    }

    async fn an_account_mails_no_more_from_many_workspaces_than_from_one(world: World) {
        let olga = world.set_up().await;
        let tess = world.workspace(&olga, "Acme").await.member("Tess Tester").await.person;
        let mut workspaces = Vec::new();
        for number in 0..3 {
            workspaces.push(world.workspace(&tess, &format!("Hers {number}")).await);
        }
        let invite = async |at: usize, email: &str| {
            let path = workspaces[at % 3].path("/invitations");
            tess.client.post(&path, json!({ "email": email })).await
        };
        for number in 0..30 {
            let _ = invite(number, &format!("person-{number}@example.com")).await.expect(201);
        }
        assert_too_many(&invite(30, "person-30@example.com").await);
        // One recipient, whoever the workspace.
        world.clock.pass_seconds(61);
        for number in 0..10 {
            let made = invite(number, "victim@example.com").await.expect(201).field("id");
            let path = workspaces[number % 3].path(&format!("/invitations/{made}"));
            let _ = tess.client.delete(&path, None).await.expect(204);
        }
        assert_too_many(&invite(0, "victim@example.com").await);
        let _ = invite(0, "another@example.com").await.expect(201);
    }

    async fn an_account_makes_twenty_workspaces_a_day(world: World) {
        let olga = world.set_up().await;
        let tess = world.workspace(&olga, "Acme").await.member("Tess Tester").await.person;
        for number in 0..20 {
            let _ = world.workspace(&tess, &format!("Hers {number}")).await;
        }
        assert_too_many(&tess.client.post("/api/v1/workspaces", json!({ "name": "One more" })).await);
        for number in 0..21 {
            let _ = world.workspace(&olga, &format!("Olgas {number}")).await;
        }
        world.clock.pass_seconds(24 * 3600 + 1);
        let _ = world.workspace(&tess, "One more").await;
    }

    async fn slugs_are_asked_for_thirty_times_a_minute(world: World) {
        let olga = world.set_up().await;
        for _ in 0..30 {
            let _ = olga.client.get("/api/v1/slug?name=Acme").await.expect(200);
        }
        assert_too_many(&olga.client.get("/api/v1/slug?name=Acme").await);
        world.clock.pass_seconds(61);
        let _ = olga.client.get("/api/v1/slug?name=Acme").await.expect(200);
    }

    async fn the_password_is_entered_again_ten_times(world: World) {
        let olga = world.set_up().await;
        for _ in 0..10 {
            let _ = olga.client.post("/api/v1/session/confirm", json!({ "password": "wrong" })).await.expect(422);
        }
        assert_too_many(&olga.client.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await);
    }
}
