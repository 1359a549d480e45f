//! Commands that are run at their times, beside the processes and with the same rights. Never two of one name at once;
//! what couldn't be run at its time isn't made up for.
//!
//! Whether it is this sandbox's turn is said by the agent: while a release takes over from another there are two.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::pipe2;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::output::{Output, now};
use super::process::{Children, end_group, follow, spawn};
use super::{Orders, Schedule};
use crate::stoa_toml::Cron;

/// Runs that are remembered of each.
pub(crate) const REMEMBERED: usize = 5;

/// How long a command has to end, once it is asked to.
const GRACE: Duration = Duration::from_secs(10);

const MINUTE: i64 = 60_000_000;

/// A clock that was put back by less than this many minutes lets nothing be run again.
const PUT_BACK: i64 = 180;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleOutcome {
    Succeeded,
    Failed,
    OutOfTime,
    /// With the sandbox, or for a restart.
    Stopped,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleRun {
    /// Microseconds of UTC.
    pub began: i64,
    /// `None`: it goes on.
    pub ended: Option<i64>,
    pub outcome: Option<ScheduleOutcome>,
    /// `status 1`, `signal SIGKILL`, or why it couldn't be started.
    pub end: Option<String>,
}

/// A schedule, now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleStatus {
    pub name: String,
    /// The newest first.
    pub runs: Vec<ScheduleRun>,
}

/// Asked to end: within this time or its own, and to whom it is said.
type Ending = (Option<Duration>, oneshot::Sender<()>);

struct Scheduled {
    schedule: Schedule,
    cron: Cron,
    runs: RefCell<VecDeque<ScheduleRun>>,
    /// While it runs.
    end: RefCell<Option<oneshot::Sender<Ending>>>,
}

struct Inner {
    all: Vec<Rc<Scheduled>>,
    orders: Rc<Orders>,
    children: Children,
    output: Output,
    is_on: Cell<bool>,
    is_paused: Cell<bool>,
}

/// All of a sandbox.
#[derive(Clone)]
pub(super) struct Schedules(Rc<Inner>);

impl Schedules {
    /// Nothing is run before it is said that it is their turn.
    ///
    /// # Errors
    /// A schedule whose times can't be read: they were checked before.
    pub fn new(orders: Rc<Orders>, children: Children, output: Output) -> Result<Self, String> {
        let scheduled = |schedule: &Schedule| {
            let cron = Cron::parse(&schedule.cron);
            let cron = cron.map_err(|what| format!("the schedule {} {what}", schedule.name))?;
            let (runs, end) = (RefCell::default(), RefCell::default());
            Ok(Rc::new(Scheduled { schedule: schedule.clone(), cron, runs, end }))
        };
        let all = orders.schedules.iter().map(scheduled).collect::<Result<Vec<_>, String>>()?;
        let (is_on, is_paused) = (Cell::new(false), Cell::new(false));
        let own = Self(Rc::new(Inner { all, orders, children, output, is_on, is_paused }));
        if !own.0.all.is_empty() {
            tokio::task::spawn_local(own.clone().keep());
        }
        Ok(own)
    }

    /// From now on they are run.
    pub fn begin_turn(&self) {
        self.0.is_on.set(true);
    }

    pub fn is_on(&self) -> bool {
        self.0.is_on.get()
    }

    pub fn status(&self) -> Vec<ScheduleStatus> {
        let status = |one: &Rc<Scheduled>| ScheduleStatus {
            name: one.schedule.name.clone(),
            runs: one.runs.borrow().iter().cloned().collect(),
        };
        self.0.all.iter().map(status).collect()
    }

    /// Ends what runs, and lets nothing begin until `go_on`.
    pub async fn end_all(&self, grace: Option<Duration>) {
        self.0.is_paused.set(true);
        let end = |one: &Rc<Scheduled>| {
            let running = one.end.borrow_mut().take();
            async move {
                let (done, over) = oneshot::channel();
                if let Some(running) = running
                    && running.send((grace, done)).is_ok()
                {
                    let _ = over.await;
                }
            }
        };
        futures_util::future::join_all(self.0.all.iter().map(end)).await;
    }

    pub fn go_on(&self) {
        self.0.is_paused.set(false);
    }

    /// Looks once a minute, for ever.
    async fn keep(self) {
        let mut last = now().div_euclid(MINUTE);
        loop {
            let left = MINUTE - now().rem_euclid(MINUTE);
            tokio::time::sleep(Duration::from_micros(left.unsigned_abs())).await;
            let minute = now().div_euclid(MINUTE);
            if is_past(minute, last) {
                continue;
            }
            last = minute;
            if !self.0.is_on.get() || self.0.is_paused.get() {
                continue;
            }
            for one in self.0.all.iter().filter(|one| one.cron.is_at(minute)) {
                self.begin(one);
            }
        }
    }

    fn begin(&self, one: &Rc<Scheduled>) {
        let name = &one.schedule.name;
        if one.is_running() {
            return self.0.output.say(&format!("The schedule {name} still runs: this time it isn't run"));
        }
        one.remember(ScheduleRun { began: now(), ended: None, outcome: None, end: None });
        self.0.output.say(&format!("The schedule {name} begins"));
        let (end, ending) = oneshot::channel();
        match self.spawn(one) {
            Ok((pid, ended)) => {
                *one.end.borrow_mut() = Some(end);
                tokio::task::spawn_local(self.clone().attend(one.clone(), pid, ended, ending));
            }
            Err(error) => self.over(one, ScheduleOutcome::Failed, &format!("can't be started: {error}")),
        }
    }

    fn spawn(&self, one: &Scheduled) -> std::io::Result<(nix::unistd::Pid, oneshot::Receiver<String>)> {
        let (out, out_end) = pipe2(OFlag::O_CLOEXEC)?;
        let (err, err_end) = pipe2(OFlag::O_CLOEXEC)?;
        let standard = [Stdio::null(), Stdio::from(out_end), Stdio::from(err_end)];
        let pid = spawn(&one.schedule.command, &self.0.orders, standard)?;
        // Nothing is awaited between the start and here: its end can't have been taken in yet.
        let ended = self.0.children.register(pid);
        follow(&self.0.output, &one.schedule.name, "stdout", out)?;
        follow(&self.0.output, &one.schedule.name, "stderr", err)?;
        Ok((pid, ended))
    }

    async fn attend(
        self,
        one: Rc<Scheduled>,
        group: nix::unistd::Pid,
        mut ended: oneshot::Receiver<String>,
        ending: oneshot::Receiver<Ending>,
    ) {
        let limit = Duration::from_secs(one.schedule.seconds);
        let (outcome, end, told) = tokio::select! {
            end = &mut ended => {
                // What it left behind in its group goes with it.
                let _ = killpg(group, Signal::SIGKILL);
                let end = end.unwrap_or_default();
                let is_well = end == "status 0";
                let outcome = if is_well { ScheduleOutcome::Succeeded } else { ScheduleOutcome::Failed };
                (outcome, end, None)
            }
            () = tokio::time::sleep(limit) => {
                end_group(group, &mut ended, Signal::SIGTERM, GRACE).await;
                (ScheduleOutcome::OutOfTime, format!("it took longer than {} s", limit.as_secs()), None)
            }
            Ok((grace, done)) = ending => {
                end_group(group, &mut ended, Signal::SIGTERM, grace.unwrap_or(GRACE).min(GRACE)).await;
                (ScheduleOutcome::Stopped, "stopped".to_owned(), Some(done))
            }
        };
        one.end.borrow_mut().take();
        self.over(&one, outcome, &end);
        if let Some(done) = told {
            let _ = done.send(());
        }
    }

    fn over(&self, one: &Scheduled, outcome: ScheduleOutcome, end: &str) {
        if let Some(run) = one.runs.borrow_mut().front_mut() {
            run.ended = Some(now());
            run.outcome = Some(outcome);
            run.end = Some(end.to_owned());
        }
        self.0.output.say(&format!("The schedule {} ended ({end})", one.schedule.name));
    }
}

impl Scheduled {
    fn is_running(&self) -> bool {
        self.runs.borrow().front().is_some_and(|run| run.ended.is_none())
    }

    fn remember(&self, run: ScheduleRun) {
        let mut runs = self.runs.borrow_mut();
        runs.push_front(run);
        runs.truncate(REMEMBERED);
    }
}

/// Whether that minute was looked at already.
fn is_past(minute: i64, last: i64) -> bool {
    minute <= last && last - minute < PUT_BACK
}

#[cfg(test)]
mod tests {
    use super::is_past;

    #[test]
    fn a_clock_that_is_put_back_a_little_lets_nothing_be_run_twice() {
        assert!(is_past(100, 100) && is_past(40, 100));
        assert!(!is_past(101, 100) && !is_past(5000, 100));
        assert!(!is_past(100, 100_000), "one that was far ahead is believed now");
    }
}
