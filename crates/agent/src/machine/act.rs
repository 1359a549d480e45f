//! What is ordered of an instance, carried out once.

use std::io;

use futures_util::Stream;
use stoa_domain::instance::RestartMode;
use stoa_domain::{InstanceId, JobId, ReleaseId};

use super::Agent;
use super::instance::{Instance, Phase};
use super::operation::{Command, Operation, Order, Progress, Refused};
use super::release;
use super::start::{Unwell, patience};
use crate::folders;
use crate::init::Control;

const NOTHING_DEPLOYED: &str = "Nothing has been deployed yet";

impl Agent {
    /// Begins, or finds again, the work of a job, and follows it to its end. It goes on when nobody follows it.
    ///
    /// # Errors
    /// `Fenced`, or `UnknownInstance`.
    pub fn carry_out(
        &self,
        order: Order,
        instance: InstanceId,
        command: Command,
    ) -> Result<impl Stream<Item = Progress> + Send + use<>, Refused> {
        let instance = match self.find(instance) {
            Some(instance) => instance,
            None => return Err(Refused::UnknownInstance),
        };
        instance.check(order)?;
        let (operation, is_new) = self.inner.operations.find_or_begin(order.job);
        if is_new {
            let (agent, operation) = (self.clone(), operation.clone());
            tokio::spawn(async move {
                let _turn = instance.turn.lock().await;
                let outcome = match agent.work(&instance, &operation, command).await {
                    Ok(outcome) => outcome,
                    Err(Unwell::Cancelled) => Progress::Cancelled,
                    Err(Unwell::Because { code, sentence, quote }) => {
                        Progress::Failed { code: code.to_owned(), sentence: format!("{sentence}."), quote }
                    }
                };
                agent.inner.operations.end(order.job, &operation, outcome);
            });
        }
        Ok(operation.follow())
    }

    /// Asks the work of a job to end early. One that is over, or unknown, stays as it is.
    pub fn cancel(&self, job: JobId) {
        if let Some(operation) = self.inner.operations.find(job) {
            operation.cancel.cancel();
        }
    }

    async fn work(
        &self,
        instance: &Instance,
        operation: &Operation,
        command: Command,
    ) -> Result<Progress, Unwell> {
        let succeeded = |release: Option<ReleaseId>, size| Progress::Succeeded {
            release: release.map(ReleaseId::uuid),
            size,
        };
        match command {
            Command::Deploy { deployment, release, commit } => {
                let size = self.deploy(instance, operation, deployment, release, &commit).await?;
                Ok(succeeded(Some(release), size))
            }
            Command::Release { deployment, release } => {
                let size = self.deploy_kept(instance, operation, deployment, release).await?;
                Ok(succeeded(Some(release), size))
            }
            Command::Start => {
                operation.step("start");
                self.start_current(instance, operation, Phase::Starting).await?;
                Ok(succeeded(self.current_release(instance.id), 0))
            }
            Command::Stop => {
                operation.step("stop");
                instance.set_wish(false);
                instance.save(&self.inner.folders, &self.inner.key)?;
                self.set_phase(instance, Phase::Stopped);
                self.end_current(instance).await?;
                Ok(succeeded(self.current_release(instance.id), 0))
            }
            Command::Restart(RestartMode::Soft) if instance.is_alive() => {
                operation.step("restart");
                self.soft_restart(instance, operation).await?;
                Ok(succeeded(self.current_release(instance.id), 0))
            }
            Command::Restart(_) => {
                operation.step("stop");
                // Only what was well is worth waiting for.
                let phase = if instance.phase() == Phase::Running { Phase::Waiting } else { Phase::Starting };
                self.set_phase(instance, phase.clone());
                self.end_current(instance).await?;
                operation.step("start");
                self.start_current(instance, operation, phase).await?;
                Ok(succeeded(self.current_release(instance.id), 0))
            }
            Command::Delete => {
                operation.step("stop");
                self.set_phase(instance, Phase::Stopped);
                self.end_current(instance).await?;
                operation.step("delete");
                self.delete(instance.id)?;
                Ok(succeeded(None, 0))
            }
        }
    }

    /// Starts the release that was switched to last.
    pub(super) async fn start_current(
        &self,
        instance: &Instance,
        operation: &Operation,
        phase: Phase,
    ) -> Result<(), Unwell> {
        instance.set_wish(true);
        instance.save(&self.inner.folders, &self.inner.key)?;
        if instance.is_alive() {
            self.set_phase(instance, Phase::Running);
            return Ok(());
        }
        let release =
            self.current_release(instance.id).ok_or_else(|| Unwell::because("failed", NOTHING_DEPLOYED))?;
        let made = release::load(&self.inner.folders, instance.id, release)?
            .ok_or_else(|| Unwell::because("failed", NOTHING_DEPLOYED))?;
        self.set_phase(instance, phase);
        let outcome = match self.start_release(instance, release, &made).await {
            Ok(running) => {
                operation.step("health");
                match self.wait_until_well(instance, &running, &made.application, &operation.cancel).await {
                    Ok(()) => {
                        self.put_into_service(instance, running);
                        return Ok(());
                    }
                    Err(unwell) => {
                        self.end_sandbox(instance, &running).await?;
                        Err(unwell)
                    }
                }
            }
            Err(error) => Err(error.into()),
        };
        self.set_phase_of(instance, &outcome);
        outcome
    }

    /// The phase that follows from a failed attempt.
    fn set_phase_of(&self, instance: &Instance, outcome: &Result<(), Unwell>) {
        match outcome {
            Ok(()) => self.set_phase(instance, Phase::Running),
            Err(Unwell::Cancelled) => self.set_phase(instance, Phase::Stopped),
            Err(Unwell::Because { sentence, .. }) => {
                self.set_phase(instance, Phase::Failed(format!("{sentence}.")))
            }
        }
    }

    async fn soft_restart(&self, instance: &Instance, operation: &Operation) -> Result<(), Unwell> {
        let Some((running, control)) = instance.running().zip(instance.control_socket(&self.inner.folders))
        else {
            return Err(Unwell::because("failed", NOTHING_DEPLOYED));
        };
        let made = release::load(&self.inner.folders, instance.id, ReleaseId::new(running.release))?
            .ok_or_else(|| Unwell::because("failed", NOTHING_DEPLOYED))?;
        self.set_phase(instance, Phase::Waiting);
        Control::soft_restart(&control, patience(&made.application)).await.map_err(|error| {
            Unwell::because("failed", format!("The application couldn't be restarted: {error}"))
        })?;
        operation.step("health");
        // Process 1 starts it again and again: what ended before doesn't count.
        let outcome = self.wait_until_answering(instance, &running, &made.application).await;
        instance.renew();
        self.set_phase_of(instance, &outcome);
        outcome
    }

    fn delete(&self, instance: InstanceId) -> io::Result<()> {
        let folders = &self.inner.folders;
        for folder in [
            folders.run(instance),
            folders.cache(instance),
            folders.releases(instance),
            folders.data(instance),
            folders.logs(instance),
            folders.deployments(instance),
        ] {
            folders::remove(&folder)?;
        }
        folders::remove_file(&folders.current(instance))?;
        folders::remove_file(&folders.form(instance))?;
        self.lock().remove(&instance);
        Ok(())
    }
}
