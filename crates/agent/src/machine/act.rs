//! What is ordered of an instance, carried out once.

use std::io;
use std::sync::Arc;

use stoa_domain::instance::RestartMode;
use stoa_domain::{InstanceId, JobId, ReleaseId};

use super::Agent;
use super::backup::BackupWork;
use super::instance::{Instance, Phase, Running};
use super::operation::{Command, Operation, Order, Refused};
use super::release;
use super::start::{Unwell, patience, with_end};
use crate::folders;
use crate::init::Control;
use crate::protocol::{Code, Event};

const NOTHING_DEPLOYED: &str = "Nothing has been deployed yet";

/// Why nothing runs although it is to: somebody took back what was to start it.
pub(super) const CUT_OFF: &str =
    "It was being started when that was cancelled, so nothing runs. Start it again.";

impl Agent {
    /// Begins, or finds again, the work of a job. It goes on when nobody follows it.
    ///
    /// # Errors
    /// Why it isn't taken.
    pub(crate) fn carry_out(
        &self,
        order: Order,
        instance: InstanceId,
        command: Command,
    ) -> Result<Arc<Operation>, Refused> {
        if let Some(operation) = self.inner.operations.find(order.job) {
            operation.is_for(instance, &command)?;
            // The instance may have gone with it.
            if let Some(instance) = self.find(instance) {
                self.check_fence(&instance, order)?;
            }
            return Ok(operation);
        }
        order.in_time()?;
        let instance = self.find(instance).ok_or(Refused::UnknownInstance)?;
        if let Some(reason) =
            self.inner.sandboxes.abilities().no_sandbox.as_ref().filter(|_| command.needs_sandbox())
        {
            return Err(Refused::NoSandbox(reason.clone()));
        }
        self.check_fence(&instance, order)?;
        let place = instance.places.clone().try_acquire_owned().map_err(|_| Refused::Busy)?;
        let (operation, is_new) = self.inner.operations.find_or_begin(order.job, instance.id, &command);
        if is_new {
            if command.ends_what_runs() {
                instance.interrupt();
            }
            let (agent, own) = (self.clone(), operation.clone());
            tokio::spawn(async move {
                agent.take_turn(&instance, &own, order, command).await;
                drop(place);
            });
        }
        Ok(operation)
    }

    fn check_fence(&self, instance: &Instance, order: Order) -> Result<(), Refused> {
        if instance.check(order)? {
            instance.save(&self.inner.folders, &self.inner.key)?;
        }
        Ok(())
    }

    /// Waits until no other work is done on the instance, for as long as the command may start.
    async fn take_turn(&self, instance: &Instance, operation: &Operation, order: Order, command: Command) {
        let turn = tokio::select! {
            biased;
            () = operation.cancel.cancelled() => {
                return self.inner.operations.end(operation, Event::Cancelled);
            }
            turn = tokio::time::timeout_at(order.start_by, instance.turn.lock()) => turn,
        };
        let Ok(_turn) = turn else {
            let sentence = "Other work on the instance took too long.".to_owned();
            let late = Event::Failed { code: Code::Late.key().to_owned(), sentence, quote: None };
            return self.inner.operations.forget(operation, late);
        };
        let outcome = match self.work(instance, operation, command).await {
            Ok(outcome) => outcome,
            Err(Unwell::Cancelled) => Event::Cancelled,
            Err(Unwell::Because { code, sentence, quote }) => {
                Event::Failed { code: code.to_owned(), sentence: with_end(&sentence), quote }
            }
        };
        self.inner.operations.end(operation, outcome);
    }

    /// The operation of a job, also of one that is over.
    pub(crate) fn operation(&self, job: JobId) -> Option<Arc<Operation>> {
        self.inner.operations.find(job)
    }

    /// Asks the work of a job to end early. One that is over stays as it is.
    ///
    /// # Errors
    /// `Fenced`, or `Late`.
    pub(crate) fn cancel(&self, order: Order, operation: &Operation) -> Result<(), Refused> {
        order.in_time()?;
        if let Some(instance) = self.find(operation.instance()) {
            self.check_fence(&instance, order)?;
        }
        operation.cancel.cancel();
        Ok(())
    }

    async fn work(
        &self,
        instance: &Instance,
        operation: &Operation,
        command: Command,
    ) -> Result<Event, Unwell> {
        if command.needs_whole_data() {
            self.settle_restore(instance.id, &operation.cancel).await?;
        }
        let succeeded = |release: Option<ReleaseId>, size| Event::Succeeded {
            release: release.map(ReleaseId::uuid),
            size,
            connect_as: None,
        };
        match command {
            Command::Deploy { deployment, release, commit } => {
                let size = self.deploy(instance, operation, deployment, release, &commit).await?;
                self.deployed(instance, release, size)
            }
            Command::Release { deployment, release } => {
                let size = self.deploy_kept(instance, operation, deployment, release).await?;
                self.deployed(instance, release, size)
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
                self.set_phase(instance, Phase::Stopped(None));
                self.end_current(instance).await?;
                self.close_database(instance, false).await?;
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
            Command::Backup(work) => {
                let stored = self.back_up(instance, operation, &work).await?;
                operation.tell(stored);
                Ok(succeeded(None, 0))
            }
            Command::Restore(work) => {
                let size = self.restore(instance, operation, &work).await?;
                self.deployed(instance, work.release, size)
            }
            Command::Delete => self.end_and_delete(instance, operation).await,
            Command::DeleteAfterBackup(last) => {
                operation.tell(self.back_up_last(instance, operation, &last).await?);
                self.end_and_delete(instance, operation).await
            }
        }
    }

    /// What is told of a release that was deployed.
    fn deployed(&self, instance: &Instance, release: ReleaseId, size: u64) -> Result<Event, Unwell> {
        let made = release::load(&self.inner.folders, instance.id, release)?;
        let way = made.as_ref().and_then(|made| made.application.connect_as.as_ref());
        let connect_as = Some(way.map_or("none", crate::stoa_toml::ConnectAs::kind).to_owned());
        Ok(Event::Succeeded { release: Some(release.uuid()), size, connect_as })
    }

    /// The backup that is made before a deletion. Where somebody was cut off behind it, it is the one that was made:
    /// what is left of the instance by then isn't what that was made of.
    async fn back_up_last(
        &self,
        instance: &Instance,
        operation: &Operation,
        last: &BackupWork,
    ) -> Result<Event, Unwell> {
        let operations = &self.inner.operations;
        if let Some(stored) = operations.kept(operation) {
            return Ok(stored);
        }
        let stored = self.back_up(instance, operation, last).await?;
        if let Err(error) = operations.keep(operation, &stored) {
            self.undo(instance.id, last).await;
            return Err(error.into());
        }
        Ok(stored)
    }

    async fn end_and_delete(&self, instance: &Instance, operation: &Operation) -> Result<Event, Unwell> {
        operation.step("stop");
        // Whoever is cut off from here on doesn't start it again.
        instance.set_wish(false);
        instance.save(&self.inner.folders, &self.inner.key)?;
        self.set_phase(instance, Phase::Stopped(None));
        self.end_current(instance).await?;
        self.end_desks_of(instance).await?;
        operation.step("delete");
        self.drop_database(instance.id).await?;
        self.delete(instance.id)?;
        Ok(Event::Succeeded { release: None, size: 0, connect_as: None })
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
        if let Some(running) = instance.running().filter(|_| instance.is_alive()) {
            return self.wait_for_current(instance, operation, &running, phase).await;
        }
        let release =
            self.current_release(instance.id).ok_or_else(|| Unwell::because("failed", NOTHING_DEPLOYED))?;
        let made = release::load(&self.inner.folders, instance.id, release)?
            .ok_or_else(|| Unwell::because("failed", NOTHING_DEPLOYED))?;
        self.set_phase(instance, phase);
        let outcome = match self.start_release(instance, release, &made, &operation.cancel, None).await {
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
            Err(unwell) => Err(unwell),
        };
        self.set_phase_of(instance, &outcome);
        outcome
    }

    /// That its processes are there doesn't make it run: it is well as soon as it answers. What was there before is
    /// looked after as it was, and so gets well, or is restarted, by itself.
    async fn wait_for_current(
        &self,
        instance: &Instance,
        operation: &Operation,
        running: &Running,
        phase: Phase,
    ) -> Result<(), Unwell> {
        let made = release::load(&self.inner.folders, instance.id, ReleaseId::new(running.release))?
            .ok_or_else(|| Unwell::because("failed", NOTHING_DEPLOYED))?;
        let before = instance.phase();
        if before != Phase::Running {
            self.set_phase(instance, phase);
        }
        operation.step("health");
        let outcome = tokio::select! {
            outcome = self.wait_until_answering(instance, running, &made.application) => outcome,
            () = operation.cancel.cancelled() => Err(Unwell::Cancelled),
        };
        match &outcome {
            Err(Unwell::Cancelled) => self.set_phase(instance, before),
            other => self.set_phase_of(instance, other),
        }
        outcome
    }

    /// The phase that follows from a failed attempt.
    fn set_phase_of(&self, instance: &Instance, outcome: &Result<(), Unwell>) {
        match outcome {
            Ok(()) => self.set_phase(instance, Phase::Running),
            Err(Unwell::Cancelled) => self.set_phase(instance, Phase::Stopped(Some(CUT_OFF.to_owned()))),
            Err(Unwell::Because { sentence, .. }) => {
                self.set_phase(instance, Phase::Failed(with_end(sentence)))
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
            folders.access_log(instance),
            folders.deployments(instance),
            folders.copy(instance),
            folders.restore(instance),
        ] {
            folders::remove(&folder)?;
        }
        folders::remove_file(&folders.current(instance))?;
        folders::remove_file(&folders.metrics_of(instance))?;
        folders::remove_file(&folders.restore_state(instance))?;
        folders::remove_file(&folders.schedules(instance))?;
        folders::remove_file(&folders.form(instance))?;
        self.lock().remove(&instance);
        self.forget_secrets(instance)
    }
}
