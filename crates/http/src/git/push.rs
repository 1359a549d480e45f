//! A push: decided from its command list, run, decided once more by `pre-receive`, and what follows from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Response;
use http::request::Parts;
use stoa_app::ports::RefUpdate;
use stoa_app::{Failure, Fault};
use stoa_domain::Refusal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin};
use tokio::sync::{mpsc, oneshot};

use super::commands::{self, List, Reading, Wrong};
use super::fetch::missing;
use super::hook::{self, By, Desk, Kind, Move, Pending, Permitted};
use super::input::{Cut, Input};
use super::places::Own;
use super::program::{git, last_words};
use super::{Entered, Git, answered, names};

/// A push takes no longer.
const LONGEST: Duration = Duration::from_secs(1800);
/// Its list has come whole within this time.
const LIST_WITHIN: Duration = Duration::from_secs(60);
/// The program has this long to clean up after itself.
const ENDING: Duration = Duration::from_secs(10);
/// Bytes of its answer that are kept until all of the push is there: its progress is a line a second.
const MOST_HELD: usize = 1 << 20;
/// What an answer in bands ends with.
const FLUSH: &[u8] = b"0000";
const KIND: &str = "application/x-git-receive-pack-result";

impl Git {
    pub(super) async fn push(
        &self,
        parts: &Parts,
        body: Body,
        entered: Entered,
        own: Own,
    ) -> Result<Response<Body>, Failure> {
        let most = self.inner.hosting.largest_push.saturating_add(commands::LONGEST as u64);
        let mut input = Input::new(parts, body, most)?;
        let listed = tokio::time::timeout(LIST_WITHIN, list_of(&mut input)).await;
        let (list, head) = listed.map_err(|_| Refusal::TooSlow)??;
        if let Some(sentence) = self.first_decision(&entered, &list).await? {
            input.drain().await;
            return Ok(answered(KIND, Body::from(list.refusal(&sentence))));
        }
        hook::check(&self.inner.hosting.hooks_folder).map_err(Fault::new)?;
        let folder = self.folder(entered.project);
        // What is to be moved is known: whoever sends the rest slowly is cut by its pace.
        let place = self.inner.places.of_workspace(own, entered.workspace).await?;
        if let Some(sentence) = names::clash(&folder, &list.commands).await.map_err(missing)? {
            input.drain().await;
            return Ok(answered(KIND, Body::from(list.refusal(&sentence))));
        }
        let (workspace, project) = (entered.workspace, entered.project);
        let hears_lines = list.hears_lines();
        let pending = Arc::new(Pending::new(entered.account, workspace, project, list.commands, By::Git));
        // The end of the answer is kept back, so that lines can still be put before it.
        let mut tail = hears_lines.then(Vec::new);
        let ticket = self.inner.desk.expect(pending.clone());
        let mut command = git("receive-pack", &["--stateless-rpc"], &self.settings(), &folder);
        for (name, value) in ticket.environment() {
            command.env(name, value);
        }
        let child = command.spawn().map_err(missing)?;
        let (sender, receiver) = mpsc::channel::<Bytes>(16);
        let (fed, is_fed) = oneshot::channel();
        let hosts = self.clone();
        // It goes on whether or not the client waits for the answer: what was moved has to be followed.
        tokio::spawn(async move {
            let _place = place;
            let running = run(child, head, input, fed, &sender, tail.as_mut());
            if tokio::time::timeout(LONGEST, running).await.is_err() {
                tracing::warn!("a push took too long and was ended");
            }
            drop(ticket);
            if let Some(Permitted::Git(permit, rewound)) = pending.take_permit() {
                let update = |command| update(command, rewound.contains(command));
                let reader = (permit.sees_everything(), permit.member());
                let updates: Vec<_> = pending.commands().iter().map(update).collect();
                if let Err(failure) = hosts.inner.frame.app.after_push(permit, &updates).await {
                    // The next start compares the heads; until then the branch is moved and not deployed.
                    tracing::error!(?failure, "what follows a push couldn't be begun");
                }
                if tail.as_deref() == Some(FLUSH) {
                    for line in hosts.warnings(workspace, project, &updates, reader).await {
                        let _ = sender.send(commands::told(&line).into()).await;
                    }
                }
            }
            // A client that has gone needs no end.
            if let Some(tail) = tail.filter(|tail| !tail.is_empty()) {
                let _ = sender.send(tail.into()).await;
            }
            drop(sender);
        });
        // A proxy that has had the head of an answer may pass on nothing more of the request: nginx doesn't. One that was
        // ended without a word has been dropped, and that is as good.
        let _ = is_fed.await;
        let pieces = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        Ok(answered(KIND, Body::from_stream(pieces.map(Ok::<_, std::convert::Infallible>))))
    }

    /// Decides each ref from what the list says. Whether a branch is rewound isn't known before its commits are here:
    /// `pre-receive` asks that.
    async fn first_decision(&self, entered: &Entered, list: &List) -> Result<Option<String>, Failure> {
        if let Some(wrong) = &list.wrong {
            return Ok(Some(wrong.sentence()));
        }
        if list.commands.is_empty() {
            return Ok(None);
        }
        let moves: Vec<_> = list
            .commands
            .iter()
            .map(|command| Move {
                command: command.clone(),
                kind: if command.new.is_zero() { Kind::Delete } else { Kind::Forward },
            })
            .collect();
        let decided =
            Desk::decide(&self.inner.frame, &entered.account, entered.workspace, entered.project, &moves)
                .await;
        match decided {
            Ok(_) => Ok(None),
            Err(Failure::Refused(refusal)) => Ok(Some(commands::why(&refusal))),
            Err(fault) => Err(fault),
        }
    }
}

/// The list of a push, and everything of it that has come.
async fn list_of(input: &mut Input) -> Result<(List, Bytes), Failure> {
    let mut reading = Reading::default();
    loop {
        match input.next().await {
            Ok(Some(piece)) => {
                if reading.take(&piece).map_err(|wrong| invalid(&wrong))? {
                    return Ok(reading.end());
                }
            }
            Ok(None) | Err(Cut::Broken) => return Err(invalid(&Wrong::NotGit)),
            Err(cut) => return Err(cut.into()),
        }
    }
}

fn invalid(wrong: &Wrong) -> Failure {
    Refusal::invalid("push", "invalid", wrong.sentence()).into()
}

fn update(command: &commands::Command, is_rewind: bool) -> RefUpdate {
    let (old, new) = (command.old.clone(), command.new.clone());
    RefUpdate { reference: command.reference.clone(), old, new, is_rewind }
}

/// Feeds the program and hands its answer on, to the end of both; the last letters of it into `tail`, where there is
/// one.
async fn run(
    mut child: Child,
    head: Bytes,
    mut input: Input,
    fed: oneshot::Sender<()>,
    sender: &mpsc::Sender<Bytes>,
    mut tail: Option<&mut Vec<u8>>,
) {
    let (Some(stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else { return };
    let stderr = tokio::spawn(last_words(child.stderr.take()));
    let is_fed = AtomicBool::new(false);
    let feeding = async {
        let cut = feed(stdin, head, &mut input).await;
        // What is left of a body that git wants no more is read on, or the client would never see the answer.
        if matches!(cut, None | Some(Cut::TooLarge)) {
            input.drain().await;
        }
        is_fed.store(true, Ordering::Relaxed);
        // Whoever waited for it may have gone.
        let _ = fed.send(());
        cut
    };
    let answering = async {
        let mut piece = vec![0; 16 * 1024];
        // What is said before anybody listens. Git isn't kept waiting for that: it would stop reading, too.
        let mut held = Vec::new();
        while let Ok(count @ 1..) = stdout.read(&mut piece).await {
            let told = match &mut tail {
                Some(tail) => {
                    tail.extend_from_slice(&piece[..count]);
                    let kept = tail.len().saturating_sub(FLUSH.len());
                    let rest = tail.split_off(kept);
                    std::mem::replace(*tail, rest)
                }
                None => piece[..count].to_vec(),
            };
            held.extend_from_slice(&told);
            if is_fed.load(Ordering::Relaxed) || held.len() > MOST_HELD {
                // A client that has gone doesn't end the push: git decides alone how far it got.
                let _ = sender.send(std::mem::take(&mut held).into()).await;
            }
        }
        if !held.is_empty() {
            let _ = sender.send(held.into()).await;
        }
    };
    let (cut, ()) = tokio::join!(feeding, answering);
    match tokio::time::timeout(ENDING, child.wait()).await {
        Ok(Ok(status)) if status.success() => {}
        _ => {
            let words = stderr.await.unwrap_or_default();
            tracing::debug!(?cut, words, "git receive-pack didn't succeed");
        }
    }
}

/// Everything that comes, to the program. Where it is cut the program's input ends early, and it takes nothing.
async fn feed(mut stdin: ChildStdin, head: Bytes, input: &mut Input) -> Option<Cut> {
    if stdin.write_all(&head).await.is_err() {
        return None;
    }
    loop {
        match input.next().await {
            Ok(Some(piece)) => {
                if stdin.write_all(&piece).await.is_err() {
                    return None;
                }
            }
            Ok(None) => {
                let _ = stdin.shutdown().await;
                return None;
            }
            Err(cut) => return Some(cut),
        }
    }
}

impl From<Cut> for Failure {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::TooLarge => Refusal::PayloadTooLarge.into(),
            Cut::Slow => Refusal::TooSlow.into(),
            Cut::Broken => Refusal::invalid("", "cut", "The body broke off before its end.").into(),
        }
    }
}
