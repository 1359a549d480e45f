//! Requests for instances.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::StatusCode;
use hyper_util::rt::TokioIo;
use stoa_http::proxy::RouteState;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::served::Served;
use crate::wire::{Told, Wire, ask};

const HTML: &str = "Accept: text/html";

#[tokio::test]
async fn an_application_sees_the_request_without_anything_of_stoas() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Running, 1);
    let host = format!("Host: {}.:8080", shop.host.to_uppercase());
    let told = ask(
        served.port,
        &[
            "POST /orders?id=7 HTTP/1.1",
            &host,
            "Cookie: a=1; __Host-stoa=secret; stoa-8080=secret; b=2",
            "X-Forwarded-For: 1.2.3.4",
            "Forwarded: for=1.2.3.4",
            "Connection: keep-alive, X-Hop",
            "X-Hop: 1",
            "X-Own: kept",
            "Content-Length: 5",
        ],
        "hello",
    )
    .await;
    assert_eq!(told.status, 200);
    assert!(told.body.starts_with("POST /orders?id=7 HTTP/1.1\n"), "{}", told.body);
    assert!(told.body.ends_with("\n\nhello"));
    assert!(told.body.contains(&format!("\nhost: {}:8080\n", shop.host)), "{}", told.body);
    for wanted in [
        "cookie: a=1; b=2\n",
        "x-forwarded-for: 127.0.0.1\n",
        "x-forwarded-proto: http\n",
        "x-own: kept\n",
        "content-length: 5\n",
    ] {
        assert!(told.body.contains(wanted), "{wanted} in {}", told.body);
    }
    for unwanted in ["secret", "1.2.3.4", "x-hop", "forwarded: for"] {
        assert!(!told.body.contains(unwanted), "{unwanted} in {}", told.body);
    }
}

#[tokio::test]
async fn a_request_whose_visitor_leaves_before_the_answer_is_written_down_too() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Running, 1);
    let mut noted = served.applications.noted.subscribe();
    let _ = served.get(&shop.host, "/answered", &[]).await;
    let (asked, mut is_asked) = tokio::sync::mpsc::channel::<()>(1);
    served.applications.answer_by(Router::new().fallback(move || {
        let asked = asked.clone();
        async move {
            let _ = asked.send(()).await;
            std::future::pending::<Response>().await
        }
    }));
    served.applications.set(shop.id, RouteState::Running, 2);
    let mut wire = Wire::to(served.port).await;
    wire.write(format!("GET /slow?token=x HTTP/1.1\r\nHost: {}\r\n\r\n", shop.host).as_bytes()).await;
    is_asked.recv().await.unwrap();
    drop(wire);
    let lines = noted.wait_for(|lines| lines.len() == 2).await.unwrap().clone();
    assert!(lines[0].2.starts_with("GET /answered 200 in "), "{lines:?}");
    assert!(lines[1].1 == 499 && lines[1].2.starts_with("GET /slow?… 499 in "), "{lines:?}");
}

#[tokio::test]
async fn an_answer_comes_back_without_what_would_reach_beyond_its_host() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Running, 1);
    served.applications.answer_by(Router::new().fallback(|| async {
        Response::builder()
            .status(201)
            .header("set-cookie", "own=1; Path=/")
            .header("set-cookie", "wide=1; Domain=localhost")
            .header("set-cookie", "stoa-8080=taken")
            .header("keep-alive", "timeout=5")
            .header("x-own", "kept")
            .body(Body::from("made"))
            .unwrap()
    }));
    let told = served.get(&shop.host, "/", &[]).await;
    assert_eq!((told.status, told.body.as_str()), (201, "made"));
    assert_eq!(told.header("x-own").as_deref(), Some("kept"));
    assert!(told.head.contains("own=1; Path=/"));
    assert!(!told.head.contains("wide") && !told.head.contains("taken") && !told.head.contains("timeout=5"));
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_clean_answer_and_for_the_same_running_form_only() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Running, 1);
    let get = |wire: &mut Wire| {
        let _ = wire;
        format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", shop.host)
    };
    let mut wire = Wire::to(served.port).await;
    for _ in 0..20 {
        let request = get(&mut wire);
        wire.write(request.as_bytes()).await;
        assert_eq!(wire.answer().await.status, 200);
    }
    let opened = served.applications.opened.load(Ordering::SeqCst);
    assert!(opened < 20, "{opened} connections for 20 requests");
    // Another running form answers from now on.
    served.applications.set(shop.id, RouteState::Running, 2);
    let request = get(&mut wire);
    wire.write(request.as_bytes()).await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(served.applications.opened.load(Ordering::SeqCst), opened + 1);

    // An answer that breaks off leaves no connection behind, and doesn't look whole.
    let tear = Arc::new(tokio::sync::Notify::new());
    let torn = tear.clone();
    served.applications.answer_by(Router::new().fallback(move || {
        let torn = torn.clone();
        async move {
            let half = futures_util::stream::iter([Ok("half")]);
            let rest = futures_util::stream::once(async move {
                torn.notified().await;
                Err(std::io::Error::other("torn"))
            });
            Response::new(Body::from_stream(half.chain(rest)))
        }
    }));
    served.applications.set(shop.id, RouteState::Running, 3);
    let request = get(&mut wire);
    wire.write(request.as_bytes()).await;
    let head = String::from_utf8(wire.until(b"\r\n\r\n").await).unwrap();
    assert!(head.contains("200") && head.contains("chunked"), "{head}");
    assert_eq!(wire.until(b"half\r\n").await, b"4\r\nhalf\r\n");
    tear.notify_one();
    while !wire.is_over().await {}
}

#[tokio::test]
async fn requests_wait_while_an_instance_restarts_and_none_fails() {
    let served = Arc::new(Served::start().await);
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Waiting, 1);
    let waiting: Vec<_> = (0..50)
        .map(|number| {
            let (served, host) = (served.clone(), shop.host.clone());
            tokio::spawn(async move {
                let host = format!("Host: {host}");
                let body = format!("order {number}");
                let length = format!("Content-Length: {}", body.len());
                ask(served.port, &["POST /orders HTTP/1.1", &host, &length], &body).await
            })
        })
        .collect();
    // All of them have come and none was carried on.
    while served.applications.asked.load(Ordering::SeqCst) < 50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(served.applications.opened.load(Ordering::SeqCst), 0);
    assert!(waiting.iter().all(|one| !one.is_finished()));
    // The new process takes a moment to listen.
    served.applications.refuses.store(10, Ordering::SeqCst);
    served.applications.set(shop.id, RouteState::Running, 2);
    for (number, one) in waiting.into_iter().enumerate() {
        let told = one.await.unwrap();
        assert_eq!(told.status, 200);
        assert!(told.body.ends_with(&format!("order {number}")), "{}", told.body);
    }
}

#[tokio::test]
async fn no_more_than_a_thousand_requests_wait() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Waiting, 1);
    let mut answers = FuturesUnordered::new();
    for _ in 0..1_001 {
        let mut wire = Wire::to(served.port).await;
        wire.write(format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", shop.host).as_bytes()).await;
        answers.push(async move { wire.answer().await });
    }
    // Whichever comes last to wait is told so, and all others wait on.
    let told = answers.next().await.expect("an answer");
    assert_eq!(told.status, 503);
    assert!(told.header("retry-after").is_some());
    served.applications.set(shop.id, RouteState::Running, 1);
    let others: Vec<Told> = answers.collect().await;
    assert!(others.len() == 1_000 && others.iter().all(|told| told.status == 200));
}

#[tokio::test]
async fn a_request_that_can_be_repeated_outlives_the_process_that_took_it() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Running, 1);
    let seen = Arc::new(Mutex::new(0));
    let counted = seen.clone();
    served.applications.answer_by(Router::new().fallback(move || {
        let count = {
            let mut seen = counted.lock().unwrap();
            *seen += 1;
            *seen
        };
        async move {
            // The first process ends without a word.
            assert!(count > 1, "killed");
            "again"
        }
    }));
    let told = served.get(&shop.host, "/", &[]).await;
    assert_eq!((told.status, told.body.as_str()), (200, "again"));
    // What may have been acted on isn't sent twice.
    *seen.lock().unwrap() = 0;
    let host = format!("Host: {}", shop.host);
    let told = ask(served.port, &["POST / HTTP/1.1", &host, "Content-Length: 1"], "x").await;
    assert_eq!(told.status, 502);
    assert_eq!(*seen.lock().unwrap(), 1);
}

#[tokio::test]
async fn visitors_are_told_plainly_what_an_instance_does() {
    let served = Served::start().await;
    let shop = served.shop().await;
    for (state, word) in [
        (RouteState::Stopped, "switched off"),
        (RouteState::Failed, "started"),
        (RouteState::Starting, "being started"),
    ] {
        served.applications.set(shop.id, state, 1);
        let page = served.get(&shop.host, "/", &[HTML]).await;
        assert_eq!(page.status, 503);
        assert!(page.body.contains(word), "{state:?}: {}", page.body);
        assert!(page.body.contains("noindex") && page.header("x-robots-tag").is_some());
        assert!(page.header("retry-after").is_some());
        let text = page.body.to_lowercase();
        assert!(!text.contains("acme") && !text.contains("stoa") && !text.contains("src="), "{text}");
        let plain = served.get(&shop.host, "/", &[]).await;
        assert!(plain.header("content-type").unwrap().starts_with("text/plain"));
    }
}

#[tokio::test]
async fn every_visitor_is_counted_once_with_how_they_were_answered() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.answer_by(Router::new().fallback(|request: Request| async move {
        let is_broken = request.uri().path() == "/broken";
        if is_broken { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::NOT_FOUND }
    }));
    served.applications.set(shop.id, RouteState::Running, 1);
    for path in ["/", "/broken", "/.stoa/x"] {
        let _ = served.get(&shop.host, path, &[]).await;
    }
    // What Stoa answers itself, because the application doesn't run, is an error to whoever came.
    served.applications.set(shop.id, RouteState::Stopped, 2);
    let _ = served.get(&shop.host, "/", &[]).await;
    let _ = served.get("nobodys.localhost", "/", &[]).await;
    let noted: Vec<_> =
        served.applications.noted.borrow().iter().map(|(of, status, _)| (*of, *status)).collect();
    assert_eq!(noted, [(shop.id, 404), (shop.id, 500), (shop.id, 503)]);
}

#[tokio::test]
async fn a_machine_that_hasnt_spoken_yet_is_waited_for() {
    let served = Arc::new(Served::start().await);
    let shop = served.shop().await;
    // For one that stays away nobody waits: how it answers is asked once, and not again and again.
    served.applications.set(shop.id, RouteState::Away, 0);
    let told = served.get(&shop.host, "/", &[]).await;
    assert_eq!((told.status, served.applications.asked.swap(0, Ordering::SeqCst)), (502, 1), "{}", told.body);
    served.applications.set(shop.id, RouteState::Unknown, 0);
    let (asking, host) = (served.clone(), shop.host.clone());
    let told = tokio::spawn(async move { asking.get(&host, "/", &[]).await });
    while served.applications.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    served.applications.set(shop.id, RouteState::Running, 1);
    assert_eq!(told.await.unwrap().status, 200);
}

#[tokio::test]
async fn the_reserved_folder_never_reaches_an_application() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Running, 1);
    for path in ["/.stoa/x", "/.stoa", "/%2Estoa/visit", "/.STOA/visit"] {
        let told = served.get(&shop.host, path, &[]).await;
        assert_eq!(told.status, 404, "{path}");
    }
    assert_eq!(served.applications.opened.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_socket_is_carried_through_both_ways() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Running, 1);
    served.applications.answer_by(echo_socket());
    let mut wire = Wire::to(served.port).await;
    wire.write(socket_request(&shop.host, "").as_bytes()).await;
    let told = wire.answer().await;
    assert_eq!(told.status, 101);
    assert_eq!(told.header("upgrade").as_deref(), Some("websocket"));
    for text in ["one", "two"] {
        wire.write(text.as_bytes()).await;
        assert_eq!(wire.exactly(3).await, text.as_bytes());
    }
    wire.write(b"bye").await;
    assert_eq!(wire.exactly(3).await, b"bye");
    assert!(wire.is_over().await);
}

pub fn socket_request(host: &str, more: &str) -> String {
    format!("GET /socket HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{more}\r\n")
}

/// Changes the protocol, then gives back what it is given, until it is told `bye`.
pub fn echo_socket() -> Router {
    Router::new().fallback(|mut request: Request| async move {
        assert_eq!(request.headers()["upgrade"], "websocket");
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
            let mut stream = TokioIo::new(upgraded);
            let mut piece = [0; 1024];
            while let Ok(count @ 1..) = stream.read(&mut piece).await {
                stream.write_all(&piece[..count]).await.unwrap();
                if &piece[..count] == b"bye" {
                    break;
                }
            }
        });
        Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .body(Body::empty())
            .unwrap()
    })
}

#[tokio::test]
async fn bodies_stream_both_ways_without_being_kept() {
    let served = Served::start().await;
    let shop = served.shop().await;
    served.applications.set(shop.id, RouteState::Running, 1);
    // Gives back each piece as it comes.
    served.applications.answer_by(Router::new().fallback(|request: Request| async move {
        Response::new(Body::from_stream(request.into_body().into_data_stream()))
    }));
    let mut wire = Wire::to(served.port).await;
    wire.write(
        format!("POST / HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n", shop.host).as_bytes(),
    )
    .await;
    wire.write(b"5\r\nfirst\r\n").await;
    let head = wire.until(b"\r\n\r\n").await;
    assert!(head.starts_with(b"HTTP/1.1 200"));
    assert_eq!(wire.until(b"first\r\n").await, b"5\r\nfirst\r\n");
    wire.write(b"6\r\nsecond\r\n0\r\n\r\n").await;
    assert_eq!(wire.until(b"0\r\n\r\n").await, b"6\r\nsecond\r\n0\r\n\r\n");
}
