//! The host of a session as one of an application's users.

use std::convert::Infallible;
use std::sync::atomic::Ordering::SeqCst;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;
use serde_json::json;
use stoa_http::proxy::RouteState;
use test_kit::Client;
use test_kit::world::{Member, PASSWORD};

use crate::proxy::{echo_socket, socket_request};
use crate::served::{Served, Shop};
use crate::wire::{Told, Wire, ask};

const HTML: &str = "Accept: text/html";
const PUBLIC: &str = "http://localhost:8080";

/// A member with exactly the permission, and their browser's session.
struct Scene {
    served: Served,
    shop: Shop,
    member: Member,
    client: Client,
    workspace: (String, String),
}

/// A session's own host, and what the browser is known by there.
struct Session {
    host: String,
    cookie: String,
    landing: String,
}

impl Scene {
    async fn new() -> Self {
        Self::of(Served::start().await).await
    }

    async fn of(served: Served) -> Self {
        let shop = served.shop().await;
        served.applications.set(shop.id, RouteState::Running, 1);
        let shown = shop.owner.get(&shop.workspace_path).await.expect(200);
        let workspace = (shown.field("id"), shown.field("slug"));
        let (client, member) = {
            let owner = test_kit::world::Person {
                client: shop.owner.clone(),
                account: String::new(),
                email: String::new(),
            };
            let known = served.world.known_workspace(&owner, &workspace.0, &workspace.1);
            let member = known.member("Mia").await;
            let signed_in = served.world.sign_in(&member.person.email, PASSWORD).await.expect(200);
            (served.world.nobody().with_cookie(signed_in.cookie().unwrap()), member)
        };
        let scene = Self { served, shop, member, client, workspace };
        scene.grant(&["connect_as_user"]).await;
        scene
    }

    async fn grant(&self, actions: &[&str]) {
        let owner = test_kit::world::Person {
            client: self.shop.owner.clone(),
            account: String::new(),
            email: String::new(),
        };
        let known = self.served.world.known_workspace(&owner, &self.workspace.0, &self.workspace.1);
        let profile = json!({ "actions": actions, "instances": [self.shop.id.to_string()] });
        known.grant(&self.member, profile).await;
    }

    /// The host and the code that the link's page goes on with.
    async fn open_link(&self, user: &str) -> (String, String) {
        let asked = json!({ "user": user, "reason": "Ticket 4182" });
        let asked = self.client.post(&format!("{}/connect-as", self.shop.path), asked).await.expect(201);
        let token = asked.field("url").rsplit('/').next().unwrap().to_owned();
        let opened = self.client.post(&format!("/api/v1/connect/{token}"), json!({})).await.expect(200);
        let host =
            opened.field("url").strip_prefix("http://").unwrap().strip_suffix(":8080").unwrap().to_owned();
        (host, opened.field("code"))
    }

    async fn arrive(&self, port: u16, host: &str, code: &str, origin: &str) -> Told {
        let body = format!("code={code}");
        let (host, length) = (format!("Host: {host}:8080"), format!("Content-Length: {}", body.len()));
        let origin = format!("Origin: {origin}");
        ask(port, &["POST /.stoa/connect HTTP/1.1", &host, &length, &origin, HTML], &body).await
    }

    async fn session(&self, user: &str) -> Session {
        let (host, code) = self.open_link(user).await;
        let arrived = self.arrive(self.served.port, &host, &code, PUBLIC).await;
        assert_eq!(arrived.status, 303, "{}", arrived.body);
        let set = arrived.header("set-cookie").unwrap();
        assert!(
            set.starts_with("stoa-connect-8080=") && set.contains("HttpOnly") && set.contains("Max-Age=3600"),
            "{set}"
        );
        assert!(!set.to_lowercase().contains("domain"));
        let cookie = format!("Cookie: {}", set.split(';').next().unwrap());
        Session { host, cookie, landing: arrived.header("location").unwrap() }
    }

    async fn get(&self, session: &Session, path: &str, lines: &[&str]) -> Told {
        let lines: Vec<&str> = [session.cookie.as_str()].iter().chain(lines).copied().collect();
        self.served.get(&format!("{}:8080", session.host), path, &lines).await
    }
}

/// Sets what its address says, and tells what it reads.
fn sets_cookies() -> Router {
    Router::new().fallback(|request: Request| async move {
        let headers: &HeaderMap = request.headers();
        let told =
            |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap_or_default()).to_owned();
        let text = format!(
            "cookie={} host={} origin={} referer={}",
            told("cookie"),
            told("host"),
            told("origin"),
            told("referer")
        );
        let mut response = Response::new(Body::from(text));
        let query = request.uri().query().unwrap_or_default().to_owned();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let text = pair.replace("%20", " ").replace("%3B", ";");
            response.headers_mut().append("set-cookie", text.parse().unwrap());
        }
        let target = match request.uri().path() {
            "/own" => format!("http://{}/next?a=b", told("host")),
            "/bare" => format!("http://{}/next", told("host").split(':').next().unwrap()),
            "/far" => "https://elsewhere.example/".to_owned(),
            "/relative" => "/next".to_owned(),
            _ => return response,
        };
        *response.status_mut() = http::StatusCode::FOUND;
        response.headers_mut().insert("location", target.parse().unwrap());
        response.headers_mut().insert("alt-svc", "h3=\":443\"".parse().unwrap());
        response
    })
}

#[tokio::test]
async fn the_browser_lands_signed_in_and_the_applications_cookies_never_reach_it() {
    let scene = Scene::new().await;
    scene.served.applications.answer_by(sets_cookies());
    let session = scene.session("kim").await;
    assert_eq!(session.landing, "/home");
    let home = scene.get(&session, "/home", &["Referer: http://x.localhost:8080/", HTML]).await;
    assert_eq!(home.status, 200, "{}", home.body);
    assert!(home.body.contains("cookie=sessionid=canary-session-of-kim-1 host="), "{}", home.body);
    // It hears its own host, and whence the browser comes as if it were there.
    let here = format!("http://{}:8080", session.host);
    let lines = [format!("Origin: {here}"), format!("Referer: {here}/form?x=1")];
    let told = scene.get(&session, "/", &[&lines[0], &lines[1]]).await;
    let own = &scene.shop.host;
    let expected = format!("host={own}:8080 origin=http://{own}:8080 referer=http://{own}:8080/form?x=1");
    assert!(told.body.ends_with(&expected), "{}", told.body);
    let told = scene.get(&session, "/", &["Origin: http://evil.example"]).await;
    assert!(told.body.contains("origin=http://evil.example"), "{}", told.body);
    // What it sets is kept for it, and what the page's own scripts set goes along.
    let set = scene
        .get(&session, "/?csrf=c1%3B%20Path=/&stoa-8080=x&sessionid=new%3B%20Path=/%3B%20HttpOnly", &[])
        .await;
    assert_eq!(set.header("set-cookie"), None);
    assert_eq!(set.header("cache-control").as_deref(), Some("no-store"));
    let mine = format!("{}; sessionid=mine; theme=dark; stoa-8080=mine", session.cookie);
    let told = scene.served.get(&format!("{}:8080", session.host), "/", &[&mine]).await;
    assert!(told.body.starts_with("cookie=sessionid=new; csrf=c1; theme=dark host="), "{}", told.body);
    let gone = scene.get(&session, "/?csrf=%3B%20Path=/%3B%20Max-Age=0", &[]).await;
    assert_eq!(gone.status, 200);
    assert!(scene.get(&session, "/", &[]).await.body.starts_with("cookie=sessionid=new host="));
    // Where it is sent stays here.
    for (path, target) in [
        ("/own", format!("{here}/next?a=b")),
        ("/bare", format!("{here}/next")),
        ("/far", "https://elsewhere.example/".to_owned()),
        ("/relative", "/next".to_owned()),
    ] {
        let told = scene.get(&session, path, &[]).await;
        assert_eq!((told.status, told.header("location")), (302, Some(target)), "{path}");
        assert_eq!(told.header("alt-svc"), None);
    }
    // On the instance's own host nothing of it is known.
    let outside = scene.served.get(&format!("{own}:8080"), "/", &[&session.cookie]).await;
    assert!(outside.body.starts_with("cookie= host="), "{}", outside.body);
}

#[tokio::test]
async fn two_sessions_have_nothing_of_each_other() {
    let scene = Scene::new().await;
    scene.served.applications.answer_by(sets_cookies());
    let (kim, kai) = (scene.session("kim").await, scene.session("kai").await);
    assert_ne!(kim.host, kai.host);
    let _ = scene.get(&kim, "/?only=kims%3B%20Path=/", &[]).await;
    let told = scene.get(&kai, "/", &[]).await;
    assert!(told.body.starts_with("cookie=sessionid=canary-session-of-kai-2 host="), "{}", told.body);
    // Another browser isn't known, and one session's proof is nothing at the other's host.
    for cookie in ["Cookie: a=b", kim.cookie.as_str()] {
        let told = scene.served.get(&format!("{}:8080", kai.host), "/", &[HTML, cookie]).await;
        assert_eq!(told.status, 403, "{cookie}");
        assert!(told.body.contains("Not for this browser"), "{}", told.body);
    }
    // Answers that change the cookies at once are all kept.
    let paths: Vec<String> = (0..8).map(|number| format!("/?c{number}=1%3B%20Path=/")).collect();
    let asked = paths.iter().map(|path| scene.get(&kim, path, &[]));
    for told in futures_util::future::join_all(asked).await {
        assert_eq!(told.status, 200);
    }
    let told = scene.get(&kim, "/", &[]).await;
    for number in 0..8 {
        assert!(told.body.contains(&format!("c{number}=1")), "{}", told.body);
    }
}

#[tokio::test]
async fn what_is_brought_to_the_host_counts_once_and_from_the_public_page() {
    let scene = Scene::new().await;
    let (host, code) = scene.open_link("kim").await;
    for origin in ["http://evil.example", "null", "http://localhost:8081"] {
        let told = scene.arrive(scene.served.port, &host, &code, origin).await;
        assert_eq!((told.status, told.header("set-cookie")), (403, None), "{origin}");
    }
    assert_eq!(scene.arrive(scene.served.port, &host, "made-up", PUBLIC).await.status, 403);
    let other = scene.served.beside().await;
    let tries = (0..8).map(|number| {
        let port = if number % 2 == 0 { scene.served.port } else { other };
        scene.arrive(port, &host, &code, PUBLIC)
    });
    let told = futures_util::future::join_all(tries).await;
    assert_eq!(told.iter().filter(|told| told.status == 303).count(), 1);
    // Too late.
    let (host, code) = scene.open_link("kim").await;
    scene.served.world.clock.pass_seconds(11);
    assert_eq!(scene.arrive(scene.served.port, &host, &code, PUBLIC).await.status, 403);
    // To another session's host it leads nowhere.
    let (_, code) = scene.open_link("kim").await;
    assert_eq!(scene.arrive(scene.served.port, &host, &code, PUBLIC).await.status, 403);
}

async fn streams(scene: &Scene, session: &Session) -> (Wire, Wire) {
    scene.served.applications.answer_by(echo_socket());
    let mut socket = Wire::to(scene.served.port).await;
    let more = format!("{}\r\n", session.cookie);
    socket.write(socket_request(&format!("{}:8080", session.host), &more).as_bytes()).await;
    assert_eq!(socket.answer().await.status, 101);
    socket.write(b"one").await;
    assert_eq!(socket.exactly(3).await, b"one");
    let endless = || async {
        Response::new(Body::from_stream(
            stream::iter([Ok::<_, Infallible>("first")]).chain(stream::pending()),
        ))
    };
    scene.served.applications.answer_by(Router::new().fallback(endless));
    // Answered anew by connections that are made from now on.
    scene.served.applications.set(scene.shop.id, RouteState::Running, 2);
    let mut streamed = Wire::to(scene.served.port).await;
    let head = format!("GET /events HTTP/1.1\r\nHost: {}:8080\r\n{}\r\n\r\n", session.host, session.cookie);
    streamed.write(head.as_bytes()).await;
    let _ = streamed.until(b"first\r\n").await;
    (socket, streamed)
}

async fn is_over(scene: &Scene, session: &Session, (mut socket, mut streamed): (Wire, Wire), what: &str) {
    assert!(socket.is_over().await, "{what}: the socket");
    assert!(streamed.is_over().await, "{what}: the stream");
    let told = scene.get(session, "/", &[HTML]).await;
    assert_eq!(told.status, 410, "{what}: {}", told.body);
    assert!(told.body.contains("Session ended"), "{}", told.body);
    // What is left in the browser goes, and nothing of other hosts of the same domain.
    assert_eq!(told.header("clear-site-data").as_deref(), Some("\"cache\", \"storage\""));
    let gone = told.header("set-cookie").unwrap();
    assert!(gone.starts_with("stoa-connect-8080=; ") && gone.contains("Max-Age=0"), "{gone}");
}

#[tokio::test]
async fn ending_it_ends_what_is_open_too() {
    let scene = Scene::new().await;
    let sessions = format!("{}/connect-as/sessions", scene.shop.path);
    let session = scene.session("kim").await;
    let open = streams(&scene, &session).await;
    let found = scene.client.get(&sessions).await.expect(200).json();
    let id = found["items"][0]["id"].as_str().unwrap().to_owned();
    let _ = scene.client.delete(&format!("{sessions}/{id}"), None).await.expect(204);
    is_over(&scene, &session, open, "ending it").await;
}

#[tokio::test]
async fn the_permission_ends_it_too() {
    let scene = Scene::new().await;
    let session = scene.session("kim").await;
    let open = streams(&scene, &session).await;
    scene.grant(&[]).await;
    is_over(&scene, &session, open, "the permission").await;
    scene.grant(&["connect_as_user"]).await;
    // Whoever was told that it is over isn't let in again, to what would answer.
    scene.served.applications.answer_by(sets_cookies());
    scene.served.applications.set(scene.shop.id, RouteState::Running, 3);
    assert_eq!(scene.get(&session, "/", &[]).await.status, 410);
    // It was written down, and stays ended whatever comes back.
    let session = scene.session("kim").await;
    scene.grant(&[]).await;
    scene.served.world.app.end_connect_sessions().await.unwrap();
    scene.grant(&["connect_as_user"]).await;
    assert_eq!(scene.get(&session, "/", &[]).await.status, 410);
}

#[tokio::test]
async fn what_waits_for_a_restart_isnt_sent_once_the_permission_has_gone() {
    let scene = Scene::new().await;
    scene.served.applications.answer_by(sets_cookies());
    let session = scene.session("kim").await;
    let applications = &scene.served.applications;
    applications.set(scene.shop.id, RouteState::Waiting, 2);
    let (asked, opened) = (applications.asked.load(SeqCst), applications.opened.load(SeqCst));
    let mut wire = Wire::to(scene.served.port).await;
    let head = format!(
        "POST /orders/7/cancel HTTP/1.1\r\nHost: {}:8080\r\n{}\r\nContent-Length: 0\r\n\r\n",
        session.host, session.cookie
    );
    wire.write(head.as_bytes()).await;
    while applications.asked.load(SeqCst) == asked {
        tokio::task::yield_now().await;
    }
    scene.grant(&[]).await;
    assert_eq!(wire.answer().await.status, 410);
    applications.set(scene.shop.id, RouteState::Running, 3);
    assert_eq!(applications.opened.load(SeqCst), opened, "the application saw nothing of it");
}

#[tokio::test]
async fn signing_out_ends_it_too() {
    let scene = Scene::new().await;
    let session = scene.session("kim").await;
    let open = streams(&scene, &session).await;
    let _ = scene.client.delete("/api/v1/session", None).await.expect(204);
    is_over(&scene, &session, open, "signing out").await;
}

#[tokio::test]
async fn the_membership_ends_it_too() {
    let scene = Scene::new().await;
    let session = scene.session("kim").await;
    let open = streams(&scene, &session).await;
    let path = format!("{}/members/{}", scene.shop.workspace_path, scene.member.id);
    let _ = scene.shop.owner.delete(&path, None).await.expect(204);
    is_over(&scene, &session, open, "the membership").await;
}

#[tokio::test]
async fn an_hour_is_the_most() {
    let scene = Scene::new().await;
    let session = scene.session("kim").await;
    assert_eq!(scene.get(&session, "/", &[]).await.status, 200);
    scene.served.world.clock.pass_seconds(3600);
    assert_eq!(scene.get(&session, "/", &[]).await.status, 410);
}

#[tokio::test]
async fn nothing_of_stoa_is_reached_from_within_a_session() {
    let scene = Scene::new().await;
    scene.served.applications.answer_by(sets_cookies());
    let session = scene.session("kim").await;
    // Its host is the application's, whatever is asked there; below /.stoa/ is nothing.
    let path = format!("{}/connect-as/users", scene.shop.path);
    let told = scene.get(&session, &path, &[]).await;
    assert!(told.body.starts_with("cookie=sessionid="), "{}", told.body);
    for path in ["/.stoa/connect", "/.stoa/visit", "/.STOA/x"] {
        assert_eq!(scene.get(&session, path, &[]).await.status, 404, "{path}");
    }
    // A script there can't ask in the member's name.
    let here = format!("http://{}:8080", session.host);
    let body = json!({ "user": "kai", "reason": "From within" });
    let mut request =
        scene.client.request(http::Method::POST, &format!("{}/connect-as", scene.shop.path), Some(&body));
    request.headers_mut().insert("origin", here.parse().unwrap());
    let answer = scene.client.send_request(request).await.expect(403);
    assert_eq!(answer.code().as_deref(), Some("cross_origin"));
    // No worker stays there that would go on answering.
    assert_eq!(scene.get(&session, "/worker.js", &["Service-Worker: script"]).await.status, 404);
    // Hosts that only look like one are nobody's.
    let told = scene.served.get("as-abcdefghijklmnop.localhost:8080", "/", &[HTML]).await;
    assert_eq!(told.status, 421);
}

#[tokio::test]
async fn it_leads_past_the_door_of_an_instance_for_members() {
    let scene = Scene::new().await;
    let _ = scene.shop.owner.patch(&scene.shop.path, json!({ "visibility": "members" })).await.expect(200);
    let session = scene.session("kim").await;
    assert_eq!(scene.get(&session, "/", &[]).await.status, 200);
    scene.served.applications.set(scene.shop.id, RouteState::Stopped, 2);
    let told = scene.get(&session, "/", &[HTML]).await;
    assert_eq!((told.status, told.body.contains("Stopped")), (503, true), "{}", told.body);
}

#[tokio::test]
async fn one_after_the_other_ends_as_the_first_did() {
    let scene = Scene::new().await;
    let sessions = format!("{}/connect-as/sessions", scene.shop.path);
    for _ in 0..3 {
        let session = scene.session("kim").await;
        let open = streams(&scene, &session).await;
        let found = scene.client.get(&sessions).await.expect(200).json();
        let id = found["items"][0]["id"].as_str().unwrap().to_owned();
        let _ = scene.client.delete(&format!("{sessions}/{id}"), None).await.expect(204);
        is_over(&scene, &session, open, "ending it").await;
    }
    let session = scene.session("kim").await;
    let open = streams(&scene, &session).await;
    scene.grant(&[]).await;
    is_over(&scene, &session, open, "the permission").await;
    scene.served.world.app.end_connect_sessions().await.unwrap();
    scene.grant(&["connect_as_user"]).await;
    assert_eq!(scene.get(&session, "/", &[]).await.status, 410);
    let session = scene.session("kim").await;
    let open = streams(&scene, &session).await;
    let _ = scene.client.delete("/api/v1/session", None).await.expect(204);
    is_over(&scene, &session, open, "signing out").await;
}
