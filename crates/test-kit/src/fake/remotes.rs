//! Remote repositories in memory: what they say is set by hand, and what is pushed to them is kept.

use std::sync::Mutex;

use futures_util::future::BoxFuture;
use stoa_app::Fault;
use stoa_app::ports::{
    Applied, Looked, Pushed, RemoteAccess, RemoteError, RemoteFailure, RemotePush, Remotes, Staged,
};
use stoa_domain::branch::BranchName;
use stoa_domain::remote::{RemoteProblem, RemoteUrl, RemoteWay};
use stoa_domain::{ProjectId, Secret};

/// What a host shows where nothing else is set.
pub const HOST_KEY: &str = "ssh-ed25519 QQ==";

#[derive(Default)]
pub struct FakeRemotes {
    failure: Mutex<Option<RemoteFailure>>,
    host_key: Mutex<Option<String>>,
    fetched: Mutex<Vec<ProjectId>>,
    looked_at: Mutex<Vec<String>>,
    meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
    fails_once: Mutex<Option<RemoteProblem>>,
}

impl FakeRemotes {
    /// Every remote fails so from now on; `None`: they are well again.
    pub fn fail(&self, problem: Option<RemoteProblem>) {
        *self.failure.lock().unwrap() = problem.map(|problem| RemoteFailure {
            problem,
            said: "as it was told".to_owned(),
            host_key: None,
            offered_key: (problem == RemoteProblem::HostKeyChanged).then(|| "SHA256:other".to_owned()),
        });
    }

    /// What happens in the middle of the next fetch.
    pub fn meanwhile(&self, work: BoxFuture<'static, ()>) {
        *self.meanwhile.lock().unwrap() = Some(work);
    }

    /// The next fetch that begins fails so.
    pub fn fail_once(&self, problem: RemoteProblem) {
        *self.fails_once.lock().unwrap() = Some(problem);
    }

    /// Addresses that were looked at without taking anything, in turn.
    pub fn looked_at(&self) -> Vec<String> {
        self.looked_at.lock().unwrap().clone()
    }

    /// Every host shows another key from now on.
    pub fn show_host_key(&self, key: &str) {
        *self.host_key.lock().unwrap() = Some(key.to_owned());
    }

    /// Projects that were fetched, in turn.
    pub fn fetched(&self) -> Vec<ProjectId> {
        self.fetched.lock().unwrap().clone()
    }

    fn shown(&self, access: &RemoteAccess) -> Option<String> {
        let is_met = access.host_key.is_none() && access.url.way() == RemoteWay::Ssh;
        let key = self.host_key.lock().unwrap().clone();
        is_met.then(|| key.unwrap_or_else(|| HOST_KEY.to_owned()))
    }

    fn outcome(&self, access: &RemoteAccess) -> Result<Option<String>, RemoteError> {
        let shown = self.shown(access);
        match self.failure.lock().unwrap().clone() {
            Some(failure) => Err(RemoteFailure { host_key: shown, ..failure }.into()),
            None => Ok(shown),
        }
    }
}

impl Remotes for FakeRemotes {
    fn check(&self, url: &RemoteUrl) -> Result<(), String> {
        if url.way() == RemoteWay::Http { Err("Plain http isn't taken.".to_owned()) } else { Ok(()) }
    }

    fn new_key(&self) -> Result<Secret, Fault> {
        Ok(Secret::new(vec![7; 32]))
    }

    fn public_key(&self, _: &Secret, comment: &str) -> Result<String, Fault> {
        Ok(format!("ssh-ed25519 AAAA {comment}"))
    }

    fn fingerprint(&self, host_key: &str) -> Option<String> {
        Some(format!("SHA256:{}", host_key.split(' ').nth(1)?.trim_end_matches('=')))
    }

    fn look(&self, access: RemoteAccess) -> BoxFuture<'_, Result<Looked, RemoteError>> {
        Box::pin(async move {
            self.looked_at.lock().unwrap().push(access.url.to_string());
            let host_key = self.outcome(&access)?;
            Ok(Looked { host_key, branches: 1, default_branch: BranchName::parse("main") })
        })
    }

    fn stage(&self, project: ProjectId, access: RemoteAccess) -> BoxFuture<'_, Result<Staged, RemoteError>> {
        Box::pin(async move {
            self.fetched.lock().unwrap().push(project);
            let fails = self.fails_once.lock().unwrap().take();
            let meanwhile = self.meanwhile.lock().unwrap().take();
            if let Some(meanwhile) = meanwhile {
                meanwhile.await;
            }
            if let Some(problem) = fails {
                let said = "as it was told".to_owned();
                return Err(RemoteFailure { problem, said, host_key: None, offered_key: None }.into());
            }
            let host_key = self.outcome(&access)?;
            let default_branch = BranchName::parse("main");
            Ok(Staged { host_key, default_branch, is_changed: true, before: Vec::new() })
        })
    }

    fn apply(&self, _: ProjectId, _: Staged) -> BoxFuture<'_, Result<Applied, Fault>> {
        Box::pin(async { Ok(Applied::Done { passed_over: 0 }) })
    }

    fn push(
        &self,
        _: ProjectId,
        access: RemoteAccess,
        _: RemotePush,
    ) -> BoxFuture<'_, Result<Pushed, RemoteError>> {
        Box::pin(async move { self.outcome(&access).map(|_| Pushed::Done) })
    }
}
