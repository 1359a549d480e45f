//! Those who take their time: they hold their own and nothing of anybody else's.

use std::time::Duration;

use stoa_http::proxy::RouteState;
use stoa_http::{Crowd, Patience};
use test_kit::world::PASSWORD;

use crate::proxy::{echo_socket, socket_request};
use crate::served::Served;
use crate::wire::{Wire, ask};

const HEALTH: [&str; 2] = ["GET /api/v1/health HTTP/1.1", "Host: localhost:8080"];

/// Connections of which one address has 16.
fn small() -> Crowd {
    Crowd::of_connections(0, Vec::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_comes_is_answered_and_its_connection_let_go() {
    let served = Served::start().await;
    let _ = served.world.set_up().await;
    let soon = Duration::from_millis(100);
    let port = served.otherwise(Patience { still: soon, whole: 10 * soon }, small()).await;
    let head = "POST /api/v1/session HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
    let mut wires = Vec::new();
    for _ in 0..10 {
        let mut wire = Wire::to(port).await;
        wire.write(head.as_bytes()).await;
        wires.push(wire);
    }
    for wire in &mut wires {
        let told = wire.answer().await;
        assert_eq!(told.status, 408, "{}", told.body);
        assert!(told.body.contains("request_timeout"), "{}", told.body);
        assert!(wire.is_over().await);
    }
    // Their places are free again.
    assert_eq!(ask(port, &HEALTH, "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_never_takes_all_connections() {
    let served = Served::start().await;
    let port = served.otherwise(Patience::default(), small()).await;
    let mut held = Vec::new();
    for _ in 0..16 {
        // Each is answered once, so that it is known to be there, and then says nothing more.
        let mut wire = Wire::to(port).await;
        wire.write(format!("{}\r\n\r\n", HEALTH.join("\r\n")).as_bytes()).await;
        assert_eq!(wire.answer().await.status, 200);
        held.push(wire);
    }
    assert!(Wire::to(port).await.is_over().await, "a seventeenth is let go");
    let mut elsewhere = Wire::from("127.0.0.2", port).await;
    elsewhere.write(format!("{}\r\n\r\n", HEALTH.join("\r\n")).as_bytes()).await;
    assert_eq!(elsewhere.answer().await.status, 200);
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_changes_its_protocol_keeps_its_place() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Running, 1);
    served.applications.answer_by(echo_socket());
    let port = served.otherwise(Patience::default(), small()).await;
    let mut held = Vec::new();
    for _ in 0..16 {
        let mut wire = Wire::to(port).await;
        wire.write(socket_request(&shop.host, "").as_bytes()).await;
        assert_eq!(wire.answer().await.status, 101);
        wire.write(b"one").await;
        assert_eq!(wire.exactly(3).await, b"one");
        held.push(wire);
    }
    assert!(Wire::to(port).await.is_over().await, "a seventeenth is let go");
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_its_session_has_ended_writes_nothing() {
    let served = Served::start().await;
    let olga = served.world.set_up().await;
    let cookie = served.world.sign_in(&olga.email, PASSWORD).await.expect(200).cookie().expect("a session");
    let body = r#"{"name":"left behind"}"#;
    let mut wire = Wire::to(served.port).await;
    let head = format!(
        "POST /api/v1/me/tokens HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\nCookie: {cookie}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    wire.write(head.as_bytes()).await;
    // Whoever asks for the body has decided.
    let _ = wire.until(b"100 Continue\r\n\r\n").await;
    let sessions = olga.client.get("/api/v1/me/sessions").await.expect(200).json();
    let ended = sessions["items"].as_array().expect("a list").iter().find(|one| one["is_current"] == false);
    let id = ended.and_then(|one| one["id"].as_str()).expect("the other session");
    let _ = olga.client.delete(&format!("/api/v1/me/sessions/{id}"), None).await.expect(204);
    wire.write(body.as_bytes()).await;
    assert_eq!(wire.answer().await.status, 401);
    assert_eq!(olga.client.get("/api/v1/me/tokens").await.expect(200).json()["items"], serde_json::json!([]));
}

/// It is answered while it still comes, and a connection that is closed right then would take the answer with it.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_still_sends_a_body_that_is_too_large_gets_the_answer() {
    let served = Served::start().await;
    let _ = served.world.set_up().await;
    let cookie =
        served.world.sign_in("olga@example.com", PASSWORD).await.expect(200).cookie().expect("a session");
    // Far more than two sides hold for each other.
    let many = vec![b' '; 24 * 1024 * 1024];
    let length = format!("Content-Length: {}", many.len());
    let chunked = "Transfer-Encoding: chunked".to_owned();
    for (signed_in, coded, status, code) in [
        (true, &length, 413, "payload_too_large"),
        (true, &chunked, 413, "payload_too_large"),
        (false, &length, 401, "unauthenticated"),
    ] {
        let cookie = if signed_in { format!("Cookie: {cookie}\r\n") } else { String::new() };
        let mut wire = Wire::to(served.port).await;
        let head = format!(
            "POST /api/v1/workspaces HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\n{cookie}\
             Content-Type: application/json\r\n{coded}\r\n\r\n"
        );
        wire.write(head.as_bytes()).await;
        if coded == &chunked {
            wire.write(format!("{:x}\r\n", many.len()).as_bytes()).await;
            wire.write(&many).await;
            wire.write(b"\r\n0\r\n\r\n").await;
        } else {
            wire.write(&many).await;
        }
        let told = wire.answer().await;
        assert_eq!(told.status, status, "{}", told.body);
        assert!(told.body.contains(code), "{}", told.body);
        assert!(wire.is_over().await);
    }
}
