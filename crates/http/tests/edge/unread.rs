//! What is refused before it is a request for anything.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::served::Served;
use crate::wire::Wire;

/// A list of the administrators', as somebody asks for it whose program or whose way to us is broken.
async fn asked(served: &Served, path: &str, lines: &[u8]) -> u16 {
    let mut wire = Wire::to(served.port).await;
    // In one piece: it is answered, and hung up on, as soon as what is wrong has come.
    wire.write(&[format!("GET {path} HTTP/1.1\r\n").as_bytes(), lines, b"\r\n\r\n"].concat()).await;
    wire.answer().await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_to_a_broken_request_is_described_with_every_operation() {
    let served = Served::start().await;
    let _ = served.world.set_up().await;
    const PATH: &str = "/api/v1/administration/workspaces";
    const HOST: &str = "Host: localhost:8080";
    let with = |line: &str| format!("{HOST}\r\n{line}").into_bytes();
    let many: Vec<String> = (0..200).map(|number| format!("X-{number}: 1")).collect();
    let mut answered = BTreeSet::new();
    for (lines, status) in [
        (with("If-Match: \"a\u{1}\""), 400),
        (with("Idempotency-Key: a\u{0}b"), 400),
        (with("Idempotency Key: a"), 400),
        (with("Cookie: a\u{7f}b"), 400),
        (with("Host: elsewhere.example"), 400),
        (with("Content-Length: 1\r\nContent-Length: 2"), 400),
        (with(&many.join("\r\n")), 431),
        (with(&format!("X: {}", "x".repeat(70_000))), 431),
    ] {
        assert_eq!(asked(&served, PATH, &lines).await, status, "{}", String::from_utf8_lossy(&lines));
        answered.insert(status.to_string());
    }
    let long = format!("{PATH}?q={}", "x".repeat(70_000));
    assert_eq!(asked(&served, &long, HOST.as_bytes()).await, 431);
    // Letters beyond ASCII are allowed in a header: it says nothing, and who asks is nobody.
    let cookie = [HOST.as_bytes(), b"\r\nCookie: stoa-8080=\xe4"].concat();
    assert_eq!(asked(&served, PATH, &cookie).await, 401);

    let told = served.get("localhost:8080", "/api/v1/openapi.json", &[]).await;
    let description: Value = serde_json::from_str(&told.body).unwrap();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for status in &answered {
                let reference = operation["responses"][status]["$ref"].as_str();
                let reference =
                    reference.unwrap_or_else(|| panic!("{method} {path} says nothing of {status}"));
                let described =
                    &description.pointer(reference.trim_start_matches('#')).unwrap()["description"];
                assert!(described.as_str().is_some_and(|words| words.ends_with('.')), "{described}");
            }
        }
    }
}
