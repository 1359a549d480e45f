//! Second factors: an authenticator app's codes and recovery codes, each of which counts once, and workspaces that
//! demand one.

use serde_json::json;
use test_kit::world::{PASSWORD, Person};
use test_kit::{Answer, on_both_databases};

fn code_of(answer: &Answer) -> (u16, Option<String>) {
    (answer.status.as_u16(), answer.code())
}

fn due() -> (u16, Option<String>) {
    (401, Some("second_factor_required".to_owned()))
}

async fn confirm(person: &Person, code: &str) -> Answer {
    person.client.post("/api/v1/session/confirm", json!({ "password": PASSWORD, "code": code })).await
}

on_both_databases! {
    async fn a_code_is_due_once_the_password_was_right_and_works_once(world: World) {
        let olga = world.set_up().await;
        let (app, codes) = world.authenticator(&olga).await;
        assert_eq!(codes.len(), 10);
        let asked = world.sign_in(&olga.email, PASSWORD).await;
        assert_eq!(code_of(&asked), due());
        assert_eq!((&asked.json()["code_required"], &asked.json()["ways"]), (&json!(true), &json!(["code", "recovery_code"])));
        assert!(asked.cookie().is_none());
        // A wrong password tells nothing of the factor.
        let wrong = world.sign_in(&olga.email, "not the password").await;
        assert_eq!(code_of(&wrong), (401, Some("unauthenticated".to_owned())));
        // The code that set it up is used up already.
        assert_eq!(code_of(&world.sign_in_with(&olga.email, &app.code(&world)).await), due());
        let code = app.next_code(&world);
        let _ = world.sign_in_with(&olga.email, &code).await.expect(200);
        assert_eq!(code_of(&world.sign_in_with(&olga.email, &code).await), due());
        let audit = world.store.list_audit(stoa_domain::WorkspaceId::INSTALLATION, &Default::default(), 50).await.unwrap();
        assert!(audit.iter().any(|event| event.action == "session.sign_in" && event.detail.contains(r#""second_factor":"code""#)));
        assert!(audit.iter().any(|event| event.action == "account.add_authenticator"));
    }

    async fn two_at_once_with_one_code_are_one_session(world: World) {
        let olga = world.set_up().await;
        let (app, _) = world.authenticator(&olga).await;
        let code = app.next_code(&world);
        let (one, other) = tokio::join!(world.sign_in_with(&olga.email, &code), world.sign_in_with(&olga.email, &code));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }

    async fn an_owner_sees_how_many_members_have_none(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await.person;
        let path = workspace.path("/sign-in");
        let counted = async || {
            let seen = olga.client.get(&path).await.expect(200).json();
            (seen["members"].as_i64().unwrap(), seen["without_second_factor"].as_i64().unwrap())
        };
        assert_eq!(counted().await, (2, 2));
        let _ = world.authenticator(&tess).await;
        assert_eq!(counted().await, (2, 1));
        assert_eq!(tess.client.get(&path).await.expect(403).code().unwrap(), "owner_required");
    }

    async fn codes_are_guessed_ten_times(world: World) {
        let olga = world.set_up().await;
        let (app, _) = world.authenticator(&olga).await;
        // What set it up was forgotten: these are the first.
        for number in 0..10 {
            let wrong = world.sign_in_with(&olga.email, &format!("00000{number}")).await;
            assert_eq!(code_of(&wrong), due(), "{number}");
        }
        let refused = world.sign_in_with(&olga.email, &app.next_code(&world)).await.expect(429);
        assert!(refused.header("retry-after").is_some());
        world.clock.pass_seconds(901);
        let _ = world.sign_in_with(&olga.email, &app.next_code(&world)).await.expect(200);
    }

    async fn another_accounts_code_is_no_code(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await.person;
        let (_, _) = world.authenticator(&olga).await;
        let (theirs, recovery) = world.authenticator(&tess).await;
        assert_eq!(code_of(&world.sign_in_with(&olga.email, &theirs.next_code(&world)).await), due());
        assert_eq!(code_of(&world.sign_in_with(&olga.email, &recovery[0]).await), due());
        let _ = world.sign_in_with(&tess.email, &recovery[0]).await.expect(200);
    }

    async fn a_recovery_code_works_once_and_is_told_of(world: World) {
        let olga = world.set_up().await;
        let (_, codes) = world.authenticator(&olga).await;
        // As it was written, or as somebody types it.
        let typed = codes[0].replace('-', " ").to_uppercase();
        let signed_in = world.sign_in_with(&olga.email, &typed).await.expect(200).json();
        assert_eq!(signed_in["recovery_codes_left"], 9);
        assert_eq!(code_of(&world.sign_in_with(&olga.email, &codes[0]).await), due());
        let _ = world.letter(&olga.email, "A recovery code was used").await;
        let _ = confirm(&olga, &codes[1]).await.expect(204);
        let seen = olga.client.get("/api/v1/me/second-factor").await.expect(200).json();
        assert_eq!(seen["recovery_codes_left"], 8);
        // Made anew, the old ones count no more.
        let renewed = olga.client.post("/api/v1/me/recovery-codes", json!({})).await.expect(201);
        assert_eq!(renewed.header("cache-control"), Some("no-store"));
        assert_eq!(code_of(&world.sign_in_with(&olga.email, &codes[2]).await), due());
        let fresh = renewed.json()["recovery_codes"][0].as_str().unwrap().to_owned();
        let _ = world.sign_in_with(&olga.email, &fresh).await.expect(200);
    }

    async fn a_secret_is_shown_once_and_counts_by_its_first_code(world: World) {
        let olga = world.set_up().await;
        let begun = olga.client.post("/api/v1/me/second-factor", json!({})).await.expect(201);
        assert_eq!(begun.header("cache-control"), Some("no-store"));
        assert!(begun.field("otpauth_url").starts_with("otpauth://totp/Stoa:olga"), "{}", begun.text);
        // Nothing is due before it is confirmed.
        let _ = world.sign_in(&olga.email, PASSWORD).await.expect(200);
        let app = test_kit::authenticator::Authenticator::of(&begun.field("secret"));
        let body = |code: String| json!({ "ceremony": begun.field("ceremony"), "code": code });
        let path = "/api/v1/me/second-factor/confirm";
        let wrong = olga.client.post(path, body("000000".to_owned())).await.expect(422);
        assert_eq!(wrong.json()["errors"][0]["field"], "code");
        let _ = olga.client.post(path, body(app.next_code(&world))).await.expect(200);
        // The ceremony is over.
        let again = olga.client.post(path, body(app.next_code(&world))).await.expect(422);
        assert_eq!(again.json()["errors"][0]["field"], "ceremony");
    }

    async fn anothers_ceremony_and_an_old_one_are_none(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await.person;
        let begun = tess.client.post("/api/v1/me/second-factor", json!({})).await.expect(201);
        let app = test_kit::authenticator::Authenticator::of(&begun.field("secret"));
        let body = json!({ "ceremony": begun.field("ceremony"), "code": app.next_code(&world) });
        let path = "/api/v1/me/second-factor/confirm";
        assert_eq!(olga.client.post(path, body).await.expect(422).json()["errors"][0]["field"], "ceremony");
        world.clock.pass_seconds(599);
        let _ = tess.client.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await.expect(204);
        let body = json!({ "ceremony": begun.field("ceremony"), "code": app.next_code(&world) });
        assert_eq!(tess.client.post(path, body).await.expect(422).json()["errors"][0]["field"], "ceremony");
    }

    async fn changing_a_factor_wants_the_password_and_the_factor(world: World) {
        let olga = world.set_up().await;
        let (app, _) = world.authenticator(&olga).await;
        world.clock.pass_seconds(601);
        let refused = olga.client.delete("/api/v1/me/second-factor", None).await.expect(403);
        assert_eq!(refused.code().unwrap(), "password_required");
        let alone = olga.client.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await;
        assert_eq!(code_of(&alone), due());
        let _ = olga.client.delete("/api/v1/me/second-factor", None).await.expect(403);
        let _ = confirm(&olga, &app.next_code(&world)).await.expect(204);
        let _ = olga.client.delete("/api/v1/me/second-factor", None).await.expect(204);
        let _ = world.letter(&olga.email, "authenticator app was removed").await;
        let _ = world.sign_in(&olga.email, PASSWORD).await.expect(200);
        let seen = olga.client.get("/api/v1/me/second-factor").await.expect(200).json();
        assert_eq!((&seen["authenticator_since"], &seen["recovery_codes_left"]), (&json!(null), &json!(0)));
        let none = olga.client.post("/api/v1/me/recovery-codes", json!({})).await.expect(409);
        assert_eq!(none.code().unwrap(), "conflict");
    }

    async fn a_token_changes_no_second_factor(world: World) {
        let olga = world.set_up().await;
        let made = olga.client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201);
        let script = olga.client.with_token(made.field("token"));
        for refused in [
            script.get("/api/v1/me/second-factor").await,
            script.post("/api/v1/me/second-factor", json!({})).await,
            script.delete("/api/v1/me/second-factor", None).await,
            script.post("/api/v1/me/recovery-codes", json!({})).await,
            script.get("/api/v1/me/passkeys").await,
            script.post("/api/v1/me/passkeys/begin", json!({})).await,
            script.post("/api/v1/me/email", json!({ "email": "x@example.com" })).await,
            script.post("/api/v1/me/email/confirm", json!({ "token": "x" })).await,
            script.delete("/api/v1/me", Some(json!({ "confirm": olga.email }))).await,
        ] {
            assert_eq!(code_of(&refused), (403, Some("permission_denied".to_owned())), "{}", refused.text);
        }
    }

    async fn a_workspace_demands_a_factor_of_owners_members_and_tokens(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await;
        let other = workspace.member("Otto Owner").await;
        workspace.make_owner(&other).await;
        let made = tess.person.client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201);
        let script = tess.person.client.with_token(made.field("token"));
        let demand = json!({ "requires_second_factor": true });
        // Who demands one has one.
        let locked_out = olga.client.patch(&workspace.path(""), demand.clone()).await.expect(422);
        assert_eq!(locked_out.json()["errors"][0]["field"], "requires_second_factor");
        let _ = world.authenticator(&olga).await;
        let _ = tess.person.client.get(&workspace.path("")).await.expect(200);
        let changed = olga.client.patch(&workspace.path(""), demand).await.expect(200);
        assert_eq!(changed.json()["requires_second_factor"], true);
        for client in [&tess.person.client, &script, &other.person.client] {
            for path in ["", "/members", "/instances", "/events"] {
                let refused = client.get(&workspace.path(path)).await;
                assert_eq!(code_of(&refused), (403, Some("second_factor_required".to_owned())), "{path}: {}", refused.text);
            }
        }
        let _ = olga.client.get(&workspace.path("")).await.expect(200);
        // To whoever isn't a member it is as ever.
        let stranger = world.nobody();
        let _ = stranger.get(&workspace.path("")).await.expect(401);
        let seen = tess.person.client.get("/api/v1/me/second-factor").await.expect(200).json();
        assert_eq!(seen["demanded_by"], json!(["Acme"]));
        let _ = world.authenticator(&tess.person).await;
        let _ = tess.person.client.get(&workspace.path("")).await.expect(200);
        let _ = script.get(&workspace.path("")).await.expect(200);
        // And without it again, it is closed again.
        let _ = tess.person.client.delete("/api/v1/me/second-factor", None).await.expect(204);
        let _ = script.get(&workspace.path("")).await.expect(403);
        let _ = olga.client.patch(&workspace.path(""), json!({ "requires_second_factor": false })).await.expect(200);
        let _ = script.get(&workspace.path("")).await.expect(200);
    }

    async fn an_owners_last_factor_stays_while_no_other_owner_has_one(world: World) {
        let olga = world.set_up().await;
        let _ = world.authenticator(&olga).await;
        let workspace = world.workspace(&olga, "Acme").await;
        let otto = workspace.member("Otto Owner").await;
        workspace.make_owner(&otto).await;
        let demand = json!({ "requires_second_factor": true });
        let _ = olga.client.patch(&workspace.path(""), demand).await.expect(200);
        let path = "/api/v1/me/second-factor";
        // Another owner without one is none who could do anything there.
        let refused = olga.client.delete(path, None).await.expect(409);
        assert_eq!((refused.code().unwrap(), &refused.json()["workspaces"]), ("last_owner".to_owned(), &json!([{ "name": "Acme" }])));
        assert!(refused.field("detail").contains("You are the only owner of Acme with a second factor"), "{}", refused.text);
        let seen = olga.client.get(path).await.expect(200).json();
        assert_ne!((&seen["authenticator_since"], &seen["recovery_codes_left"]), (&json!(null), &json!(0)), "nothing has gone");
        // Two who have one remove it at the same moment: one of them keeps it.
        let _ = world.authenticator(&otto.person).await;
        let (one, other) = tokio::join!(olga.client.delete(path, None), otto.person.client.delete(path, None));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409], "{} {}", one.text, other.text);
        let keeper = if one.status.as_u16() == 409 { &olga } else { &otto.person };
        // Where it isn't demanded, it is its account's alone.
        let _ = keeper.client.patch(&workspace.path(""), json!({ "requires_second_factor": false })).await.expect(200);
        let _ = keeper.client.delete(path, None).await.expect(204);
    }

    async fn an_administrator_removes_whatever_was_lost(world: World) {
        let olga = world.set_up().await;
        let _ = world.authenticator(&olga).await;
        let workspace = world.workspace(&olga, "Acme").await;
        let _ = olga.client.patch(&workspace.path(""), json!({ "requires_second_factor": true })).await.expect(200);
        let _ = olga.client.delete("/api/v1/me/second-factor", None).await.expect(409);
        let machine = stoa_domain::AdministratorPermit::on_the_machine("account.remove_second_factor", "root".to_owned());
        world.app.remove_second_factor(machine, olga.account.parse().unwrap()).await.unwrap();
        let again = world.sign_in(&olga.email, PASSWORD).await.expect(200);
        let client = world.nobody().with_cookie(again.cookie().unwrap());
        let _ = client.get(&workspace.path("")).await.expect(403);
        let _ = world.authenticator(&Person { client: client.clone(), ..olga }).await;
        let _ = client.get(&workspace.path("")).await.expect(200);
    }

    async fn what_is_demanded_tells_nothing_of_what_is_there(world: World) {
        let olga = world.set_up().await;
        let _ = world.authenticator(&olga).await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Hidden", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Hidden", "staging", "main").await;
        let tess = workspace.member("Tess Tester").await;
        let demand = json!({ "requires_second_factor": true });
        let _ = olga.client.patch(&workspace.path(""), demand).await.expect(200);
        for (there, absent) in [
            (format!("/projects/{project}"), "/projects/never-made".to_owned()),
            (format!("/servers/{server}"), "/servers/never-made".to_owned()),
            (format!("/instances/{instance}"), "/instances/never-made".to_owned()),
            (format!("/instances/{instance}/logs"), "/instances/never-made/logs".to_owned()),
            (format!("/members/{}", tess.id), format!("/members/{project}")),
        ] {
            let there = tess.person.client.get(&workspace.path(&there)).await.expect(403);
            let absent = tess.person.client.get(&workspace.path(&absent)).await.expect(403);
            assert_eq!((&there.text, &there.headers), (&absent.text, &absent.headers));
            assert_eq!(there.code().unwrap(), "second_factor_required");
        }
    }

    async fn sessions_and_tokens_come_page_by_page(world: World) {
        let olga = world.set_up().await;
        for name in ["one", "two", "three"] {
            let _ = olga.client.post("/api/v1/me/tokens", json!({ "name": name })).await.expect(201);
            let _ = world.sign_in(&olga.email, PASSWORD).await.expect(200);
        }
        for path in ["/api/v1/me/tokens", "/api/v1/me/sessions"] {
            let whole = olga.client.get(path).await.expect(200).json();
            let first = olga.client.get(&format!("{path}?limit=2")).await.expect(200).json();
            let next = first["next"].as_str().unwrap();
            let second = olga.client.get(&format!("{path}?limit=2&after={next}")).await.expect(200).json();
            let mut both = first["items"].as_array().unwrap().clone();
            both.extend(second["items"].as_array().unwrap().clone());
            assert_eq!(&both, whole["items"].as_array().unwrap(), "{path}");
            assert_eq!(second["next"], json!(null));
            let _ = olga.client.get(&format!("{path}?after=nonsense")).await.expect(422);
            let _ = olga.client.get(&format!("{path}?limit=0")).await.expect(422);
        }
    }
}
