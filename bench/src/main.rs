//! Measurements, each as a ratio to a bare reference in the same run: the least axum and SQLite code that answers the
//! same request correctly. A bare time says more of the machine than of Stoa, so it stands beside the ratio only.
//!
//! Logs are searched against ripgrep, on the same files; backups are compared with restic by hand, deployments and restarts
//! with the same process started without anything around it.
//!
//! Arguments choose: decision, requests, logs, deploy, backup, restarts. Without one it is all of them.
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

mod backup;
mod decision;
mod deploy;
mod load;
mod logs;
mod machine;
mod measured;
mod reference;
mod restarts;
mod stoa;

use std::process::ExitCode;

use load::{Load, compare};
use measured::Measured;
use restarts::Lost;

/// What a line of the table has to reach.
const REACH: [f64; 4] = [0.85, 1.6, 0.65, 0.6];

/// Milliseconds that a deployment may take beside what can't be less.
const MORE_OF_A_DEPLOYMENT: f64 = 40.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // As process 1 of a sandbox: the agent that is measured starts this program there.
    if let Some((_, stages)) = arguments.split_first().filter(|(arm, _)| *arm == "init") {
        return ExitCode::from(stoa_agent::init::run(stages).unwrap_or(125));
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    println!("what                              here        reference   ratio   to reach");
    if wanted("decision") {
        decision::measure();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure(wanted));
    ExitCode::SUCCESS
}

async fn measure(wanted: impl Fn(&str) -> bool) {
    if wanted("requests") || wanted("logs") {
        let here = stoa::Installation::new().await;
        if wanted("requests") {
            requests(&here).await;
        }
        if wanted("logs") {
            logs(&here).await;
        }
    }
    if wanted("deploy") {
        let deployed = deploy::measure().await;
        let reach = (deployed.bare + MORE_OF_A_DEPLOYMENT) / deployed.bare;
        took("deployment without a build", &deployed, ("ms", 0), Some(reach));
    }
    if wanted("backup") {
        let [first, first_stored, again, again_stored] = backup::measure().await;
        took("first backup, and read back", &first, ("s", 2), None);
        took("  against storing alone", &first_stored, ("s", 2), None);
        took("unchanged backup, and read back", &again, ("s", 2), None);
        took("  against storing alone", &again_stored, ("s", 2), None);
    }
    if wanted("restarts") {
        let (tried, alone) = restarts::measure().await;
        for restarts::Tried { example, lost: of } in tried {
            match of {
                Ok([soft, switch]) => {
                    lost(&format!("lost in 3 restarts, {example}"), &soft, &alone);
                    lost(&format!("lost in 3 switches, {example}"), &switch, &alone);
                }
                Err(why) => println!("{example} isn't measured: {why}"),
            }
        }
    }
}

async fn requests(here: &stoa::Installation) {
    let bare = reference::Bare::new(here).await;
    let me = compare(&here.get_me(), &bare.get_me(), 16).await;
    line("authenticated GET", me, REACH[0]);
    let list = compare(&here.list(), &bare.list(), 16).await;
    line("list of 100 among 10,000", list, REACH[1]);
    let create = compare(&here.create(), &bare.create(), 64).await;
    line("durable create, 64 connections", create, REACH[2]);
}

async fn logs(here: &stoa::Installation) {
    let [plain, compressed, coloured] = logs::search().await;
    unit("log search against ripgrep", &plain, "MB/s", None);
    unit("the same, compressed", &compressed, "MB/s", None);
    unit("the same, coloured", &coloured, "MB/s", None);
    let followed = logs::follow(here).await;
    unit("1,000 lines/s to 100 followers", &followed, "/s", Some(REACH[3]));
}

/// What takes less where it is better.
fn took(what: &str, measured: &Measured, (unit, digits): (&str, usize), reach: Option<f64>) {
    let Measured { here, bare } = measured;
    let reach = reach.map_or("-".to_owned(), |reach| format!("at most {reach:.2}"));
    println!("{what:<32}{here:>8.digits$}{unit:<4}{bare:>10.digits$}{unit:<4}{:>4.2}   {reach}", here / bare);
}

fn lost(what: &str, here: &Lost, bare: &Lost) {
    let of = |one: &Lost| format!("{} of {}", one.lost, one.asked);
    #[allow(clippy::cast_precision_loss)]
    let ratio = here.lost as f64 / bare.lost.max(1) as f64;
    println!("{what:<32}{:>12}{:>14}{ratio:>8.2}   0", of(here), of(bare));
}

/// What isn't of requests: how many of what.
fn unit(what: &str, measured: &Measured, unit: &str, reach: Option<f64>) {
    let Measured { here, bare } = measured;
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
