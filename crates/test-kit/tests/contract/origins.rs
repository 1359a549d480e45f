//! Where a request that changes something comes from, what cookie it brings, and how answers may be kept.

use axum::body::Body;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{Method, Request};
use serde_json::json;
use test_kit::on_both_databases;
use test_kit::world::PASSWORD;

const SITE: &str = "sec-fetch-site";

on_both_databases! {
    async fn what_changes_something_comes_from_the_page_or_brings_a_proof_of_its_own(world: World) {
        let olga = world.set_up().await;
        let ask = async |origin: Option<&str>, site: Option<&str>, path: &str| {
            let body = json!({ "name": "Acme", "email": "olga@example.com", "password": PASSWORD });
            let mut request = olga.client.request(Method::POST, path, Some(&body));
            request.headers_mut().remove(ORIGIN);
            request.headers_mut().remove(SITE);
            if let Some(origin) = origin {
                request.headers_mut().insert(ORIGIN, origin.parse().unwrap());
            }
            if let Some(site) = site {
                request.headers_mut().insert(SITE, site.parse().unwrap());
            }
            olga.client.send_request(request).await
        };
        let own = Some("http://localhost:8080");
        for (origin, site) in [
            (None, None),
            (None, Some("same-origin")),
            (Some("null"), None),
            (Some("https://localhost:8080"), None),
            (Some("http://localhost:8081"), None),
            // Another program of this machine may have them.
            (Some("http://127.0.0.1:8080"), None),
            (Some("http://[::1]:8080"), None),
            (Some("http://127.0.0.1:8080"), Some("same-origin")),
            (Some("http://shop-acme.localhost:8080"), None),
            (own, Some("cross-site")),
            (own, Some("same-site")),
            (own, Some("none")),
        ] {
            for path in ["/api/v1/workspaces", "/api/v1/session", "/api/v1/setup", "/api/v1/invitations/x/accept"] {
                let refused = ask(origin, site, path).await.expect(403);
                assert_eq!(refused.code().unwrap(), "cross_origin", "{origin:?} {site:?} {path}");
            }
        }
        assert_eq!(olga.client.get("/api/v1/workspaces").await.expect(200).json()["items"], json!([]));
        // Two are one too many, whichever comes first; so is a second word on where it was fetched from.
        for path in ["/api/v1/workspaces", "/api/v1/session", "/api/v1/setup", "/api/v1/invitations/x/accept"] {
            for (name, value) in [(ORIGIN.as_str(), "https://evil.example"), (SITE, "cross-site")] {
                let mut request = olga.client.request(Method::POST, path, Some(&json!({})));
                request.headers_mut().append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
                assert_eq!(olga.client.send_request(request).await.expect(403).code().unwrap(), "cross_origin", "{path}");
            }
        }
        // From here on it is another refusal: two names are asked for that aren't in the body.
        for (origin, site) in [(own, None), (own, Some("same-origin"))] {
            let _ = ask(origin, site, "/api/v1/workspaces").await.expect(422);
        }
        let token = olga.client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201).field("token");
        let _ = world.nobody().with_token(&token).post("/api/v1/workspaces", json!({ "name": "Acme" })).await.expect(201);
    }

    async fn the_cookie_is_the_pages_alone_and_new_each_time(world: World) {
        let olga = world.set_up().await;
        let first = world.sign_in("olga@example.com", PASSWORD).await.expect(200);
        let set = first.header("set-cookie").unwrap().to_owned();
        assert!(set.starts_with("stoa-8080="), "{set}");
        for word in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(set.contains(word), "{word} isn't in {set}");
        }
        assert!(!set.contains("Domain"), "{set}");
        assert_eq!(first.header("cache-control"), Some("no-store"));
        let second = world.sign_in("olga@example.com", PASSWORD).await.expect(200);
        assert_ne!(first.cookie(), second.cookie());
        let client = world.nobody().with_cookie(first.cookie().unwrap());
        let _ = client.get("/api/v1/me").await.expect(200);
        let gone = client.delete("/api/v1/session", None).await.expect(204);
        assert!(gone.header("set-cookie").unwrap().contains("Max-Age=0"));
        let _ = client.get("/api/v1/me").await.expect(401);
        let _ = olga.client.get("/api/v1/me").await.expect(200);
    }

    async fn a_credential_that_cannot_be_read_is_never_passed_over(world: World) {
        let olga = world.set_up().await;
        let cookie = world.sign_in("olga@example.com", PASSWORD).await.expect(200).cookie().unwrap();
        for wrong in ["Basic eDp5", "Bearer", "Bearer stoa_pat_of_nobody", "stoa_pat_x"] {
            let request = Request::get("/api/v1/me").header(HOST, "localhost:8080").header(COOKIE, &cookie);
            let request = request.header(AUTHORIZATION, wrong).body(Body::empty()).unwrap();
            assert_eq!(olga.client.send_request(request).await.expect(401).code().unwrap(), "unauthenticated", "{wrong}");
        }
        // Neither where nobody has to be signed in: no page sent it.
        let own = json!({ "email": "olga@example.com", "password": PASSWORD });
        for (path, body) in [
            ("/api/v1/session", own), ("/api/v1/setup", json!({})), ("/api/v1/invitations/x/accept", json!({})),
        ] {
            for wrong in ["Basic eDp5", "Bearer stoa_pat_of_nobody"] {
                let mut request = world.nobody().request(Method::POST, path, Some(&body));
                for name in [ORIGIN.as_str(), SITE] {
                    request.headers_mut().remove(name);
                }
                request.headers_mut().insert(AUTHORIZATION, wrong.parse().unwrap());
                let refused = olga.client.send_request(request).await.expect(401);
                assert_eq!((refused.code().as_deref(), refused.cookie()), (Some("unauthenticated"), None), "{path} {wrong}");
            }
        }
        // Never in the address.
        let token = olga.client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201).field("token");
        let _ = world.nobody().get(&format!("/api/v1/me?token={token}&access_token={token}")).await.expect(401);
        // Of two it isn't known which is meant.
        let by_token = world.nobody().with_token(&token);
        let _ = by_token.get("/api/v1/me").await.expect(200);
        let mut request = by_token.request(Method::GET, "/api/v1/me", None);
        request.headers_mut().append(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        let _ = by_token.send_request(request).await.expect(401);
    }

    async fn answers_are_kept_by_nobody_but_who_asked(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let seen = olga.client.get(&workspace.path("")).await.expect(200);
        assert_eq!(seen.header("cache-control"), Some("private, no-cache"));
        assert_eq!(seen.header("x-content-type-options"), Some("nosniff"));
        let token = olga.client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201);
        assert_eq!(token.header("cache-control"), Some("no-store"));
        let missing = olga.client.get("/api/v1/workspaces/never-made").await.expect(404);
        assert_eq!(missing.header("cache-control"), Some("no-store"));
    }

    async fn what_is_hidden_answers_as_what_never_was(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await.to_string();
        let tester = workspace.member("Tess Tester").await;
        workspace.grant(&tester, json!({ "actions": ["view_projects", "view_logs"] })).await;
        let stranger = world.workspace(&tester.person, "Theirs").await;
        let never = "01890a5d-ac96-774b-bcce-b302099a8057";
        let same = async |hidden: String, nothing: String| {
            let (one, other) = (tester.person.client.get(&hidden).await, tester.person.client.get(&nothing).await);
            assert_eq!((one.status, &one.text), (other.status, &other.text), "{hidden}");
            assert_eq!(one.headers, other.headers, "{hidden}");
        };
        for (noun, id, rest) in [
            ("instances", &instance, ""), ("instances", &instance, "/logs"), ("projects", &project, ""), ("servers", &server, ""),
        ] {
            same(workspace.path(&format!("/{noun}/{id}{rest}")), workspace.path(&format!("/{noun}/{never}{rest}"))).await;
            same(workspace.path(&format!("/{noun}/shop{rest}")), workspace.path(&format!("/{noun}/never{rest}"))).await;
        }
        // Another workspace, by one who isn't in it.
        let ask = async |path: &str| olga.client.get(path).await;
        let (hidden, nothing) = (ask(&stranger.path("/members")).await, ask("/api/v1/workspaces/never-made/members").await);
        assert_eq!((hidden.status, hidden.text, hidden.headers), (nothing.status, nothing.text, nothing.headers));
    }
}
