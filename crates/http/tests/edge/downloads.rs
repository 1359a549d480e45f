//! What is downloaded while the right to it goes.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, once, pending, unfold};
use serde_json::json;
use test_kit::Client;
use tokio::time::Instant;

use crate::losses::{CAUSES, Held};
use crate::served::Served;
use crate::wire::{LONGEST, Wire};

/// Says again and again when it says so, in microseconds behind a moment, and never ends.
fn ticking(since: Instant) -> BoxStream<'static, String> {
    let ticks = unfold((), move |()| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((format!("<{}>", since.elapsed().as_micros()), ()))
    });
    ticks.boxed()
}

/// Says it once, and then nothing, and doesn't end either.
fn stalled() -> BoxStream<'static, String> {
    once(async { "<0>".to_owned() }).chain(pending()).boxed()
}

/// The moments that were told.
fn moments(bytes: &[u8]) -> Vec<u128> {
    let text = String::from_utf8_lossy(bytes);
    text.split('<').filter_map(|one| one.split_once('>')?.0.parse().ok()).collect()
}

/// A download that has begun.
async fn begun(port: u16, path: &str, client: &Client) -> Wire {
    let request = client.request(http::Method::GET, "/", None);
    let cookie = request.headers()["cookie"].to_str().unwrap();
    let mut wire = Wire::to(port).await;
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost:8080\r\nCookie: {cookie}\r\n\r\n");
    wire.write(head.as_bytes()).await;
    let head = String::from_utf8(wire.until(b"\r\n\r\n").await).unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    wire.until(b">").await;
    wire
}

/// Whose right ended at a moment: it breaks off.
async fn breaks_off(name: &str, mut wire: Wire, taken_at: u128) {
    let rest = tokio::time::timeout(LONGEST, wire.rest()).await;
    let rest = rest.unwrap_or_else(|_| panic!("{name} goes on"));
    let late: Vec<_> = moments(&rest).into_iter().filter(|at| *at > taken_at + 1_000_000).collect();
    assert!(late.is_empty(), "{name} brought what was made too late: {late:?}");
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{name}: nobody may take it for the whole");
}

/// It tells of what was made after a moment.
async fn goes_on(wire: &mut Wire, later: u128) {
    loop {
        let told = wire.until(b">").await;
        if moments(&told).into_iter().any(|at| at > later) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_takes_the_right_away_breaks_downloads_off() {
    let served = Served::start().await;
    let world = &served.world;
    let owner = world.set_up().await;
    let workspace = world.workspace(&owner, "Acme").await;
    let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
    let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await.to_string();
    let path = workspace.path(&format!("/instances/{instance}"));
    let made = owner.client.post(&format!("{path}/backups"), json!({})).await.expect(202).field("backup");
    world.drain().await;
    let paths =
        [workspace.path(&format!("/backups/{made}/download")), format!("{path}/logs/download?form=text")];
    let held = Held { world, workspace, instance, actions: &["manage_backups", "view_logs"] };
    let since = Instant::now();
    world.machines.flow(move || ticking(since));
    let mut open = Vec::new();
    for cause in CAUSES {
        let member = held.holder(cause).await;
        let mut wires = Vec::new();
        for path in &paths {
            wires.push(begun(served.port, path, &member.person.client).await);
        }
        open.push((cause, member, wires));
    }
    for (cause, member, mut wires) in open {
        let now = since.elapsed().as_micros();
        for wire in &mut wires {
            // What was taken from others meanwhile is no reason.
            goes_on(wire, now).await;
        }
        let _ = held.lose(cause, &member).await;
        let taken_at = since.elapsed().as_micros();
        for (wire, path) in wires.into_iter().zip(&paths) {
            breaks_off(&format!("{cause}: {path}"), wire, taken_at).await;
            let again = member.person.client.get(path).await;
            assert!(matches!(again.status.as_u16(), 401 | 403 | 404), "{cause}: {}", again.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_breaks_off_when_the_right_to_it_ends() {
    let served = Served::start().await;
    let world = &served.world;
    let owner = world.set_up().await;
    let workspace = world.workspace(&owner, "Acme").await;
    let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
    let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
    let path = workspace.path(&format!("/instances/{instance}"));
    let made = owner.client.post(&format!("{path}/backups"), json!({})).await.expect(202).field("backup");
    world.drain().await;
    let archive = workspace.path(&format!("/backups/{made}/download"));
    let member = workspace.member("Dora Downloads").await;
    let may = |actions: &[&str]| json!({ "actions": actions, "instances": [instance.to_string()] });
    workspace.grant(&member, may(&["manage_backups", "view_logs"])).await;

    let since = Instant::now();
    let mut open = Vec::new();
    for is_ticking in [true, false] {
        world.machines.flow(move || if is_ticking { ticking(since) } else { stalled() });
        for path in [archive.clone(), format!("{path}/logs/download?form=text")] {
            let wire = begun(served.port, &path, &member.person.client).await;
            open.push((format!("{path}, {is_ticking}"), wire));
        }
    }
    // One right after the other: what the one allows isn't what the other does.
    for (left, gone) in [(&["view_logs"][..], "/download"), (&[], "/logs/download")] {
        workspace.grant(&member, may(left)).await;
        let taken_at = since.elapsed().as_micros();
        let (cut, rest): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|(name, _)| left.is_empty() || !name.contains("/logs/download"));
        assert_eq!(cut.len(), 2, "{gone}");
        open = rest;
        for (name, wire) in cut {
            breaks_off(&name, wire, taken_at).await;
        }
        for (_, wire) in open.iter_mut().filter(|(name, _)| name.ends_with("true")) {
            goes_on(wire, taken_at + 1_000_000).await;
        }
    }
}
