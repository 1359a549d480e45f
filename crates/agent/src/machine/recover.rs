//! The agent's own start: what went on without it is found again, what is nobody's is ended.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::Agent;
use super::form;
use super::instance::{Instance, Phase, Running};
use super::operation::Operation;
use super::restore::Left;
use crate::init::Control;

/// How long process 1 may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Instances that are taken up at once.
const AT_ONCE: usize = 32;

impl Agent {
    pub(super) async fn load(&self, starts_instances: bool) -> io::Result<()> {
        let mut instances = Vec::new();
        for (form, fence) in form::load_all(&self.inner.folders, &self.inner.key)? {
            if let Err(error) = self.bring_back_secrets(form.instance) {
                tracing::error!(%error, instance = %form.instance, "what was left out of its logs can't be read");
            }
            self.inner.masks.set_form(form.instance, form.secret_values());
            let instance = Arc::new(Instance::kept(form, fence));
            if let Err(error) = self.mask_database(&instance) {
                tracing::error!(%error, instance = %instance.id, "what opens a database can't be read");
            }
            self.lock().insert(instance.id, instance.clone());
            instances.push(instance);
        }
        // Nobody waits for it: what needs it does so by itself.
        if let Err(error) = self.find_postgresql().await {
            tracing::error!(%error, "the databases of instances can't be looked for");
        }
        // One that doesn't answer, or can't be taken up, doesn't keep the others from it.
        let each =
            futures_util::stream::iter(instances).for_each_concurrent(AT_ONCE, |instance| async move {
                if let Err(error) = self.recover(&instance, starts_instances).await {
                    tracing::error!(%error, instance = %instance.id, "an instance can't be taken up again");
                }
            });
        each.await;
        if starts_instances && let Err(error) = self.take_up_postgresql() {
            tracing::error!(%error, "the databases of instances can't be started");
        }
        Ok(())
    }

    async fn recover(&self, instance: &Arc<Instance>, starts: bool) -> io::Result<()> {
        // What runs on data that are brought back and weren't switched to has to go with them.
        let left = self.restore_left(instance.id)?;
        let was_cut_off = left != Left::Nothing;
        let current = self.current_release(instance.id);
        let wish_running = instance.form().wish_running;
        let mut found = None;
        for (name, running) in self.sandboxes_of(instance)? {
            let is_wanted = running.as_ref().is_some_and(|running| {
                wish_running
                    && !was_cut_off
                    && found.is_none()
                    && Some(running.release) == current.map(stoa_domain::ReleaseId::uuid)
            });
            match running {
                Some(running) if is_wanted && self.answers(instance, &running).await => found = Some(running),
                Some(running) => {
                    running.identity.end().await?;
                    self.tidy_later(instance, name);
                }
                None => {
                    self.end_unnamed(instance, &name).await?;
                    self.tidy_later(instance, name);
                }
            }
        }
        if left == Left::Half {
            self.take_back(instance.id).await?;
        }
        match found {
            Some(running) => {
                let group = Self::group(instance.id, &running.name);
                let limits = instance.form().sandbox_limits();
                self.inner.sandboxes.watch_memory(&group, running.identity, &limits);
                self.put_into_service(instance, running);
            }
            None if left == Left::HalfWithDatabase => {
                self.set_phase(instance, if wish_running { Phase::Starting } else { Phase::Stopped(None) });
                if starts {
                    self.take_back_later(instance.id, current.is_some());
                }
            }
            None if starts && wish_running && current.is_some() => {
                self.set_phase(instance, Phase::Starting);
                let (agent, instance) = (self.clone(), instance.clone());
                tokio::spawn(async move {
                    let _turn = instance.turn.lock().await;
                    let operation = Operation::unheard(instance.id, instance.unasked());
                    if let Err(unwell) = agent.start_current(&instance, &operation, Phase::Starting).await {
                        tracing::warn!(?unwell, instance = %instance.id, "an instance didn't start again");
                    }
                });
            }
            None => self.set_phase(instance, Phase::Stopped(None)),
        }
        Ok(())
    }

    /// The sandboxes whose folders are there. Without its file one was never whole.
    fn sandboxes_of(&self, instance: &Instance) -> io::Result<Vec<(String, Option<Running>)>> {
        let entries = match std::fs::read_dir(self.inner.folders.run(instance.id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let file = std::fs::read(entry.path().join("sandbox.json")).ok();
            let running = file.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            found.push((entry.file_name().to_string_lossy().into_owned(), running));
        }
        Ok(found)
    }

    async fn answers(&self, instance: &Instance, running: &Running) -> bool {
        let socket = running.place(&self.inner.folders, instance.id).join("control.sock");
        running.identity.is_alive() && Control::status(&socket, PATIENCE).await.is_ok()
    }

    /// Removes what was kept for it. Its processes aren't ours any more: until the machine has buried them their groups
    /// can't be removed, and nobody needs to wait for that.
    fn tidy_later(&self, instance: &Instance, name: String) {
        let (agent, id) = (self.clone(), instance.id);
        let (group, place) = (Self::group(instance.id, &name), self.inner.folders.run(id).join(name));
        tokio::task::spawn_blocking(move || {
            if let Err(error) = agent.inner.sandboxes.tidy(&group, &place) {
                tracing::warn!(%error, instance = %id, "what is left of a sandbox can't be removed");
            }
        });
    }

    /// Ends a sandbox of which only the folder is known: started, but its number not yet written down.
    async fn end_unnamed(&self, instance: &Instance, name: &str) -> io::Result<()> {
        if self.inner.sandboxes.end_by_group(&Self::group(instance.id, name))? {
            return Ok(());
        }
        let socket = self.inner.folders.run(instance.id).join(name).join("control.sock");
        if socket.exists() && Control::stop(&socket, Some(Duration::ZERO), PATIENCE).await.is_err() {
            tracing::debug!(instance = %instance.id, "nobody answers in a sandbox that wasn't whole");
        }
        Ok(())
    }
}
