//! What the proxy asks of a session by its host. Nobody is behind such a question yet, so it takes no permit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stoa_domain::instance::InstanceStatus;
use stoa_domain::{
    AccountId, AccountStanding, Actor, ConnectSessionId, Credential, Secret, Via, WorkspaceId,
};
use stoa_storage::connect_as::ConnectedRecord;
use stoa_storage::host::HostedInstance;
use subtle::ConstantTimeEq as _;

use super::jar::Jar;
use crate::authority::PathWords;
use crate::ports::SealedPlace;
use crate::secrets::hash_of;
use crate::{App, Failure, Fault};

/// The version of the workspace's key by which cookies are sealed.
const KEY_VERSION: i64 = 1;

/// Answers that change the cookies at once may cross: each is applied to what the one before left.
const TRIES: u32 = 16;

/// Whose turn it is to change a session's cookies.
#[derive(Default)]
pub(crate) struct CookieTurns(Mutex<HashMap<ConnectSessionId, Arc<tokio::sync::Mutex<()>>>>);

impl CookieTurns {
    fn of(&self, session: ConnectSessionId) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, turn| Arc::strong_count(turn) > 1);
        all.entry(session).or_default().clone()
    }
}

/// A session's host, and what is behind it.
pub struct Connected {
    record: ConnectedRecord,
    is_over: bool,
    left: Duration,
}

/// The browser has come to the session's host.
pub struct Arrived {
    /// What it is known by from here on.
    pub visit: Secret,
    /// The path to open first.
    pub landing: String,
    /// Until the session ends.
    pub seconds: u64,
}

impl Connected {
    /// Whether there is nothing more to see.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    #[must_use]
    pub fn instance(&self) -> &HostedInstance {
        &self.record.instance
    }

    #[must_use]
    pub(crate) fn id(&self) -> ConnectSessionId {
        self.record.id
    }

    /// The instance's own host.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.record.host.as_deref()
    }

    /// For how long it goes on at most, from when it was found.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.left
    }

    /// Whether this is what the browser that came is known by.
    #[must_use]
    pub fn knows(&self, visit: &str) -> bool {
        let known = self.record.visit_hash.as_deref();
        known.is_some_and(|known| bool::from(known.ct_eq(&hash_of(visit))))
    }

    /// Who asks, for the same decision as on the public host.
    #[must_use]
    pub fn standing(&self, address: Option<String>) -> Option<AccountStanding> {
        let session = self.record.session?;
        let actor = Actor {
            account: self.account(),
            name: String::new(),
            via: Via::Page,
            credential: Credential::Session(session),
            address,
        };
        Some(AccountStanding {
            actor,
            is_admin: false,
            revision: 0,
            limits: None,
            confirmed: false,
            viewing: None,
        })
    }

    /// And for what.
    #[must_use]
    pub fn path(&self) -> PathWords {
        words(self.record.workspace, self.record.instance.id, self.record.id)
    }

    fn account(&self) -> AccountId {
        self.record.account
    }
}

pub(super) fn words(
    workspace: WorkspaceId,
    instance: stoa_domain::InstanceId,
    session: ConnectSessionId,
) -> PathWords {
    PathWords::new(vec![
        ("workspace".to_owned(), workspace.to_string()),
        ("instance".to_owned(), instance.to_string()),
        ("connect".to_owned(), session.to_string()),
    ])
}

fn place(workspace: WorkspaceId, session: ConnectSessionId) -> SealedPlace {
    SealedPlace {
        workspace,
        table: "connect_sessions",
        column: "cookies",
        row: session.to_string(),
        version: KEY_VERSION,
    }
}

impl App {
    /// The session whose host this is, also for a while after its end. `host` is in its normal form.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_connected(&self, host: &str) -> Result<Option<Connected>, Failure> {
        let Some(label) = stoa_domain::connect_as::label_of(host, &self.settings().instance_domain) else {
            return Ok(None);
        };
        let found = self.store().find_connected(label).await?;
        Ok(found.map(|record| {
            let is_over = record.is_ended
                || !record.is_opened
                || record.ends_at <= self.store().now()
                || record.instance.status == InstanceStatus::Deleting;
            let left = record.ends_at.micros().saturating_sub(self.store().now().micros());
            Connected { is_over, left: Duration::from_micros(u64::try_from(left).unwrap_or(0)), record }
        }))
    }

    /// Takes what the browser brought to the host, once in the whole installation.
    ///
    /// # Errors
    /// A fault.
    pub async fn arrive_connected(&self, host: &str, code: &str) -> Result<Option<Arrived>, Failure> {
        let Some(label) = stoa_domain::connect_as::label_of(host, &self.settings().instance_domain) else {
            return Ok(None);
        };
        let visit = self.new_secret("");
        let taken = self.store().take_connect_code(label.to_owned(), hash_of(code), visit.hash).await?;
        Ok(taken.map(|(landing, ends_at)| {
            let seconds = u64::try_from(ends_at.seconds_since(self.store().now())).unwrap_or(0);
            Arrived { visit: visit.text, landing, seconds }
        }))
    }

    /// The application's cookies of a session.
    ///
    /// # Errors
    /// A fault.
    pub async fn connected_cookies(&self, connected: &Connected) -> Result<Jar, Failure> {
        self.open_jar(connected.record.workspace, connected.record.id, connected.record.cookies.as_deref())
            .await
    }

    /// Takes over what an answer sets.
    ///
    /// # Errors
    /// A fault.
    pub async fn keep_connected_cookies(
        &self,
        host: &str,
        connected: &Connected,
        path: &str,
        set: &[Vec<u8>],
    ) -> Result<(), Failure> {
        let own_host = connected.host().unwrap_or_default().to_owned();
        let (workspace, id) = (connected.record.workspace, connected.record.id);
        // Of one process they take turns; a replica's may still come between.
        let _turn = self.cookie_turns().of(id).lock_owned().await;
        for _ in 0..TRIES {
            // Read anew: another answer may have changed them meanwhile.
            let Some(now) = self.find_connected(host).await? else { return Ok(()) };
            if now.is_over || now.record.id != id {
                return Ok(());
            }
            let mut jar = self.open_jar(workspace, id, now.record.cookies.as_deref()).await?;
            let seconds = self.store().now().micros() / 1_000_000;
            let mut is_changed = false;
            for text in set {
                is_changed |= jar.set(text, &own_host, path, seconds);
            }
            if !is_changed {
                return Ok(());
            }
            let sealed = self.seal_jar(workspace, id, &jar).await?;
            if self.store().keep_connect_cookies(id, now.record.cookies_revision, sealed).await? {
                return Ok(());
            }
        }
        Err(Fault::new("cookies of a session change faster than they can be kept").into())
    }

    pub(super) async fn seal_jar(
        &self,
        workspace: WorkspaceId,
        session: ConnectSessionId,
        jar: &Jar,
    ) -> Result<Vec<u8>, Failure> {
        let wrapped = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        Ok(self.outside().vault.seal(&wrapped, &place(workspace, session), &jar.to_secret()?)?)
    }

    pub(super) async fn open_jar(
        &self,
        workspace: WorkspaceId,
        session: ConnectSessionId,
        sealed: Option<&[u8]>,
    ) -> Result<Jar, Failure> {
        let Some(sealed) = sealed else { return Ok(Jar::default()) };
        let wrapped = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        let secret = self.outside().vault.open(&wrapped, &place(workspace, session), sealed)?;
        Ok(Jar::from_secret(&secret)?)
    }
}
