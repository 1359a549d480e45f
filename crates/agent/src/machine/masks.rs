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
    /// Of its database, which the records don't know.
    of_database: Vec<Secret>,
    of_records: Vec<Secret>,
    /// Of the records' settings; `None` before anything of them was told.
    revision: Option<i64>,
    /// Whoever follows a log goes on with these.
    masks: watch::Sender<Arc<Masks>>,
}

impl Known {
    fn renew(&self) {
        let secrets = self.of_form.iter().chain(&self.of_database).chain(&self.of_records);
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

    pub fn set_database(&self, instance: InstanceId, secrets: Vec<Secret>) {
        let mut all = self.lock();
        let known = all.entry(instance).or_default();
        known.of_database = secrets;
        known.renew();
    }

    /// What an application is given besides its variables, and no log has.
    pub fn of_database(&self, instance: InstanceId) -> Vec<Secret> {
        self.lock().get(&instance).map(|known| known.of_database.clone()).unwrap_or_default()
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> Vec<Secret> {
        vec![Secret::from_text(text.to_owned())]
    }

    fn masked(all: &AllMasks, instance: InstanceId, text: &str) -> String {
        let masks = all.follow(instance).borrow().clone();
        String::from_utf8(masks.mask(text.as_bytes(), false).into_owned()).unwrap()
    }

    #[test]
    fn secrets_of_the_form_and_of_the_records_both_go() {
        let all = AllMasks::default();
        let [one, other] = [(); 2].map(|()| InstanceId::new(uuid::Uuid::now_v7()));
        let mut followed = all.follow(one);
        all.set_form(one, secrets("running"));
        all.tell(one, 3, secrets("recorded"), false);
        let gone = "[secret removed] and [secret removed]";
        assert_eq!(masked(&all, one, "running and recorded"), gone);
        assert_eq!(masked(&all, other, "running and recorded"), "running and recorded");
        assert!(followed.borrow_and_update().is_in(b"recorded"));
        // A job brings another form: what was told stays.
        all.set_form(one, secrets("started"));
        assert_eq!(masked(&all, one, "started and recorded"), gone);
        all.set_database(one, secrets("connecting"));
        assert_eq!(masked(&all, one, "started, recorded, connecting").matches("[secret removed]").count(), 3);
    }

    #[test]
    fn what_is_asked_for_has_to_be_told_and_the_newest_holds() {
        let all = AllMasks::default();
        let one = InstanceId::new(uuid::Uuid::now_v7());
        assert!(!all.has(one, 0));
        all.set_form(one, secrets("running"));
        assert!(!all.has(one, 0), "a form says nothing of the records");
        all.tell(one, 5, secrets("fifth"), false);
        assert!(all.has(one, 4) && all.has(one, 5) && !all.has(one, 6));
        all.tell(one, 4, secrets("fourth"), false);
        assert_eq!(masked(&all, one, "fifth"), "[secret removed]");
        // Records that were brought back count from an earlier revision on.
        all.tell(one, 2, secrets("second"), true);
        assert!(all.has(one, 2) && !all.has(one, 3));
        assert_eq!(masked(&all, one, "second"), "[secret removed]");
        all.forget(one);
        assert!(!all.has(one, 0));
    }
}
