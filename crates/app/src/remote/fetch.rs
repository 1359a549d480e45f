//! Fetching remote repositories when their time has come, when somebody wants it, and when a webhook says so; and what
//! follows when their branches have moved.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use stoa_domain::remote::RemoteProblem;
use stoa_domain::{ProjectId, Refusal, Timestamp, WorkspaceId};
use stoa_storage::StorageFault;
use stoa_storage::remote::turn::{Turn, TurnEnd};
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::places::{OF_WORKSPACE, Places};
use crate::ports::{Applied, RemoteError, RemoteFailure};
use crate::{App, Failure, Fault};

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

fn gave_way() -> RemoteFailure {
    RemoteFailure {
        problem: RemoteProblem::TimedOut,
        said: "It took long while others waited.".to_owned(),
        host_key: None,
        offered_key: None,
    }
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
        let mut running: JoinSet<ProjectId> = JoinSet::new();
        let mut places = Places::default();
        loop {
            // Asked also while all places are taken: who waits for one makes room.
            match self.list_due().await {
                Ok(due) => {
                    for (workspace, project) in due {
                        let Some(cut) = places.take(workspace, project, Instant::now()) else { continue };
                        let app = self.clone();
                        running.spawn(async move {
                            app.take_turn(workspace, project, &cut).await;
                            project
                        });
                    }
                }
                Err(fault) => tracing::warn!(%fault, "it can't be seen which repositories are due"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                Some(ended) = running.join_next(), if !running.is_empty() => match ended {
                    Ok(project) => places.give_back(project),
                    // Which it was isn't known: all begin anew.
                    Err(error) => {
                        tracing::error!(%error, "a fetch ended by a fault of its own");
                        running.shutdown().await;
                        places.clear();
                    }
                },
                () = tokio::time::sleep(ROUNDS) => {}
            }
        }
    }

    async fn list_due(&self) -> Result<Vec<(WorkspaceId, ProjectId)>, StorageFault> {
        let of_workspace = i64::try_from(OF_WORKSPACE).unwrap_or(1);
        self.store().list_due_remotes(of_workspace, LOOKED_AT).await
    }

    /// Fetches each that is due now, one after the other: for whoever waits for it.
    ///
    /// # Errors
    /// A fault of the records.
    pub async fn fetch_due_remotes(&self) -> Result<(), Failure> {
        let never = CancellationToken::new();
        loop {
            let mut is_any = false;
            for (workspace, project) in self.list_due().await? {
                is_any |= self.take_turn(workspace, project, &never).await;
            }
            if !is_any {
                return Ok(());
            }
        }
    }

    /// Whether there was a turn to take. It ends early where it is `cut`: somebody else waits.
    async fn take_turn(&self, workspace: WorkspaceId, project: ProjectId, cut: &CancellationToken) -> bool {
        let mut turn = match self.store().claim_remote(workspace, project).await {
            Ok(Some(turn)) => turn,
            Ok(None) => return false,
            Err(failure) => {
                tracing::warn!(?failure, %project, "a remote repository can't be taken in turn");
                return false;
            }
        };
        // What is fetched is the same however often the turn was renewed.
        let of_fetch = turn.clone();
        let fetching = self.fetch(&of_fetch);
        tokio::pin!(fetching);
        let fetched = loop {
            tokio::select! {
                fetched = &mut fetching => break fetched,
                () = cut.cancelled() => break Ok(Fetched::Not(gave_way())),
                () = tokio::time::sleep(RENEWALS) => match self.store().renew_turn(&turn).await {
                    Ok(Some(renewed)) => turn = renewed,
                    Ok(None) => {
                        // Another has it: what it fetches counts.
                        tracing::warn!(%project, "the turn of a remote repository was lost in the middle");
                        return true;
                    }
                    Err(failure) => {
                        tracing::warn!(?failure, %project, "the turn of a remote repository wasn't renewed");
                    }
                },
            }
        };
        if let Err(failure) = self.end_turn(&turn, fetched).await {
            tracing::error!(?failure, %project, "what came of a fetch wasn't written down");
        }
        true
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
                    self.pin(workspace, project, &record.state.url, failure.host_key.clone()).await?;
                    return Ok(Fetched::Not(*failure));
                }
            };
            self.pin(workspace, project, &record.state.url, staged.host_key.clone()).await?;
            let _guard = self.remote_guards().hold(project).await;
            // Fetched from where the repository was before: nothing of it counts any more.
            let now = self.store().find_remote(workspace, project).await?;
            if now.is_none_or(|now| now.state.url != record.state.url) {
                continue;
            }
            let default_branch = staged.default_branch.clone();
            let applied = remotes.apply(project, staged).await?;
            let Applied::Done { passed_over } = applied else { continue };
            // Also where nothing has come: what follows the last fetch may have failed. It does nothing where all is done.
            self.follow_fetch(workspace, project, default_branch).await?;
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
