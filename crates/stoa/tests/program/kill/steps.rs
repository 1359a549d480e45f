//! Killed at each step of a deployment.

use std::path::PathBuf;

use super::shop::{Ground, TOML};
use crate::support::owners::until_all_is_owned;
use crate::support::tracer::{Call, Moment, kill_at};
use crate::support::until;

/// Where a deployment is cut off.
enum At {
    /// At a call that it makes there and nowhere else.
    Call(Moment),
    /// While the application's own command waits: beside which files.
    Waiting { wait: PathBuf, here: PathBuf },
}

impl Ground {
    /// Each step by its name. `old` is the release that runs before it: it is looked at when it is ended, which is in the
    /// last step, or before the new one is started.
    fn moments(&self, instance: &str, old: &str, overlaps: bool) -> Vec<(&'static str, At)> {
        let call = |call: Call, names: &[&str], is_done: bool| At::Call(Moment::at(call, names, is_done));
        let (releases, run) = (format!("/releases/{instance}/"), format!("/run/{instance}/"));
        let current = format!("/current/{instance}");
        let agent = self.stoa.data().join("agent");
        let (cache, data) = (agent.join("cache").join(instance), agent.join("data").join(instance));
        let made = Moment::at(Call::Rename, &[&releases, ".json"], true);
        let current_is_new = Moment::at(Call::Rename, &[&current], true);
        vec![
            ("fetch", call(Call::MakeFolder, &[&releases], false)),
            ("fetch, its end", call(Call::Remove, &["/mirrors/", "/index-"], false)),
            ("read", call(Call::Open, &[&releases, "/stoa.toml"], false)),
            ("build", At::Waiting { wait: cache.join("wait"), here: cache.join("here") }),
            ("store", call(Call::Change, &[&releases], false)),
            ("store, its end", call(Call::Rename, &[&releases, ".json"], false)),
            ("release", At::Waiting { wait: data.join("wait-release"), here: data.join("here-release") }),
            ("start", call(Call::Open, &[&run, "/start.log"], false)),
            ("start, its end", call(Call::Open, &[&run, "/sandbox.new"], false)),
            ("health", At::Waiting { wait: data.join("wait-health"), here: data.join("here-health") }),
            ("switch", call(Call::Rename, &[&current], false)),
            ("switch, its end", call(Call::Rename, &[&current], true)),
            // It is looked at when the files are taken out as well, for what is linked of it.
            (
                if overlaps { "settle" } else { "stop" },
                At::Call(
                    Moment::at(Call::Open, &[&releases, &format!("/{old}.json")], false).after(if overlaps {
                        current_is_new
                    } else {
                        made
                    }),
                ),
            ),
            ("the end", call(Call::Rename, &["/operations/"], false)),
        ]
    }
}

fn deployments_are_cut_off(ground: &mut Ground, first_version: usize, overlaps: bool) {
    let instance = ground.id("shop");
    let count = ground.moments(&instance, "", overlaps).len();
    for number in 0..count {
        let (old, new) = (first_version + number, first_version + number + 1);
        let before = ground.current(&instance);
        let (step, at) = ground.moments(&instance, &before, overlaps).swap_remove(number);
        let old_or_new = [format!("version {old}"), format!("version {new}")];
        match at {
            At::Call(moment) => {
                let tracer = kill_at(ground.stoa.pid(), moment);
                let _ = ground.push(new);
                assert!(tracer.join().unwrap(), "{step}: it didn't come there");
                ground.stoa.was_killed();
            }
            At::Waiting { wait, here } => {
                std::fs::write(&wait, "").unwrap();
                let _ = ground.push(new);
                until(step, || here.exists().then_some(()));
                ground.stoa.kill();
                std::fs::remove_file(wait).unwrap();
                std::fs::remove_file(here).unwrap();
            }
        }
        let is_switched = matches!(step, "switch, its end" | "settle" | "the end");
        let now = ground.current(&instance);
        assert_eq!(
            now != before,
            is_switched,
            "{step}: what it was cut off in is the old one or the new one"
        );
        let wanted = &old_or_new[usize::from(is_switched)];
        if overlaps || is_switched {
            assert_eq!(ground.on_own_socket(&instance).as_ref(), Some(wanted), "{step}: with Stoa dead");
        }

        ground.stoa.run();
        let deployed = until("the deployment", || {
            // Until it is over nothing else ever answers than the old one or the new one.
            if let Some(answer) = ground.visit("shop") {
                assert!(old_or_new.contains(&answer), "{step}: {answer}");
            }
            Some(ground.newest_deployment("shop")).filter(|one| one["ended_at"].is_string())
        });
        assert_eq!(deployed["status"], "succeeded", "{step}: {deployed}");
        until("the new one", || ground.visit("shop").filter(|answer| *answer == old_or_new[1]));
        assert_ne!(ground.current(&instance), before, "{step}");
        until_all_is_owned(&ground.stoa);
        assert_eq!(ground.on_own_socket(&instance).as_ref(), Some(&old_or_new[1]), "{step}");
    }
}

#[test]
fn a_deployment_that_is_cut_off_at_any_step_leaves_the_old_or_the_new() {
    let mut ground = Ground::new("Shop");
    deployments_are_cut_off(&mut ground, 0, true);
}

#[test]
fn so_does_one_that_stops_the_old_before_it_starts_the_new() {
    let mut ground = Ground::new("Shop");
    let toml = TOML.replace("[run]\n", "[run]\noverlap = false\n");
    std::fs::write(ground.files.join("stoa.toml"), toml).unwrap();
    let commit = ground.push(0);
    let deployed = until("one that doesn't overlap", || {
        Some(ground.newest_deployment("shop"))
            .filter(|newest| newest["commit"] == commit.as_str() && newest["ended_at"].is_string())
    });
    assert_eq!(deployed["status"], "succeeded", "{deployed}");
    deployments_are_cut_off(&mut ground, 0, false);
}
