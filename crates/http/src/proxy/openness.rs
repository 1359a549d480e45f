//! What goes on for visitors of a public instance goes on only while it is public.
//!
//! One task asks for all such instances, at once when something changed and each moment. Unlike a lease it ends nothing
//! for want of an answer: nobody's right is asked, only whether the owner has closed the instance since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stoa_app::App;
use stoa_domain::InstanceId;
use stoa_domain::instance::Visibility;
use tokio::sync::watch;

const EACH: Duration = Duration::from_millis(400);
/// Changes that come at once are asked about at once, together.
const TOGETHER: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(super) struct Openness {
    followed: Mutex<Followed>,
}

#[derive(Default)]
struct Followed {
    open: HashMap<InstanceId, Open>,
    is_asked: bool,
}

struct Open {
    host: String,
    closed: watch::Sender<bool>,
}

impl Openness {
    /// Tells when the instance isn't public any more.
    pub(super) fn follow(
        self: &Arc<Self>,
        app: &App,
        instance: InstanceId,
        host: &str,
    ) -> watch::Receiver<bool> {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = followed
            .open
            .entry(instance)
            .or_insert_with(|| Open { host: host.to_owned(), closed: watch::channel(false).0 });
        let receiver = entry.closed.subscribe();
        let is_asked = std::mem::replace(&mut followed.is_asked, true);
        drop(followed);
        if !is_asked {
            tokio::spawn(self.clone().ask(app.clone()));
        }
        receiver
    }

    /// Asks until nobody follows any instance.
    async fn ask(self: Arc<Self>, app: App) {
        let mut changes = app.changes();
        loop {
            tokio::select! {
                () = tokio::time::sleep(EACH) => {}
                _ = changes.recv() => tokio::time::sleep(TOGETHER).await,
            }
            // Changes that came meanwhile are asked about now.
            while changes.try_recv().is_ok() {}
            let followed: Vec<_> = {
                let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
                followed.open.retain(|_, one| one.closed.receiver_count() > 0);
                if followed.open.is_empty() {
                    followed.is_asked = false;
                    return;
                }
                followed.open.iter().map(|(id, one)| (*id, one.host.clone())).collect()
            };
            for (instance, host) in followed {
                let Ok(record) = app.find_host(&host).await else { continue };
                let still = record.and_then(|record| record.instance);
                if !still.is_some_and(|own| own.id == instance && own.visibility == Visibility::Public) {
                    let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(one) = followed.open.remove(&instance) {
                        one.closed.send_replace(true);
                    }
                }
            }
        }
    }
}
