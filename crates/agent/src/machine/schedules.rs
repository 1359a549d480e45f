//! What is run at its times, and the processes beside it: as they are now, and what came of the last runs, which is kept
//! across sandboxes and the agent's own end.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stoa_domain::InstanceId;

use super::Agent;
use super::instance::{Instance, Running};
use super::operation::Refused;
use super::release;
use crate::folders;
use crate::init::schedules::REMEMBERED;
use crate::init::{Control, ScheduleOutcome, ScheduleRun, ScheduleStatus, Status};
use crate::protocol::{ProcessView, ProcessesView, RunOutcome, RunView, ScheduleView};
use crate::stoa_toml::Cron;

/// How long process 1 may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

const MINUTE: i64 = 60_000_000;

/// The last runs of each schedule, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ran(BTreeMap<String, Vec<ScheduleRun>>);

impl Ran {
    fn load(file: &Path) -> io::Result<Self> {
        match std::fs::read(file) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// With what a sandbox tells. What it knows nothing of ran in one that has ended.
    fn with(&self, told: &[ScheduleStatus], now: i64) -> Self {
        let mut ran = BTreeMap::new();
        for status in told {
            let is_told = |run: &&ScheduleRun| status.runs.iter().all(|one| one.began != run.began);
            let kept = self.0.get(&status.name).into_iter().flatten().filter(is_told);
            let mut runs: Vec<_> = kept.map(|run| ended(run, now)).chain(status.runs.clone()).collect();
            runs.sort_by_key(|run| std::cmp::Reverse(run.began));
            runs.truncate(REMEMBERED);
            ran.insert(status.name.clone(), runs);
        }
        Self(ran)
    }

    fn all_ended(&self, now: i64) -> Self {
        let ended = |runs: &Vec<ScheduleRun>| runs.iter().map(|run| ended(run, now)).collect();
        Self(self.0.iter().map(|(name, runs)| (name.clone(), ended(runs))).collect())
    }
}

fn ended(run: &ScheduleRun, now: i64) -> ScheduleRun {
    if run.ended.is_some() {
        return run.clone();
    }
    ScheduleRun {
        began: run.began,
        ended: Some(now),
        outcome: Some(ScheduleOutcome::Stopped),
        end: Some("stopped".to_owned()),
    }
}

/// While it is held, no sandbox of the instance is told that it is its turn: there are two.
pub(super) struct Switching<'s>(&'s AtomicBool);

impl<'s> Switching<'s> {
    pub fn of(instance: &'s Instance) -> Self {
        instance.is_switching.store(true, Ordering::SeqCst);
        Self(&instance.is_switching)
    }
}

impl Drop for Switching<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Agent {
    /// Of the sandbox that answers: that it is its turn, and what it has run.
    pub(super) async fn look_at_schedules(&self, instance: &Instance, running: &Running, status: &Status) {
        if status.schedules.is_empty() {
            return;
        }
        self.remember(instance, |ran, now| ran.with(&status.schedules, now));
        if status.runs_schedules || instance.is_switching.load(Ordering::SeqCst) {
            return;
        }
        let socket = running.place(&self.inner.folders, instance.id).join("control.sock");
        if let Err(error) = Control::run_schedules(&socket, PATIENCE).await {
            tracing::warn!(%error, instance = %instance.id, "the schedules of an instance can't begin yet");
        }
    }

    /// Nothing runs any more.
    pub(super) fn end_schedules(&self, instance: &Instance) {
        self.remember(instance, Ran::all_ended);
    }

    fn remember(&self, instance: &Instance, change: impl FnOnce(&Ran, i64) -> Ran) {
        let file = self.inner.folders.schedules(instance.id);
        let mut kept = instance.ran.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = || -> io::Result<()> {
            let ran = match kept.take() {
                Some(ran) => ran,
                None => Ran::load(&file)?,
            };
            let changed = change(&ran, crate::init::now());
            let is_other = changed != ran;
            if is_other {
                folders::write_whole(&file, &serde_json::to_vec(&changed)?)?;
            }
            *kept = Some(changed);
            Ok(())
        };
        if let Err(error) = remembered() {
            tracing::warn!(%error, instance = %instance.id, "what ran at its time can't be written down");
        }
    }

    /// What runs of an instance, and what is run at its times.
    ///
    /// # Errors
    /// `UnknownInstance`, or where it can't be read.
    pub(crate) async fn processes(&self, id: InstanceId) -> Result<ProcessesView, Refused> {
        let instance = self.find(id).ok_or(Refused::UnknownInstance)?;
        let status = match instance.control_socket(&self.inner.folders).filter(|_| instance.is_alive()) {
            // It may have ended just now.
            Some(socket) => Control::status(&socket, PATIENCE).await.ok(),
            None => None,
        };
        if let Some(status) = status.as_ref().filter(|status| !status.schedules.is_empty()) {
            self.remember(&instance, |ran, now| ran.with(&status.schedules, now));
        }
        let made = match self.current_release(id) {
            Some(release) => release::load(&self.inner.folders, id, release)?,
            None => None,
        };
        let mut ran = Ran::default();
        self.remember(&instance, |kept, _| {
            ran = kept.clone();
            kept.clone()
        });
        let now = crate::init::now().div_euclid(MINUTE);
        let schedules = made.map(|made| made.application.schedules).unwrap_or_default();
        let schedule = |schedule: crate::init::Schedule| {
            let next = Cron::parse(&schedule.cron).ok().and_then(|cron| cron.next(now));
            let runs = ran.0.get(&schedule.name).cloned().unwrap_or_default();
            ScheduleView {
                runs: runs.into_iter().map(run).collect(),
                next: next.filter(|_| status.is_some()).map(|minute| minute * MINUTE),
                name: schedule.name,
                cron: schedule.cron,
            }
        };
        let schedules = schedules.into_iter().map(schedule).collect();
        let processes = status.map(|status| status.processes).unwrap_or_default();
        let process = |process: crate::init::ProcessStatus| ProcessView {
            name: process.name,
            began: process.began.filter(|_| process.pid.is_some()),
            is_running: process.pid.is_some(),
            ends: process.ends,
            last_end: process.last_end,
        };
        Ok(ProcessesView { processes: processes.into_iter().map(process).collect(), schedules })
    }
}

fn run(run: ScheduleRun) -> RunView {
    let outcome = |outcome: ScheduleOutcome| match outcome {
        ScheduleOutcome::Succeeded => RunOutcome::Succeeded,
        ScheduleOutcome::Failed => RunOutcome::Failed,
        ScheduleOutcome::OutOfTime => RunOutcome::OutOfTime,
        ScheduleOutcome::Stopped => RunOutcome::Stopped,
    };
    RunView { began: run.began, ended: run.ended, outcome: run.outcome.map(outcome), end: run.end }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn run(began: i64, ended: Option<i64>) -> ScheduleRun {
        let outcome = ended.map(|_| ScheduleOutcome::Succeeded);
        ScheduleRun { began, ended, outcome, end: ended.map(|_| "status 0".to_owned()) }
    }

    fn told(runs: &[ScheduleRun]) -> Vec<ScheduleStatus> {
        vec![ScheduleStatus { name: "tidy".to_owned(), runs: runs.to_vec() }]
    }

    #[test]
    fn runs_outlive_their_sandbox_and_what_was_cut_off_has_ended() {
        let first = Ran::default().with(&told(&[run(20, None), run(10, Some(11))]), 25);
        let second = first.with(&told(&[run(30, None)]), 40);
        let runs = &second.0["tidy"];
        assert_eq!(runs.iter().map(|run| run.began).collect::<Vec<_>>(), [30, 20, 10]);
        assert_eq!((runs[0].ended, runs[0].outcome), (None, None));
        assert_eq!((runs[1].ended, runs[1].outcome), (Some(40), Some(ScheduleOutcome::Stopped)));
        assert_eq!(runs[2], run(10, Some(11)));
        assert_eq!(second.all_ended(50).0["tidy"][0].ended, Some(50));
    }

    #[test]
    fn only_the_last_runs_are_kept_and_only_of_schedules_that_there_are() {
        let many: Vec<_> = (1..=9).map(|began| run(began, Some(began))).rev().collect();
        let ran = Ran::default().with(&told(&many), 20);
        assert_eq!(ran.0["tidy"].len(), REMEMBERED);
        let other = [ScheduleStatus { name: "other".to_owned(), runs: Vec::new() }];
        assert_eq!(ran.with(&other, 30).0.keys().collect::<Vec<_>>(), ["other"]);
    }
}
