//! Streams live by their lease, and cost no more than a bounded buffer each.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use stoa_agent::client::Client;
use stoa_agent::logs::Writer;
use stoa_agent::protocol::{LogQuery, header};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::support::house::{House, id, pipe};
use crate::support::raw::{Raw, pieces};
use crate::support::{PATIENCE, until};

fn writer(house: &House) -> Writer {
    let folder = house.place.join("state/logs").join(house.instance.to_string());
    std::fs::create_dir_all(&folder).unwrap();
    Writer::at(&folder).unwrap()
}

fn follow() -> LogQuery {
    LogQuery { follow: true, limit: Some(1), ..LogQuery::default() }
}

fn lease() -> [(&'static str, String); 1] {
    [(header::LEASE, id().to_string())]
}

async fn open(raw: &Raw, house: &House, renewals: &'static [&'static [u8]]) -> Incoming {
    let path = format!("/v1/instances/{}/logs?follow=true", house.instance);
    let renewals = stream::iter(renewals).map(|text| Bytes::from_static(text));
    let body = pieces(renewals.chain(stream::pending()));
    let answer = raw.open(Method::GET, &path, &lease(), body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.into_body()
}

/// Bytes that still come, and whether it was cut off at last.
async fn rest(mut body: Incoming) -> (usize, bool) {
    let reading = async {
        let mut bytes = 0;
        loop {
            match body.frame().await {
                None => return (bytes, false),
                Some(Err(_)) => return (bytes, true),
                Some(Ok(piece)) => bytes += piece.into_data().map_or(0, |piece| piece.len()),
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap()
}

#[tokio::test]
async fn a_stream_ends_with_its_lease_whether_anybody_reads_it_or_not() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let mut writer = writer(&house);
    let text = "x".repeat(60_000);
    // More than is ever on its way, and less than a busy machine reads while a lease lasts.
    for at in 0..100 {
        writer.line(at, "stdout", text.as_bytes()).unwrap();
    }
    let raw = Raw::connect(pipe(&machine.agent)).await;
    // Held by the client, which renews it.
    let mut held = Box::pin(machine.client.logs(house.instance, &follow()).await.unwrap());
    assert!(held.next().await.unwrap().is_ok());
    let never_read = open(&raw, &house, &[b"\"lease\"\n"]).await;
    // Whatever is no renewal ends it at once.
    let nonsense = open(&raw, &house, &[b"\"lease\"\n", b"{\"lease\": true}\n"]).await;
    let (_, was_cut) = rest(nonsense).await;
    assert!(was_cut);
    // Behind this one's end the leases of both have run out.
    let (bytes, was_cut) = rest(open(&raw, &house, &[b"\"lea", b"se\"\n"]).await).await;
    assert!(was_cut);
    assert!(bytes > 100 * 60_000, "as long as it lasts it is read to its end: {bytes}");
    let (bytes, was_cut) = rest(never_read).await;
    assert!(was_cut);
    assert!(bytes < 4 << 20, "what was on its way, and not the whole log: {bytes}");

    writer.line(999, "stdout", b"later").unwrap();
    let later = tokio::time::timeout(PATIENCE, held.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(later.text, "later", "whoever renews is still told");
}

/// Counts what comes through.
struct Counted<S>(S, Arc<AtomicUsize>);

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.0).poll_read(context, buffer);
        self.1.fetch_add(buffer.filled().len() - before, Ordering::SeqCst);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[tokio::test]
async fn who_reads_slowly_costs_a_bounded_buffer_and_holds_up_nobody() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let mut writer = writer(&house);
    for at in 0..40_000 {
        writer.line(at, "stdout", "y".repeat(1000).as_bytes()).unwrap();
    }
    let came = Arc::new(AtomicUsize::new(0));
    let client = Client::connect(Counted(pipe(&machine.agent), came.clone())).await.unwrap();
    let all = LogQuery { from: Some(0), follow: true, ..LogQuery::default() };
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut lines = Box::pin(client.logs(house.instance, &all).await.unwrap());
        assert_eq!(lines.next().await.unwrap().unwrap().at, 0);
        slow.push(lines);
    }
    // All that may be on its way is.
    until("the windows are full", async || (came.load(Ordering::SeqCst) > 100 * 100_000).then_some(())).await;
    for _ in 0..100 {
        assert_eq!(client.instances().await.unwrap(), []);
    }
    let held = came.load(Ordering::SeqCst);
    assert!(held < 100 * 256 * 1024, "of 40 MB each, {held} bytes came for a hundred readers");
    // Meanwhile somebody reads all of it, unto its end.
    let whole = client.logs(house.instance, &LogQuery::default()).await.unwrap();
    assert_eq!(whole.filter(|line| std::future::ready(line.is_ok())).count().await, 40_000);
    // And whoever goes on reading gets the rest, whole and in order.
    let lines = slow.pop().unwrap();
    drop(slow);
    let at: Vec<i64> = lines.take(39_999).map(|line| line.unwrap().at).collect().await;
    assert_eq!(at, (1..40_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_log_is_searched_bounded_and_followed_before_it_is_there() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let all = LogQuery { follow: true, ..LogQuery::default() };
    let mut early = Box::pin(machine.client.logs(house.instance, &all).await.unwrap());
    let mut writer = writer(&house);
    for (at, text) in [(1, "one"), (2, "Two & 2"), (3, "three")] {
        writer.line(at, "stdout", text.as_bytes()).unwrap();
    }
    let first = tokio::time::timeout(PATIENCE, early.next()).await.unwrap().unwrap().unwrap();
    assert_eq!((first.at, first.stream.as_str(), first.text.as_str()), (1, "stdout", "one"));
    let texts = async |query: LogQuery| {
        let lines = machine.client.logs(house.instance, &query).await.unwrap();
        lines.map(|line| line.unwrap().text).collect::<Vec<_>>().await
    };
    assert_eq!(texts(LogQuery::default()).await, ["one", "Two & 2", "three"]);
    assert_eq!(
        texts(LogQuery { query: Some("two & 2".to_owned()), ..LogQuery::default() }).await,
        ["Two & 2"]
    );
    assert_eq!(texts(LogQuery { limit: Some(1), ..LogQuery::default() }).await, ["three"]);
    assert_eq!(texts(LogQuery { from: Some(2), to: Some(2), ..LogQuery::default() }).await, ["Two & 2"]);
    assert_eq!(
        texts(LogQuery { after: Some(first.position), limit: Some(1), ..LogQuery::default() }).await,
        ["Two & 2"]
    );
    let deployment = LogQuery { source: Some(id().to_string()), ..LogQuery::default() };
    assert_eq!(texts(deployment).await, Vec::<String>::new());
    let wrong = LogQuery { source: Some("../logs".to_owned()), ..LogQuery::default() };
    let refused = machine.client.logs(house.instance, &wrong).await.err().and_then(|error| error.code());
    assert_eq!(refused, Some(stoa_agent::protocol::Code::Invalid));
}
