//! Which secrets stand in no log of an instance: those of the form that it runs with, and those that the records have,
//! which may be newer. The control plane tells of these before it has a log read, and whenever they change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stoa_domain::{InstanceId, Secret};
use tokio::sync::watch;

use super::{Agent, Refused};
use crate::logs::Masks;

/// Of all instances, also of those whose form isn't here yet: their logs may be followed already.
#[derive(Default)]
pub(super) struct AllMasks(Mutex<HashMap<InstanceId, Known>>);

#[derive(Default)]
struct Known {
    of_form: Vec<Secret>,
    of_records: Vec<Secret>,
    /// Of the records' settings; `None` before anything of them was told.
    revision: Option<i64>,
    /// Whoever follows a log goes on with these.
    masks: watch::Sender<Arc<Masks>>,
}

impl Known {
    fn renew(&self) {
        let secrets = self.of_form.iter().chain(&self.of_records);
        self.masks.send_replace(Arc::new(Masks::of(secrets)));
    }
}

impl AllMasks {
    fn lock(&self) -> MutexGuard<'_, HashMap<InstanceId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_form(&self, instance: InstanceId, secrets: Vec<Secret>) {
        let mut all = self.lock();
        let known = all.entry(instance).or_default();
        known.of_form = secrets;
        known.renew();
    }

    fn tell(&self, instance: InstanceId, revision: i64, secrets: Vec<Secret>, is_anew: bool) {
        let mut all = self.lock();
        let known = all.entry(instance).or_default();
        // Two may tell at once, and the older of them later.
        if !is_anew && known.revision.is_some_and(|known| known > revision) {
            return;
        }
        (known.revision, known.of_records) = (Some(revision), secrets);
        known.renew();
    }

    fn has(&self, instance: InstanceId, revision: i64) -> bool {
        let known = self.lock().get(&instance).and_then(|known| known.revision);
        known.is_some_and(|known| known >= revision)
    }

    fn follow(&self, instance: InstanceId) -> watch::Receiver<Arc<Masks>> {
        self.lock().entry(instance).or_default().masks.subscribe()
    }

    pub fn forget(&self, instance: InstanceId) {
        self.lock().remove(&instance);
    }
}

impl Agent {
    pub(crate) fn masks(&self, instance: InstanceId) -> Arc<Masks> {
        self.follow_masks(instance).borrow().clone()
    }

    pub(super) fn follow_masks(&self, instance: InstanceId) -> watch::Receiver<Arc<Masks>> {
        self.inner.masks.follow(instance)
    }

    /// Takes over which values the records call secret, as of a revision of the settings: not where it knows of a later
    /// one, but for `is_anew`, by which whoever has just connected says how it is.
    pub(crate) fn tell_secrets(
        &self,
        instance: InstanceId,
        revision: i64,
        secrets: Vec<Secret>,
        is_anew: bool,
    ) {
        self.inner.masks.tell(instance, revision, secrets, is_anew);
    }

    /// # Errors
    /// `OldSecrets`, where a log would be read without regard to what has become secret since.
    pub(crate) fn has_secrets(&self, instance: InstanceId, revision: i64) -> Result<(), Refused> {
        if self.inner.masks.has(instance, revision) { Ok(()) } else { Err(Refused::OldSecrets) }
    }
}
