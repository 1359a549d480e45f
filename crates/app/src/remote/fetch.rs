//! Fetching remote repositories when their time has come, when somebody wants it, and when a webhook says so; and what
//! follows when their branches have moved.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use stoa_domain::remote::RemoteProblem;
use stoa_domain::{ProjectId, Refusal, Timestamp, WorkspaceId};
use stoa_storage::remote::turn::{Turn, TurnEnd};
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ports::{Applied, RemoteError, RemoteFailure};
use crate::{App, Failure, Fault};

/// Fetched at once, and of one workspace: one that hangs keeps nobody else waiting.
const MOST: usize = 6;
const OF_WORKSPACE: usize = 2;
/// How many that are due are looked at.
const LOOKED_AT: i64 = 100;

/// How often it is looked whether any is due.
const ROUNDS: Duration = Duration::from_secs(1);
/// How often a turn is renewed: well within its lease.
const RENEWALS: Duration = Duration::from_secs(20);

/// Seconds between two fetches of one that is well; the second where a webhook was heard within the last day.
const POLL: i64 = 5 * 60;
const POLL_BESIDE_WEBHOOK: i64 = 30 * 60;
const DAY: i64 = 24 * 3600;
/// Seconds after the first failure; doubled with each further one, up to the last.
const FIRST_RETRY: i64 = 60;
const LAST_RETRY: i64 = 3600;

/// Where a branch is moved meanwhile, it is fetched again this often.
const TRIES: usize = 4;

/// One for each project: of a fetch, a merge and a push, one moves branches of the mirror at a time.
#[derive(Default)]
pub struct Guards {
    of: Mutex<HashMap<ProjectId, Weak<tokio::sync::Mutex<()>>>>,
}

impl Guards {
    pub(crate) async fn hold(&self, project: ProjectId) -> OwnedMutexGuard<()> {
        let guard = {
            let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
            of.retain(|_, guard| guard.strong_count() > 0);
            let known = of.get(&project).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let new = Arc::new(tokio::sync::Mutex::new(()));
                of.insert(project, Arc::downgrade(&new));
                new
            })
        };
        guard.lock_owned().await
    }
}

/// What a fetch came to.
enum Fetched {
    Well {
        passed_over: u64,
    },
    Not(RemoteFailure),
    /// The project, or its remote, is no more.
    Gone,
}

/// When one that failed so often is tried again.
fn retry_after(failures: i64) -> i64 {
    let doublings = u32::try_from(failures.clamp(0, 10)).unwrap_or(0);
    FIRST_RETRY.saturating_mul(2_i64.saturating_pow(doublings)).min(LAST_RETRY)
}

impl App {
    /// Fetches what is due until it is to stop. What is under way then is cut off, and fetched anew after the next start.
    pub async fn run_remotes(&self, is_alone: bool, stop: CancellationToken) {
        // Nobody else has a turn where nobody else has the records.
        if is_alone && let Err(failure) = self.store().free_turns().await {
            tracing::error!(?failure, "turns of the last process weren't given back; they end by themselves");
        }
        let mut running: JoinSet<WorkspaceId> = JoinSet::new();
        let mut of: HashMap<WorkspaceId, usize> = HashMap::new();
        loop {
            if running.len() < MOST {
                match self.store().list_due_remotes(LOOKED_AT).await {
                    Ok(due) => {
                        for (workspace, project) in due {
                            let count = of.entry(workspace).or_default();
                            if *count >= OF_WORKSPACE || running.len() >= MOST {
                                continue;
                            }
                            *count += 1;
                            let app = self.clone();
                            running.spawn(async move {
                                app.take_turn(workspace, project).await;
                                workspace
                            });
                        }
                    }
                    Err(fault) => tracing::warn!(%fault, "it can't be seen which repositories are due"),
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                Some(ended) = running.join_next(), if !running.is_empty() => {
                    match ended {
                        Ok(workspace) => {
                            if let Some(count) = of.get_mut(&workspace) {
                                *count = count.saturating_sub(1);
                            }
                        }
                        // Which it was isn't known: all are counted anew.
                        Err(error) => {
                            tracing::error!(%error, "a fetch ended by a fault of its own");
                            running.shutdown().await;
                            of.clear();
                        }
                    }
                    of.retain(|_, count| *count > 0);
                }
                () = tokio::time::sleep(ROUNDS) => {}
            }
        }
    }

    /// Fetches each that is due now, one after the other: for whoever waits for it.
    ///
    /// # Errors
    /// A fault of the records.
    pub async fn fetch_due_remotes(&self) -> Result<(), Failure> {
        for (workspace, project) in self.store().list_due_remotes(LOOKED_AT).await? {
            self.take_turn(workspace, project).await;
        }
        Ok(())
    }

    async fn take_turn(&self, workspace: WorkspaceId, project: ProjectId) {
        let turn = match self.store().claim_remote(workspace, project).await {
            Ok(Some(turn)) => turn,
            Ok(None) => return,
            Err(failure) => {
                tracing::warn!(?failure, %project, "a remote repository can't be taken in turn");
                return;
            }
        };
        let fetching = self.fetch(&turn);
        tokio::pin!(fetching);
        let fetched = loop {
            tokio::select! {
                fetched = &mut fetching => break fetched,
                () = tokio::time::sleep(RENEWALS) => {
                    if let Err(failure) = self.store().renew_turn(&turn).await {
                        tracing::warn!(?failure, %project, "the turn of a remote repository wasn't renewed");
                    }
                }
            }
        };
        if let Err(failure) = self.end_turn(&turn, fetched).await {
            tracing::error!(?failure, %project, "what came of a fetch wasn't written down");
        }
    }

    async fn end_turn(&self, turn: &Turn, fetched: Result<Fetched, Failure>) -> Result<(), Failure> {
        let now = self.store().now();
        let failed = |problem: RemoteProblem, said: String, offered_key| TurnEnd {
            problem: Some((problem.key().to_owned(), said)),
            offered_key,
            passed_over: None,
            next_at: now.plus_seconds(retry_after(turn.failures)),
        };
        let end = match fetched {
            Ok(Fetched::Gone) => return Ok(()),
            Ok(Fetched::Well { passed_over }) => TurnEnd {
                problem: None,
                offered_key: None,
                passed_over: Some(i64::try_from(passed_over).unwrap_or(i64::MAX)),
                next_at: self.next_poll(turn, now).await?,
            },
            Ok(Fetched::Not(failure)) => failed(failure.problem, failure.said, failure.offered_key),
            Err(Failure::Refused(Refusal::NotFound)) => return Ok(()),
            Err(failure) => {
                // It isn't the remote's doing; whoever runs Stoa finds the rest in its log.
                tracing::error!(?failure, project = %turn.project, "a remote repository couldn't be fetched");
                let said = "Stoa failed at this. It is in the log of the server.".to_owned();
                failed(RemoteProblem::Away, said, None)
            }
        };
        Ok(self.store().end_turn(turn, end).await?)
    }

    async fn next_poll(&self, turn: &Turn, now: Timestamp) -> Result<Timestamp, Failure> {
        let record = self.store().find_remote(turn.workspace, turn.project).await?;
        let heard = record.and_then(|record| record.heard_at);
        let is_told = heard.is_some_and(|heard| heard.plus_seconds(DAY) > now);
        Ok(now.plus_seconds(if is_told { POLL_BESIDE_WEBHOOK } else { POLL }))
    }

    async fn fetch(&self, turn: &Turn) -> Result<Fetched, Failure> {
        let (workspace, project) = (turn.workspace, turn.project);
        let remotes = &self.outside().remotes;
        for _ in 0..TRIES {
            let Some(record) = self.store().find_remote(workspace, project).await? else {
                return Ok(Fetched::Gone);
            };
            let access = self.access(workspace, project, &record).await?;
            let staged = match remotes.stage(project, access).await {
                Ok(staged) => staged,
                Err(RemoteError::Fault(fault)) => return Err(fault.into()),
                Err(RemoteError::Failed(failure)) => {
                    self.pin(workspace, project, failure.host_key.clone()).await?;
                    return Ok(Fetched::Not(*failure));
                }
            };
            self.pin(workspace, project, staged.host_key.clone()).await?;
            let _guard = self.remote_guards().hold(project).await;
            // Fetched from where the repository was before: nothing of it counts any more.
            let now = self.store().find_remote(workspace, project).await?;
            if now.is_none_or(|now| now.state.url != record.state.url) {
                continue;
            }
            let (default_branch, is_changed) = (staged.default_branch.clone(), staged.is_changed);
            let applied = remotes.apply(project, staged).await?;
            let Applied::Done { passed_over } = applied else { continue };
            if is_changed || record.state.fetched_at.is_none() {
                self.follow_fetch(workspace, project, default_branch).await?;
            }
            return Ok(Fetched::Well { passed_over });
        }
        Err(Fault::new("branches of a mirror were moved at each look").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_it_fails_the_longer_it_is_left_alone() {
        let waits: Vec<i64> = (0..8).map(retry_after).collect();
        assert_eq!(waits, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(retry_after(i64::MAX), LAST_RETRY);
        assert_eq!(retry_after(-1), FIRST_RETRY);
    }
}
