//! Measurements, each as a ratio to a bare reference in the same run: the least axum and SQLite code that answers the
//! same request correctly. A bare time says more of the machine than of Stoa, so it stands beside the ratio only.
//!
//! Logs are searched against ripgrep, on the same files.
//!
//! Both sides are asked by turns, over loopback, by the same clients, in the same process.

// What is measured here are durations, what is printed is the result, and a bench that can't go on ends.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod decision;
mod load;
mod logs;
mod reference;
mod stoa;

use load::{Load, compare};

/// What a line of the table has to reach.
const REACH: [f64; 4] = [0.85, 1.6, 0.65, 0.6];

fn main() {
    println!("what                              here        reference   ratio   to reach");
    decision::measure();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    let here = stoa::Installation::new().await;
    let bare = reference::Bare::new(&here).await;

    let me = compare(&here.get_me(), &bare.get_me(), 16).await;
    line("authenticated GET", me, REACH[0]);
    let list = compare(&here.list(), &bare.list(), 16).await;
    line("list of 100 among 10,000", list, REACH[1]);
    let create = compare(&here.create(), &bare.create(), 64).await;
    line("durable create, 64 connections", create, REACH[2]);

    let [plain, compressed, coloured] = logs::search().await;
    unit("log search against ripgrep", &plain, "MB/s", None);
    unit("the same, compressed", &compressed, "MB/s", None);
    unit("the same, coloured", &coloured, "MB/s", None);
    let followed = logs::follow(&here).await;
    unit("1,000 lines/s to 100 followers", &followed, "/s", Some(REACH[3]));
}

/// What isn't of requests: how many of what.
fn unit(what: &str, measured: &logs::Measured, unit: &str, reach: Option<f64>) {
    let logs::Measured { here, bare } = measured;
    let reach = reach.map_or("-".to_owned(), |reach| format!("{reach:.2}"));
    println!("{what:<32}{here:>8.0}{unit:<4}{bare:>10.0}{unit:<4}{:>4.2}   {reach}", here / bare);
}

fn line(what: &str, (here, bare): (f64, f64), reach: f64) {
    println!("{what:<32}{here:>8.0}/s  {bare:>10.0}/s  {:>6.2}   {reach:.2}", here / bare);
}

/// Asked of both sides alike.
fn load(address: std::net::SocketAddr, request: impl Fn(usize) -> String + Send + Sync + 'static) -> Load {
    Load { address, request: std::sync::Arc::new(request) }
}
