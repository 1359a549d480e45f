//! Those who take their time: they hold their own and nothing of anybody else's.

use std::time::Duration;

use stoa_http::{Crowd, Patience};

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
