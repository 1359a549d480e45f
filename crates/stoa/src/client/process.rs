//! `stoa instance processes|schedules`.

use clap::ArgMatches;
use serde_json::Value;

use super::failed::Failed;
use super::show::{table, time};
use super::{Desk, field, needed};

pub async fn run(desk: &Desk, verb: &str, arguments: &ArgMatches) -> Result<(), Failed> {
    let path = desk.path(&["instances", needed(arguments, "which")?, "processes"])?;
    let found = desk.call.get(&path).await?.body;
    let all = found[verb].as_array().into_iter().flatten();
    // Scripts see of the answer what they asked for.
    if verb == "processes" {
        desk.print(&found[verb], |_| {
            let head = ["PROCESS", "RUNS SINCE", "ENDED", "THE LAST TIME"];
            table(&head, all.map(process).collect(), "Nothing of it runs.");
        })
    } else {
        desk.print(&found[verb], |_| {
            let head = ["SCHEDULE", "CRON", "NEXT", "RAN", "WHAT CAME OF IT"];
            table(&head, all.map(schedule).collect(), "It has no schedules: its stoa.toml names none.");
        })
    }
}

fn process(one: &Value) -> Vec<String> {
    let name = one["name"].as_str().unwrap_or("(the application)");
    let since = if one["is_running"] == true { time(one, "began_at") } else { "doesn't run".to_owned() };
    let ended = match one["ends"].as_u64() {
        None | Some(0) => String::new(),
        Some(1) => "once".to_owned(),
        Some(times) => format!("{times} times"),
    };
    vec![name.to_owned(), since, ended, field(one, "last_end").to_owned()]
}

fn schedule(one: &Value) -> Vec<String> {
    let last = &one["runs"][0];
    let came = match (field(last, "outcome"), field(last, "end")) {
        ("", _) if last.is_object() => "it goes on".to_owned(),
        (outcome, "") => outcome.to_owned(),
        (outcome, end) => format!("{outcome} ({end})"),
    };
    vec![
        field(one, "name").to_owned(),
        field(one, "cron").to_owned(),
        time(one, "next_at"),
        time(last, "began_at"),
        came,
    ]
}
