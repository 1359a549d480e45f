//! Killed while requests are under way.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::shop::{Ground, W};
use crate::support::{self, until};

#[test]
fn no_request_that_an_application_took_is_missing_in_its_log() {
    let mut ground = Ground::new("Shop");
    let instance = ground.id("shop");
    let (address, goes_on) = (ground.stoa.address, AtomicBool::new(true));
    std::thread::scope(|scope| {
        let _ends = support::GoesOn(&goes_on);
        for visitor in 0..4 {
            let goes_on = &goes_on;
            scope.spawn(move || {
                let mut number = 0;
                while goes_on.load(Ordering::SeqCst) {
                    number += 1;
                    std::thread::sleep(Duration::from_millis(5));
                    let _ = address.try_send(
                        "",
                        "GET",
                        &format!("/take/{visitor}/{number}"),
                        None,
                        "shop-acme.localhost",
                    );
                }
            });
        }
        for _ in 0..5 {
            until("a request that is answered", || ground.visit("shop"));
            std::thread::sleep(Duration::from_millis(200));
            ground.stoa.kill();
            assert_eq!(ground.on_own_socket(&instance).as_deref(), Some("version 0"), "it goes on");
            ground.stoa.run();
        }
        goes_on.store(false, Ordering::SeqCst);
    });
    let data = ground.stoa.data().join("agent/data").join(&instance);
    let taken = std::fs::read_to_string(data.join("taken")).unwrap();
    let mut missing: BTreeSet<String> = taken.lines().map(|path| format!("took {path}")).collect();
    assert!(missing.len() > 20, "{}", missing.len());
    let deadline = tokio::time::Instant::now() + support::PATIENCE;
    loop {
        let path = format!("/api/v1{W}/instances/shop/logs?limit=10000");
        let log =
            ground.stoa.try_send(&ground.owner, "GET", &path, None, "localhost").unwrap().expect(200).text;
        for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            missing.remove(line["text"].as_str().unwrap_or_default());
        }
        if missing.is_empty() {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "of {} lines {missing:?} are gone",
            taken.lines().count()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}
