//! Which secrets stand in no log of an instance: those of the form that it runs with, those that the records have, which
//! may be newer, and those that were either before. The control plane tells of these before it has a log read, and
//! whenever they change; and what runs is told, so that none is written any more. They are kept, sealed: what was written
//! before a value was secret stays without it when nobody else knows of it any more.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use std::time::Duration;

use stoa_domain::{InstanceId, Secret};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::{Agent, Refused};
use crate::folders::{remove_file, write_whole};
use crate::init::Control;
use crate::logs::{Masks, Secrets};
use crate::protocol::SecretText;

/// How long process 1 may take to say that it leaves them out: whoever told of them waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// Of all instances, also of those whose form isn't here yet: their logs may be followed already.
#[derive(Default)]
pub(super) struct AllMasks {
    known: Mutex<HashMap<InstanceId, Known>>,
    /// Held while some are written down, so that none that are older come later.
    saving: Mutex<()>,
}

#[derive(Default)]
struct Known {
    of_form: Vec<Secret>,
    /// Of its database, which the records don't know.
    of_database: Vec<Secret>,
    of_records: Vec<Secret>,
    /// All that are or were secret.
    all: Secrets,
    is_unsaved: bool,
    /// Of the records' settings; `None` before anything of them was told.
    told: Option<i64>,
    /// The one as of which nothing secret is written any more either.
    revision: Option<i64>,
    /// Whoever follows a log goes on with these.
    masks: watch::Sender<Arc<Masks>>,
}

impl Known {
    /// Whether that changes anything.
    fn renew(&mut self) -> bool {
        let now = self.of_form.iter().chain(&self.of_database).chain(&self.of_records);
        let is_other = self.all.renew(now);
        if is_other {
            self.is_unsaved = true;
            self.masks.send_replace(Arc::new(self.all.masks()));
        }
        is_other
    }
}

impl AllMasks {
    fn lock(&self) -> MutexGuard<'_, HashMap<InstanceId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was kept of an earlier run of the agent.
    fn bring_back(&self, instance: InstanceId, secrets: Vec<Secret>) {
        let mut all = self.lock();
        let known = all.entry(instance).or_default();
        known.all = Secrets::kept(secrets);
        known.masks.send_replace(Arc::new(known.all.masks()));
    }

    /// Whether something is left out now that wasn't before.
    pub fn set_form(&self, instance: InstanceId, secrets: Vec<Secret>) -> bool {
        let mut all = self.lock();
        let known = all.entry(instance).or_default();
        known.of_form = secrets;
        known.renew()
    }

    pub fn set_database(&self, instance: InstanceId, secrets: Vec<Secret>) {
        let mut all = self.lock();
        let known = all.entry(instance).or_default();
        known.of_database = secrets;
        known.renew();
    }

    /// All that no log has.
    pub fn all(&self, instance: InstanceId) -> Vec<Secret> {
        self.lock().get(&instance).map(|known| known.all.iter().cloned().collect()).unwrap_or_default()
    }

    /// The same where they aren't written down yet, once.
    fn take_unsaved(&self, instance: InstanceId) -> Option<Vec<Secret>> {
        let mut all = self.lock();
        let known = all.get_mut(&instance).filter(|known| known.is_unsaved)?;
        known.is_unsaved = false;
        Some(known.all.iter().cloned().collect())
    }

    fn set_unsaved(&self, instance: InstanceId) {
        if let Some(known) = self.lock().get_mut(&instance) {
            known.is_unsaved = true;
        }
    }

    /// Nothing is shown of them from now on. The revision that is known by now: it holds when nothing of it is written
    /// any more either.
    fn tell(&self, instance: InstanceId, revision: i64, secrets: Vec<Secret>, is_anew: bool) -> i64 {
        let mut all = self.lock();
        let known = all.entry(instance).or_default();
        // Two may tell at once, and the older of them later.
        if let Some(newer) = known.told.filter(|told| !is_anew && *told > revision) {
            return newer;
        }
        if known.revision.is_some_and(|known| known > revision) {
            known.revision = None;
        }
        (known.told, known.of_records) = (Some(revision), secrets);
        known.renew();
        revision
    }

    fn hold(&self, instance: InstanceId, told: i64) {
        // Records that were brought back meanwhile count from an earlier one on.
        if let Some(known) = self.lock().get_mut(&instance)
            && known.told.is_some_and(|newest| newest >= told)
        {
            known.revision = known.revision.max(Some(told));
        }
    }

    fn has(&self, instance: InstanceId, revision: i64) -> bool {
        let known = self.lock().get(&instance).and_then(|known| known.revision);
        known.is_some_and(|known| known >= revision)
    }

    fn follow(&self, instance: InstanceId) -> watch::Receiver<Arc<Masks>> {
        self.lock().entry(instance).or_default().masks.subscribe()
    }

    fn forget(&self, instance: InstanceId) {
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
    /// one, but for `is_anew`, by which whoever has just connected says how it is. When it is done none is shown, and none
    /// is written by what knows how to leave it out.
    pub(crate) async fn tell_secrets(
        &self,
        instance: InstanceId,
        revision: i64,
        secrets: Vec<Secret>,
        is_anew: bool,
    ) {
        let told = self.inner.masks.tell(instance, revision, secrets, is_anew);
        self.save_secrets(instance);
        self.leave_out(instance).await;
        self.inner.masks.hold(instance, told);
    }

    /// Has process 1 of each sandbox of an instance leave out what no log has. One that doesn't answer, or is of an
    /// earlier Stoa and doesn't know how, keeps nobody from reading: they are left out then.
    pub(super) async fn leave_out(&self, instance: InstanceId) {
        let Ok(entries) = std::fs::read_dir(self.inner.folders.run(instance)) else { return };
        // Without that file one isn't whole yet: whoever starts it looks again.
        let places = entries.flatten().map(|entry| entry.path());
        let places = places.filter(|place| place.join("sandbox.json").exists());
        let each = places.map(|place| async move {
            let secrets = self.inner.masks.all(instance);
            if let Err(error) = Control::leave_out(&place.join("control.sock"), secrets, PATIENCE).await {
                tracing::debug!(%error, %instance, "a sandbox isn't told what is secret");
            }
        });
        futures_util::future::join_all(each).await;
    }

    /// Writes down what no log has, where that has changed. Of an instance that isn't held here nothing is kept.
    pub(super) fn save_secrets(&self, instance: InstanceId) {
        let folders = &self.inner.folders;
        let _one = self.inner.masks.saving.lock().unwrap_or_else(PoisonError::into_inner);
        if !folders.form(instance).exists() {
            return;
        }
        let Some(secrets) = self.inner.masks.take_unsaved(instance) else { return };
        let sealed = || {
            let texts: Vec<SecretText> = secrets.into_iter().map(SecretText).collect();
            let text = Zeroizing::new(serde_json::to_vec(&texts)?);
            self.inner.key.seal(&bound(instance), &text)
        };
        let written = sealed().and_then(|sealed| write_whole(&folders.secrets(instance), &sealed));
        if let Err(error) = written {
            // They hold for as long as this runs.
            tracing::warn!(%error, %instance, "what is left out of its logs can't be written down");
            self.inner.masks.set_unsaved(instance);
        }
    }

    /// What was written down before the agent was started anew.
    pub(super) fn bring_back_secrets(&self, instance: InstanceId) -> io::Result<()> {
        let sealed = match std::fs::read(self.inner.folders.secrets(instance)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        let text = self.inner.key.open(&bound(instance), &sealed)?;
        let texts: Vec<SecretText> = serde_json::from_slice(&text)?;
        self.inner.masks.bring_back(instance, texts.into_iter().map(|text| text.0).collect());
        Ok(())
    }

    /// Of an instance that is deleted.
    pub(super) fn forget_secrets(&self, instance: InstanceId) -> io::Result<()> {
        let _one = self.inner.masks.saving.lock().unwrap_or_else(PoisonError::into_inner);
        remove_file(&self.inner.folders.secrets(instance))?;
        self.inner.masks.forget(instance);
        Ok(())
    }

    /// # Errors
    /// `OldSecrets`, where a log would be read without regard to what has become secret since.
    pub(crate) fn has_secrets(&self, instance: InstanceId, revision: i64) -> Result<(), Refused> {
        if self.inner.masks.has(instance, revision) { Ok(()) } else { Err(Refused::OldSecrets) }
    }
}

/// What they are sealed for.
fn bound(instance: InstanceId) -> String {
    format!("secrets:{instance}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tell(all: &AllMasks, instance: InstanceId, revision: i64, secrets: Vec<Secret>, is_anew: bool) {
        all.hold(instance, all.tell(instance, revision, secrets, is_anew));
    }

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
        tell(&all, one, 3, secrets("recorded"), false);
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
        tell(&all, one, 5, secrets("fifth"), false);
        assert!(all.has(one, 4) && all.has(one, 5) && !all.has(one, 6));
        tell(&all, one, 4, secrets("fourth"), false);
        assert_eq!(masked(&all, one, "fifth"), "[secret removed]");
        // Records that were brought back count from an earlier revision on.
        tell(&all, one, 2, secrets("second"), true);
        assert!(all.has(one, 2) && !all.has(one, 3));
        assert_eq!(masked(&all, one, "second"), "[secret removed]");
        all.forget(one);
        assert!(!all.has(one, 0));
    }

    #[test]
    fn what_was_told_holds_when_it_is_not_written_any_more() {
        let all = AllMasks::default();
        let one = InstanceId::new(uuid::Uuid::now_v7());
        let fifth = all.tell(one, 5, secrets("fifth"), false);
        assert!(!all.has(one, 5), "process 1 may still write it");
        assert_eq!(masked(&all, one, "fifth"), "[secret removed]");
        // Another one tells of less meanwhile, and one of more.
        assert_eq!(all.tell(one, 4, secrets("fourth"), false), 5);
        let sixth = all.tell(one, 6, secrets("sixth"), false);
        all.hold(one, fifth);
        assert!(all.has(one, 5) && !all.has(one, 6));
        all.hold(one, sixth);
        assert!(all.has(one, 6));
        // Nobody else knows by now what was the fifth.
        assert_eq!(masked(&all, one, "fifth, sixth"), "[secret removed], [secret removed]");
    }

    #[test]
    fn what_was_written_down_is_left_out_again() {
        let all = AllMasks::default();
        let one = InstanceId::new(uuid::Uuid::now_v7());
        assert!(all.set_form(one, secrets("replaced")) && all.set_form(one, secrets("current")));
        let kept = all.take_unsaved(one).unwrap();
        assert!(all.take_unsaved(one).is_none());
        let again = AllMasks::default();
        again.bring_back(one, kept);
        assert!(!again.set_form(one, secrets("current")));
        assert_eq!(masked(&again, one, "replaced by current"), "[secret removed] by [secret removed]");
    }
}
