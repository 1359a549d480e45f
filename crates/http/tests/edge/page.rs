//! The page and the names under which Stoa itself answers.

use crate::served::Served;
use crate::wire::ask;

const HTML: &str = "Accept: text/html,*/*;q=0.8";

#[tokio::test]
async fn the_page_answers_on_every_address_of_its_own_with_a_nonce_of_this_answer() {
    let served = Served::start().await;
    let mut nonces = Vec::new();
    for path in ["/", "/acme/projects", "/invitations/x", "/login"] {
        let page = served.get("localhost:8080", path, &[HTML]).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").unwrap().starts_with("text/html"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(nonce.len() >= 20 && !page.body.contains("__STOA_NONCE__"));
        nonces.push(nonce);
    }
    let count = nonces.len();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), count);
}

#[tokio::test]
async fn who_checks_a_link_finds_the_page() {
    let served = Served::start().await;
    for path in ["/", "/login", "/invitations/abc", "/acme/members"] {
        let told = served.get("localhost:8080", path, &["Accept: */*"]).await;
        assert_eq!(told.status, 200, "{path}");
        assert!(told.header("content-type").unwrap().contains("text/html"), "{path}");
    }
    for (path, accept) in [
        ("/acme/members", "Accept: application/json, */*"),
        ("/none.js", "Accept: */*"),
        ("/api/v1/nothing", "Accept: */*"),
    ] {
        let told = served.get("localhost:8080", path, &[accept]).await;
        assert!(told.header("content-type").unwrap().contains("problem+json"), "{path}");
    }
}

#[tokio::test]
async fn what_no_person_opens_gets_no_page() {
    let served = Served::start().await;
    for (path, accept) in
        [("/api/v1/nothing", HTML), ("/assets/none-1.js", HTML), ("/acme", "Accept: application/json")]
    {
        let told = served.get("localhost:8080", path, &[accept]).await;
        assert!(matches!(told.status, 404 | 503), "{path} {}", told.status);
        assert!(told.header("content-type").unwrap().contains("problem+json"), "{path}");
    }
    let posted =
        ask(served.port, &["POST /acme HTTP/1.1", "Host: localhost:8080", HTML, "Content-Length: 0"], "")
            .await;
    assert_eq!(posted.status, 404);
}

#[tokio::test]
async fn the_other_names_of_this_machine_serve_the_api_and_send_pages_to_the_public_address() {
    let served = Served::start().await;
    for host in ["127.0.0.1:8080", "[::1]:8080", "LOCALHOST.:8080"] {
        let health = served.get(host, "/api/v1/health", &[]).await;
        assert_eq!(health.status, 200, "{host}");
    }
    let page = served.get("127.0.0.1:8080", "/acme/projects?tab=1", &[HTML]).await;
    assert_eq!(page.status, 303);
    assert_eq!(page.header("location").unwrap(), "http://localhost:8080/acme/projects?tab=1");
}

#[tokio::test]
async fn a_host_that_is_nobodys_is_told_nothing_of_stoa() {
    let served = Served::start().await;
    for host in ["unknown.localhost", "evil.example", "10.0.0.1", "localhost.evil.example"] {
        let page = served.get(host, "/", &[HTML]).await;
        assert_eq!(page.status, 421, "{host}");
        assert!(!page.body.to_lowercase().contains("stoa") && !page.head.to_lowercase().contains("stoa"));
        let problem = served.get(host, "/api/v1/health", &[]).await;
        assert_eq!(problem.status, 421);
        assert!(problem.body.contains("\"misdirected\"") && !problem.body.to_lowercase().contains("stoa"));
    }
}

#[tokio::test]
async fn a_request_that_can_be_read_in_two_ways_is_refused_and_the_connection_ends() {
    let served = Served::start().await;
    let health = "GET /api/v1/health HTTP/1.1\r\nHost: localhost:8080\r\n\r\n";
    for wrong in [
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost:8080\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: -1\r\n\r\n",
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost:8080\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET /api/v1/health HTTP/1.1\r\nHost: localhost:8080\r\nHost: evil.example\r\n\r\n",
        "GET http://evil.example/api/v1/health HTTP/1.1\r\nHost: localhost:8080\r\n\r\n",
        "GET /api/v1/health HTTP/1.1\r\n\r\n",
        "GET /api/v1/health HTTP/1.1\r\nHost: localhost:8080\r\nX: a\0b\r\n\r\n",
        "GET /api/v1/health HTTP/1.1\r\nHost : localhost:8080\r\n\r\n",
    ] {
        let mut wire = crate::wire::Wire::to(served.port).await;
        // One good request before, on the same connection.
        wire.write(health.as_bytes()).await;
        assert_eq!(wire.answer().await.status, 200);
        wire.write(wrong.as_bytes()).await;
        wire.write(health.as_bytes()).await;
        let told = wire.answer().await;
        assert_eq!(told.status, 400, "{wrong:?} {told:?}");
        assert!(wire.is_over().await, "{wrong:?}");
    }
}

#[tokio::test]
async fn no_workspace_can_have_the_name_of_a_first_segment_that_answers() {
    let served = Served::start().await;
    let segments = stoa_http::page::first_segments(&served.world.registered);
    assert!(segments.contains("api") && segments.contains("git") && segments.contains("visit"));
    for segment in segments {
        assert!(stoa_domain::slug::Slug::of_workspace(&segment).is_err(), "{segment} isn't reserved");
    }
}

/// The shell without what is of one answer alone.
async fn shell(served: &Served, path: &str, cookie: Option<&str>) -> String {
    let line = cookie.map(|cookie| format!("Cookie: {cookie}"));
    let mut lines = vec![HTML];
    lines.extend(line.as_deref());
    let told = served.get("localhost:8080", path, &lines).await;
    assert_eq!(told.status, 200, "{path}");
    let policy = told.header("content-security-policy").unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    told.body.replace(&nonce, "NONCE")
}

#[tokio::test]
async fn the_shell_wears_the_look_of_a_workspace_for_its_members_and_for_nobody_else() {
    let served = Served::start().await;
    let owner = served.world.set_up().await;
    let workspace = served.world.workspace(&owner, "Acme").await;
    let path = format!("/{}/projects", workspace.slug);
    let mine = served.world.sign_in("olga@example.com", test_kit::world::PASSWORD).await.cookie().unwrap();
    assert!(shell(&served, &path, Some(&mine)).await.contains("<title>Acme · Stoa</title>"));
    let neutral = shell(&served, "/nobody-has-this/projects", None).await;
    assert!(!neutral.contains("Acme"));
    // Signed out, signed in and not a member, with a cookie that is nobody's: always the same, whether it exists or not.
    assert_eq!(shell(&served, &path, None).await, neutral);
    assert_eq!(shell(&served, "/nobody-has-this/projects", Some(&mine)).await, neutral);
    assert_eq!(shell(&served, &path, Some("stoa-8080=nobody")).await, neutral);
    assert_eq!(shell(&served, "/login", Some(&mine)).await, neutral);
}
