//! A push from a member's desk: the pack that its git made, taken in as git's own pushes are, by the same program, with
//! the same checks and the same `pre-receive`. Nothing else of what a desk's git says counts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use stoa_app::authority::GoingOn;
use stoa_app::instance::Named;
use stoa_app::ports::{DeskBytes, RefUpdate};
use stoa_app::{Failure, Fault};
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::permission::ide;
use stoa_domain::{Conflict, InstanceId, Permit, Refusal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin};

use super::commands::{Command, line};
use super::fetch::missing;
use super::hook::{self, By, Pending, Permitted};
use super::program::{git, last_words};
use super::{Git, names};
use crate::gate::Asked;

/// A push takes no longer.
const LONGEST: Duration = Duration::from_secs(600);

/// Bytes of what git reports.
const REPORT: u64 = 64 * 1024;

/// What came of it.
pub(crate) struct Pushed {
    pub branch: BranchName,
    pub commit: CommitId,
    pub deploys: Vec<Named<InstanceId>>,
    pub warnings: Vec<String>,
}

impl Git {
    /// Takes the working copy's commits into the instance's branch. It goes on to its end once it has begun, whether or
    /// not anybody waits for it: what was moved has to be followed.
    ///
    /// # Errors
    /// `BranchAhead` where the branch has more, `TargetNotAllowed` and as everywhere, or what git found wrong.
    pub(crate) async fn push_from_desk(
        &self,
        permit: Permit<ide::Push>,
        asked: Asked,
    ) -> Result<Pushed, Failure> {
        let (hosts, again) = (self.clone(), asked.clone());
        let pushing = tokio::spawn(async move { hosts.push_whole(permit, asked).await });
        let pushed = pushing.await.map_err(Fault::new)?;
        // Its desk ends with the right to it, in the middle of what it was giving: then that is said.
        if pushed.is_err() {
            let decision = GoingOn::<ide::Push>::new(again.account, again.path);
            decision.ask(&self.inner.frame.app).await?;
        }
        pushed
    }

    async fn push_whole(&self, permit: Permit<ide::Push>, asked: Asked) -> Result<Pushed, Failure> {
        let app = &self.inner.frame.app;
        let workspace = permit.workspace();
        let own = self.inner.places.of_account(asked.account.actor.account).await?;
        let place = self.inner.places.of_workspace(own, workspace).await?;
        let (target, pack) = app.begin_desk_push(&permit).await?;
        // Until all is written down: a fetch in between would find what is pushed, and not whose it is.
        let remote = app.hold_remote(workspace, target.project).await?;
        let zeros = || CommitId::parse(&"0".repeat(40)).ok_or_else(|| Fault::new("no commit of zeros"));
        let old = match &target.head {
            Some(head) => head.clone(),
            None => zeros()?,
        };
        let command =
            Command { reference: format!("refs/heads/{}", target.branch), old, new: pack.commit.clone() };
        hook::check(&self.inner.hosting.hooks_folder).map_err(Fault::new)?;
        let folder = self.folder(target.project);
        if let Some(sentence) =
            names::clash(&folder, std::slice::from_ref(&command)).await.map_err(missing)?
        {
            return Err(Refusal::InDesk(sentence).into());
        }
        let head = head_of(&command);
        let update = RefUpdate {
            reference: command.reference.clone(),
            old: command.old.clone(),
            new: command.new.clone(),
            // A desk adds to its branch and does nothing else to it.
            is_rewind: false,
        };
        let (account, by) = (asked.account, By::Desk(asked.path, remote.clone()));
        let pending = Arc::new(Pending::new(account, workspace, target.project, vec![command], by));
        let ticket = self.inner.desk.expect(pending.clone());
        let mut git = git("receive-pack", &["--stateless-rpc"], &self.settings(), &folder);
        for (name, value) in ticket.environment() {
            git.env(name, value);
        }
        let child = git.spawn().map_err(missing)?;
        let most = self.inner.hosting.largest_push;
        let running = run(child, head, pack.bytes, most);
        let ran = tokio::time::timeout(LONGEST, running).await;
        drop((ticket, place));
        let ran = ran.unwrap_or_else(|_| Err(Refusal::TooSlow.into()));
        let report = match ran {
            Ok(report) => report,
            Err(failure) => {
                // The branch moves at the pack's last byte, whatever comes behind it: the repository is asked.
                if let Some(Permitted::Desk(decided)) = pending.take_permit() {
                    app.after_push_to(decided, target.project, std::slice::from_ref(&update)).await?;
                }
                return Err(failure);
            }
        };
        if let Some(refusal) = pending.take_refusal() {
            return Err(app.with_owners(workspace, refusal).await?.into());
        }
        let is_taken =
            report.contains("unpack ok\n") && report.contains(&format!("ok {}\n", update.reference));
        let Some(Permitted::Desk(decided)) = pending.take_permit().filter(|_| is_taken) else {
            return Err(why(&report));
        };
        let (all, member) = (decided.sees_everything(), decided.member());
        let deployed = app.after_push_to(decided, target.project, std::slice::from_ref(&update)).await?;
        app.end_desk_push(&permit, pack.commit.clone()).await;
        let seen = app.seen_on_branch(workspace, target.project, &target.branch, all, member).await?;
        let deploys = seen.into_iter().filter(|one| deployed.contains(&one.id));
        let deploys = deploys.map(|one| Named { id: one.id, slug: one.slug, name: one.name }).collect();
        let warnings = self.warnings(workspace, target.project, &[update], (all, member)).await;
        drop((permit, remote));
        Ok(Pushed { branch: target.branch, commit: pack.commit, deploys, warnings })
    }
}

/// What a client would say before its pack (gitprotocol-pack(5)).
fn head_of(command: &Command) -> Bytes {
    let text =
        format!("{} {} {}\0report-status\n", command.old.as_str(), command.new.as_str(), command.reference);
    let mut head = line(text.as_bytes());
    head.extend_from_slice(b"0000");
    head.into()
}

/// Feeds the program, and gives what it reports.
async fn run(mut child: Child, head: Bytes, pack: DeskBytes, most: u64) -> Result<String, Failure> {
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Fault::new("git without its streams").into());
    };
    let stderr = tokio::spawn(last_words(child.stderr.take()));
    let mut report = Vec::new();
    let reading = async {
        // What it reports is short; a longer one is none.
        stdout.take(REPORT).read_to_end(&mut report).await
    };
    let (fed, read) = tokio::join!(feed(stdin, head, pack, most), reading);
    read.map_err(Fault::new)?;
    let status = child.wait().await.map_err(Fault::new)?;
    // An input that was cut ends in nothing that is taken: why it was cut is what counts.
    fed?;
    let said = stderr.await.unwrap_or_default();
    if !status.success() {
        tracing::debug!(said, "git receive-pack didn't succeed");
    }
    Ok(format!("{}\n{said}", String::from_utf8_lossy(&report)))
}

async fn feed(mut stdin: ChildStdin, head: Bytes, mut pack: DeskBytes, most: u64) -> Result<(), Failure> {
    if stdin.write_all(&head).await.is_err() {
        return Ok(());
    }
    let mut left = most;
    while let Some(piece) = pack.next().await {
        let piece = piece?;
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        left = left.checked_sub(length).ok_or(Refusal::PayloadTooLarge)?;
        // A program that reads no more has said why.
        if stdin.write_all(&piece).await.is_err() {
            return Ok(());
        }
    }
    let _ = stdin.shutdown().await;
    Ok(())
}

/// What git found wrong: another push that was quicker, or commits that aren't sound.
fn why(report: &str) -> Failure {
    if report.contains("unpack ok") {
        return Refusal::Conflict(Conflict::BranchAhead).into();
    }
    let said = report.lines().find_map(|line| line.split_once("unpack ").map(|(_, why)| why.trim()));
    let said = said.filter(|said| !said.is_empty()).unwrap_or("its objects aren't whole");
    Refusal::InDesk(format!("Git doesn't take what was pushed: {said}.")).into()
}
