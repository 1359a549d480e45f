//! Instances that are for members only.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use stoa_http::proxy::RouteState;

use crate::proxy::{echo_socket, socket_request};
use crate::served::{Served, Shop};
use crate::wire::{Told, Wire, ask};

const HTML: &str = "Accept: text/html";

/// An instance for members, a member who is allowed it, and the cookie of that member's browser.
async fn closed(served: &Served) -> (Shop, test_kit::world::Member, String) {
    let owner = served.world.set_up().await;
    let workspace = served.world.workspace(&owner, "Acme").await;
    let server = workspace.server().await;
    let project = workspace.project("Shop", &["main"]).await;
    served.world.app.compare_heads().await.unwrap();
    let id = workspace.instance(&project, &server, "Shop", "production", "main").await;
    let path = workspace.path(&format!("/instances/{id}"));
    let changed = owner.client.patch(&path, json!({ "visibility": "members" })).await.expect(200);
    let host =
        changed.field("url").strip_prefix("http://").unwrap().strip_suffix(":8080").unwrap().to_owned();
    let member = workspace.member("Mia").await;
    workspace.grant(&member, json!({ "instances": [id.to_string()] })).await;
    let signed_in = served.world.sign_in(&member.person.email, test_kit::world::PASSWORD).await.expect(200);
    let cookie = signed_in.cookie().unwrap();
    let shop = Shop {
        owner: owner.client.clone(),
        path,
        workspace_path: workspace.path(""),
        workspace: workspace.slug.clone(),
        project,
        id,
        host,
    };
    served.applications.set(id, RouteState::Running, 1);
    (shop, member, cookie)
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split(before).nth(1).unwrap().split(after).next().unwrap()
}

/// From the public host's page to the answer of the form.
async fn bring_back(served: &Served, shop: &Shop, code: &str, origin: &str) -> Told {
    bring_back_to(served.port, shop, code, origin).await
}

async fn bring_back_to(port: u16, shop: &Shop, code: &str, origin: &str) -> Told {
    let body = format!("code={code}");
    let (host, length) = (format!("Host: {}:8080", shop.host), format!("Content-Length: {}", body.len()));
    let origin = format!("Origin: {origin}");
    let kind = "Content-Type: application/x-www-form-urlencoded";
    ask(port, &["POST /.stoa/visit HTTP/1.1", &host, &length, &origin, kind], &body).await
}

async fn code_for(served: &Served, shop: &Shop, cookie: &str, path: &str) -> String {
    let sent = served.get(&format!("{}:8080", shop.host), path, &[HTML]).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let target = sent.header("location").unwrap();
    let target = target.strip_prefix("http://localhost:8080").unwrap();
    let cookie = format!("Cookie: {cookie}");
    let page = served.get("localhost:8080", target, &[HTML, &cookie]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.header("referrer-policy").as_deref(), Some("origin"));
    assert!(
        page.body.contains(&format!("action=\"http://{}:8080/.stoa/visit\"", shop.host)),
        "{}",
        page.body
    );
    between(&page.body, "name=\"code\" value=\"", "\"").to_owned()
}

#[tokio::test]
async fn a_member_comes_in_by_way_of_the_public_host_and_is_out_once_removed() {
    let served = Served::start().await;
    let (shop, member, cookie) = closed(&served).await;
    let code = code_for(&served, &shop, &cookie, "/orders?page=2").await;
    let back = bring_back(&served, &shop, &code, "http://localhost:8080").await;
    assert_eq!(back.status, 303);
    assert_eq!(back.header("location").as_deref(), Some("/orders?page=2"));
    let set = back.header("set-cookie").unwrap();
    assert!(
        set.starts_with("stoa-visit-8080=") && set.contains("HttpOnly") && set.contains("SameSite=Lax"),
        "{set}"
    );
    assert!(!set.to_lowercase().contains("domain"));
    let visit = format!("Cookie: app=1; {}", set.split(';').next().unwrap());

    let inside = served.get(&shop.host, "/orders?page=2", &[&visit]).await;
    assert_eq!(inside.status, 200);
    assert!(
        inside.body.contains("cookie: app=1\n") && !inside.body.contains("stoa-visit"),
        "{}",
        inside.body
    );
    assert_eq!(inside.header("cache-control").as_deref(), Some("private"));

    // A code works once.
    let twice = bring_back(&served, &shop, &code, "http://localhost:8080").await;
    assert_eq!(twice.status, 403);

    // A socket is open when the right ends.
    served.applications.answer_by(echo_socket());
    served.applications.set(shop.id, RouteState::Running, 2);
    let mut wire = Wire::to(served.port).await;
    wire.write(socket_request(&shop.host, &format!("{visit}\r\n")).as_bytes()).await;
    assert_eq!(wire.answer().await.status, 101);
    wire.write(b"one").await;
    assert_eq!(wire.exactly(3).await, b"one");
    let path = format!("{}/members/{}", shop.workspace_path, member.id);
    let _ = shop.owner.delete(&path, None).await.expect(204);
    let outside = served.get(&shop.host, "/", &[HTML, &visit]).await;
    assert_eq!(outside.status, 303);
    assert!(wire.is_over().await);
}

#[tokio::test]
async fn a_member_comes_back_to_the_domain_that_they_came_from_and_to_no_other() {
    let served = Served::start().await;
    let (mut shop, _, cookie) = closed(&served).await;
    let (given, own) = (shop.host.clone(), "shop.example.org");
    let settings = format!("{}/settings", shop.path);
    let body = json!({ "domains": [{ "host": own }] });
    let claimed = shop.owner.patch(&settings, body).await.expect(200).json();
    let sent = served.get(&given, "/orders", &[HTML]).await.header("location").unwrap();
    let (visit, _) = sent.strip_prefix("http://localhost:8080").unwrap().split_once("&at=").unwrap();
    let way_back = async |at: &str| {
        let target = format!("{visit}&at={at}");
        let page = served.get("localhost:8080", &target, &[HTML, &format!("Cookie: {cookie}")]).await;
        between(&page.body, "action=\"", "\"").to_owned()
    };
    let to_given = format!("http://{given}:8080/.stoa/visit");
    // Not proved, nobody's, and no host at all.
    for at in [own, "evil.example", "localhost:8080", "a%20b", "", "%2F%2Fevil.example"] {
        assert_eq!(way_back(at).await, to_given, "{at}");
    }
    served.world.names.set("_stoa.shop.example.org", &[claimed["domains"][0]["proof"].as_str().unwrap()]);
    served.world.app.check_due_domains().await.unwrap();

    shop.host = own.to_owned();
    let code = code_for(&served, &shop, &cookie, "/orders").await;
    let back = bring_back(&served, &shop, &code, "http://localhost:8080").await;
    assert_eq!((back.status, back.header("location").as_deref()), (303, Some("/orders")));
    let set = back.header("set-cookie").unwrap();
    let visit = format!("Cookie: {}", set.split(';').next().unwrap());
    assert_eq!(served.get(own, "/orders", &[&visit]).await.status, 200);
    // A code for one of its hosts is none for another.
    let code = code_for(&served, &shop, &cookie, "/orders").await;
    shop.host = given;
    assert_eq!(bring_back(&served, &shop, &code, "http://localhost:8080").await.status, 403);
}

#[tokio::test]
async fn whoever_isnt_allowed_is_told_the_same_as_of_an_instance_that_never_was() {
    let served = Served::start().await;
    let (shop, ..) = closed(&served).await;
    let sent = served.get(&shop.host, "/", &[HTML]).await;
    let target = sent.header("location").unwrap().strip_prefix("http://localhost:8080").unwrap().to_owned();

    let nobody = served.get("localhost:8080", &target, &[HTML]).await;
    assert_eq!(nobody.status, 303);
    let login = nobody.header("location").unwrap();
    assert!(login.starts_with("http://localhost:8080/login?to=/visit/"), "{login}");

    let workspace = served
        .world
        .workspace(
            &test_kit::world::Person {
                client: shop.owner.clone(),
                account: String::new(),
                email: String::new(),
            },
            "Other",
        )
        .await;
    let stranger = workspace.member("Sam").await;
    let signed_in = served.world.sign_in(&stranger.person.email, test_kit::world::PASSWORD).await.expect(200);
    let cookie = format!("Cookie: {}", signed_in.cookie().unwrap());
    let refused = served.get("localhost:8080", &target, &[HTML, &cookie]).await;
    let never = format!("/visit/{0}/{0}?to=/", uuid::Uuid::now_v7());
    let unknown = served.get("localhost:8080", &never, &[HTML, &cookie]).await;
    assert_eq!((refused.status, unknown.status), (404, 404));
    assert_eq!(refused.body, unknown.body);
}

#[tokio::test]
async fn only_a_page_that_is_opened_goes_to_the_public_host() {
    let served = Served::start().await;
    let (shop, ..) = closed(&served).await;
    for lines in [
        &["Accept: application/json"][..],
        &[HTML, "Sec-Fetch-Mode: cors"],
        &[HTML, "Sec-Fetch-Dest: iframe"],
    ] {
        let told = served.get(&shop.host, "/", lines).await;
        assert_eq!(told.status, 403, "{lines:?}");
    }
    let host = format!("Host: {}", shop.host);
    let posted = ask(served.port, &["POST / HTTP/1.1", &host, HTML, "Content-Length: 0"], "").await;
    assert_eq!(posted.status, 403);
    assert_eq!(served.applications.opened.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_code_that_another_page_brings_is_refused_and_stays_unused() {
    let served = Served::start().await;
    let (shop, _, cookie) = closed(&served).await;
    let code = code_for(&served, &shop, &cookie, "/").await;
    for origin in ["http://evil.example", "null", "http://localhost:8081"] {
        assert_eq!(bring_back(&served, &shop, &code, origin).await.status, 403, "{origin}");
    }
    assert_eq!(bring_back(&served, &shop, &code, "http://localhost:8080").await.status, 303);
}

#[tokio::test]
async fn signing_out_ends_the_visit() {
    let served = Served::start().await;
    let (shop, _, cookie) = closed(&served).await;
    let code = code_for(&served, &shop, &cookie, "/").await;
    let back = bring_back(&served, &shop, &code, "http://localhost:8080").await;
    let visit = format!("Cookie: {}", back.header("set-cookie").unwrap().split(';').next().unwrap());
    assert_eq!(served.get(&shop.host, "/", &[&visit]).await.status, 200);
    let _ = served.world.nobody().with_cookie(cookie).delete("/api/v1/session", None).await.expect(204);
    assert_eq!(served.get(&shop.host, "/", &[&visit]).await.status, 403);
}

#[tokio::test]
async fn closing_a_public_instance_ends_what_its_visitors_have_open() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Running, 1);
    served.applications.answer_by(echo_socket());
    let mut socket = Wire::to(served.port).await;
    socket.write(socket_request(&shop.host, "").as_bytes()).await;
    assert_eq!(socket.answer().await.status, 101);
    let endless = || async {
        Response::new(Body::from_stream(
            stream::iter([Ok::<_, Infallible>("first")]).chain(stream::pending()),
        ))
    };
    served.applications.answer_by(Router::new().fallback(endless));
    let mut streamed = Wire::to(served.port).await;
    streamed.write(format!("GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", shop.host).as_bytes()).await;
    let _ = streamed.until(b"first\r\n").await;
    let _ = shop.owner.patch(&shop.path, json!({ "visibility": "members" })).await.expect(200);
    assert!(socket.is_over().await);
    assert!(streamed.is_over().await);
}

async fn a_code_comes_back_once(world: test_kit::World) {
    let served = Served::of(world, stoa_http::git::LARGEST_PUSH).await;
    let (shop, _, cookie) = closed(&served).await;
    let other = served.beside().await;
    let origin = "http://localhost:8080";
    let code = code_for(&served, &shop, &cookie, "/").await;
    // It comes back to another process than the one that gave it.
    let back = bring_back_to(other, &shop, &code, origin).await;
    assert_eq!(back.status, 303, "{}", back.body);
    let visit = format!("Cookie: {}", back.header("set-cookie").unwrap().split(';').next().unwrap());
    assert_eq!(served.get(&shop.host, "/", &[&visit]).await.status, 200);
    for port in [served.port, other] {
        assert_eq!(bring_back_to(port, &shop, &code, origin).await.status, 403);
    }
    // Of many at once, one.
    let code = code_for(&served, &shop, &cookie, "/").await;
    let tries = (0..8)
        .map(|number| bring_back_to(if number % 2 == 0 { served.port } else { other }, &shop, &code, origin));
    let told = futures_util::future::join_all(tries).await;
    assert_eq!(told.iter().filter(|told| told.status == 303).count(), 1);
}

test_kit::on_both_databases! {
    async fn a_code_works_once_in_the_whole_installation(world: World) {
        a_code_comes_back_once(world).await;
    }
}
