//! Looking after what runs: an application that ends, one that doesn't answer any more.

use std::sync::Arc;
use std::time::Duration;

use stoa_domain::ReleaseId;
use tokio::time::Instant;

use super::Agent;
use super::health::{self, Answer, Checks};
use super::instance::{Instance, Phase, Running};
use super::operation::Operation;
use super::release;
use super::start::Unwell;
use crate::init::Control;
use crate::stoa_toml::Application;

/// How often process 1 is asked how its processes are.
const STATUS: Duration = Duration::from_secs(1);

/// How often old things are removed and full segments compressed.
const HOUSE: Duration = Duration::from_secs(60);
/// So many turns of it lie between two looks at what of the mirrors is to be packed.
const REPACK: u64 = 60;

/// Pauses between attempts to start what ended by itself.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Agent {
    /// What answers from now on, and somebody who looks after it.
    pub(super) fn put_into_service(&self, instance: &Instance, running: Running) {
        instance.set_running(Some(running.clone()));
        self.set_phase(instance, Phase::Running);
        if let Some(instance) = self.find(instance.id) {
            tokio::spawn(self.clone().look_after(instance, running));
        }
    }

    async fn look_after(self, instance: Arc<Instance>, running: Running) {
        let application =
            match release::load(&self.inner.folders, instance.id, ReleaseId::new(running.release)) {
                Ok(Some(made)) => made.application,
                Ok(None) => return,
                Err(error) => {
                    return tracing::error!(%error, instance = %instance.id, "a release can't be read");
                }
            };
        let is_current = || instance.running().as_ref() == Some(&running);
        let place = running.place(&self.inner.folders, instance.id);
        let health_now = || instance.form().health(&application.health);
        // Of whichever process is there at the first look.
        let mut checks: Option<Checks> = None;
        loop {
            tokio::select! {
                ended = running.identity.ended() => {
                    if let Err(error) = ended {
                        tracing::warn!(%error, instance = %instance.id, "a sandbox can't be watched");
                        tokio::time::sleep(STATUS).await;
                        if running.identity.is_alive() {
                            continue;
                        }
                    }
                    if is_current() {
                        self.start_again(&instance, &running).await;
                    }
                    return;
                }
                () = tokio::time::sleep(STATUS) => {}
            }
            if !is_current() {
                return;
            }
            let Ok(status) = Control::status(&place.join("control.sock"), Duration::from_secs(5)).await
            else {
                continue;
            };
            self.look_at_schedules(&instance, &running, &status).await;
            let process = status.application().cloned().unwrap_or_default();
            if status.is_restarting || instance.phase() == Phase::Waiting {
                continue;
            }
            let pid = match (process.pid, instance.phase()) {
                (None, Phase::Running) => {
                    let end = process.last_end.unwrap_or_default();
                    let group = Self::group(instance.id, &running.name);
                    // The kernel ends a process for its memory by this signal and no other.
                    let reason = if end == "signal SIGKILL" && self.inner.sandboxes.ran_out_of_memory(&group)
                    {
                        let limit = instance.form().sandbox_limits().memory >> 20;
                        format!("Killed: more than {limit} MiB of memory; it is started again.")
                    } else {
                        format!("The application ended ({end}); it is started again.")
                    };
                    self.set_phase(&instance, Phase::Failed(reason));
                    continue;
                }
                (None, _) => continue,
                (Some(pid), _) => pid,
            };
            let (wanted, now, process) = (health_now(), Instant::now(), (pid, process.began));
            let well = (instance.phase() == Phase::Running).then_some(process);
            let checks = checks.get_or_insert_with(|| Checks::of_well(well, now, &wanted));
            if !checks.are_due(process, now, &wanted) {
                continue;
            }
            let is_listening = health::listens(running.identity.pid, application.port);
            let answer = if is_listening {
                health::ask(&place.join("application.sock"), &wanted, &instance.form().host).await
            } else {
                Answer::Nothing
            };
            if !is_current() {
                return;
            }
            if answer == Answer::Good {
                checks.good();
                if matches!(instance.phase(), Phase::Failed(_)) {
                    instance.renew();
                    self.set_phase(&instance, Phase::Running);
                }
                continue;
            }
            if checks.bad(Instant::now(), &wanted) {
                tracing::info!(instance = %instance.id, "an application doesn't answer as it should: it is restarted");
                self.set_phase(
                    &instance,
                    Phase::Failed("The application doesn't answer; it is restarted.".to_owned()),
                );
                let patience = super::start::patience(&application);
                if let Err(error) = Control::soft_restart(&place.join("control.sock"), patience).await {
                    tracing::warn!(%error, instance = %instance.id, "it couldn't be restarted");
                }
            }
        }
    }

    /// Until an application answers whose sandbox was there before.
    pub(super) async fn wait_until_answering(
        &self,
        instance: &Instance,
        running: &Running,
        application: &Application,
    ) -> Result<(), Unwell> {
        let place = running.place(&self.inner.folders, instance.id);
        let form = instance.form();
        let health = form.health(&application.health);
        let deadline = Instant::now() + health.start_time;
        let began = crate::init::now();
        let mut last = Answer::Nothing;
        loop {
            let is_listening = health::listens(running.identity.pid, application.port);
            if is_listening {
                last = health::ask(&place.join("application.sock"), &health, &form.host).await;
                if last == Answer::Good {
                    return Ok(());
                }
            }
            if !running.identity.is_alive() || Instant::now() >= deadline {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(self.why_unwell(instance, running, application, &last, began).await)
    }

    /// A sandbox that ended by itself is made anew, again and again with growing pauses.
    async fn start_again(&self, instance: &Instance, ended: &Running) {
        let reason = if self.inner.sandboxes.ran_out_of_memory(&Self::group(instance.id, &ended.name)) {
            "Killed for want of memory; it is started again."
        } else {
            "The application's sandbox ended; it is started again."
        };
        self.set_phase(instance, Phase::Failed(reason.to_owned()));
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            let _turn = instance.turn.lock().await;
            if instance.running().as_ref().is_some_and(|running| running != ended)
                || !instance.form().wish_running
                || self.find(instance.id).is_none()
            {
                return;
            }
            if let Err(error) = self.end_current(instance).await {
                tracing::warn!(%error, instance = %instance.id, "what is left of a sandbox can't be removed");
            }
            let operation = Operation::unheard(instance.id, instance.unasked());
            if self.start_current(instance, &operation, Phase::Starting).await.is_ok() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Keeps house for as long as the process lives.
    pub(super) fn keep_house(&self) {
        let agent = self.clone();
        tokio::spawn(async move {
            for turn in 1_u64.. {
                tokio::time::sleep(HOUSE).await;
                if turn % REPACK == 0
                    && let Err(error) = agent.repack_mirrors().await
                {
                    tracing::warn!(%error, "the mirrors of repositories couldn't be packed");
                }
                let own = agent.clone();
                let swept = tokio::task::spawn_blocking(move || own.sweep()).await;
                if let Ok(Err(error)) = swept {
                    tracing::warn!(%error, "what is old couldn't be removed");
                }
            }
        });
    }

    fn sweep(&self) -> std::io::Result<()> {
        self.inner.operations.sweep()?;
        self.sweep_archives()?;
        self.sweep_logs()?;
        // Last: a mirror that can't be looked at keeps nothing else from being swept.
        self.free_mirrors()
    }
}
