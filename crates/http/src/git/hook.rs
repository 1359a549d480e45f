//! `pre-receive`, the one hook there is: the second decision about a push, while its objects lie in quarantine and
//! before a ref moves.
//!
//! Git starts the hook as a process of its own. It says of each ref how it would move, to the process that serves the
//! push, over a socket without a file; that process decides. A ticket, made for one push and told to its hook alone,
//! says which push it is about. Without an answer nothing moves.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stoa_app::authority::PathWords;
use stoa_app::remote::HeldRemote;
use stoa_app::{Failure, Fault};
use stoa_domain::permission::{ide, project};
use stoa_domain::push::{BranchUpdate, UpdateKind};
use stoa_domain::{AccountStanding, Conflict, Permit, ProjectId, Refusal, WorkspaceId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::Hosting;
use super::commands::{Command, LONGEST, why};
use super::names;
use crate::problem::tell;
use crate::proxy::visit::random;
use crate::site::Frame;

const NAME: &str = "pre-receive";
const SOCKET: &str = "STOA_PUSH_SOCKET";
const TICKET: &str = "STOA_PUSH_TICKET";
/// The hook waits this long for its answer, and the serving process for its question and all that it does about it: a
/// remote repository may have to take the push first.
const WITHIN: Duration = Duration::from_secs(180);
const TAKEN: &str = "taken";
/// What the line begins with that says where pushed objects lie.
const ASIDE: &str = "aside ";

/// How a ref would move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Forward,
    Rewind,
    Delete,
}

impl Kind {
    const fn key(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Rewind => "rewind",
            Self::Delete => "delete",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Forward, Self::Rewind, Self::Delete].into_iter().find(|kind| kind.key() == text)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Move {
    pub command: Command,
    pub kind: Kind,
}

/// By which rule a push is decided.
pub(super) enum By {
    /// git's own: `view_projects` and `use_ide` on the project, and each instance that deploys a branch.
    Git,
    /// One that comes from a desk: `use_ide` on its instance, and each other that deploys the branch.
    /// What a remote repository has to take first.
    Desk(PathWords, Option<Arc<HeldRemote>>),
}

/// What the hook was told yes by.
pub(super) enum Permitted {
    /// With what it rewinds.
    Git(Permit<project::Push>, Vec<Command>),
    Desk(Permit<ide::Push>),
}

/// A push that is being run.
pub(super) struct Pending {
    by: By,
    account: AccountStanding,
    workspace: WorkspaceId,
    project: ProjectId,
    commands: Vec<Command>,
    permit: Mutex<Option<Permitted>>,
    refusal: Mutex<Option<Refusal>>,
}

impl Pending {
    pub(super) fn new(
        account: AccountStanding,
        workspace: WorkspaceId,
        project: ProjectId,
        commands: Vec<Command>,
        by: By,
    ) -> Self {
        let (permit, refusal) = (Mutex::default(), Mutex::default());
        Self { by, account, workspace, project, commands, permit, refusal }
    }

    pub(super) fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// The permit, where the hook was told yes.
    pub(super) fn take_permit(&self) -> Option<Permitted> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Why the hook was told no.
    pub(super) fn take_refusal(&self) -> Option<Refusal> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Where hooks ask.
pub(super) struct Desk {
    /// The socket's name among those that are no files.
    name: String,
    /// Where a project's repository lies.
    folder: Arc<dyn Fn(ProjectId) -> PathBuf + Send + Sync>,
    pending: Mutex<HashMap<String, Arc<Pending>>>,
}

/// The right of one hook to ask about one push; it ends when dropped.
pub(super) struct Ticket {
    desk: Arc<Desk>,
    text: String,
}

impl Ticket {
    pub(super) fn environment(&self) -> [(&'static str, &str); 2] {
        [(SOCKET, &self.desk.name), (TICKET, &self.text)]
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.desk.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.text);
    }
}

impl Desk {
    pub(super) fn open(frame: Frame, hosting: &Hosting) -> io::Result<Arc<Self>> {
        lay_out(&hosting.hooks_folder, &hosting.hook_program)?;
        check(&hosting.hooks_folder)?;
        let name = format!("stoa-push-{}", hexadecimal(&random::<16>()));
        let listener = StdListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener)?;
        let desk = Arc::new(Self { name, folder: hosting.folder.clone(), pending: Mutex::default() });
        let of_hooks = Arc::downgrade(&desk);
        tokio::spawn(async move {
            loop {
                let accepted = listener.accept().await;
                let Some(desk) = of_hooks.upgrade() else { return };
                match accepted {
                    Ok((stream, _)) => {
                        let frame = frame.clone();
                        tokio::spawn(async move {
                            let _ = tokio::time::timeout(WITHIN, desk.hear(&frame, stream)).await;
                        });
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        Ok(desk)
    }

    pub(super) fn expect(self: &Arc<Self>, push: Arc<Pending>) -> Ticket {
        let text = hexadecimal(&random::<32>());
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone(), push);
        Ticket { desk: self.clone(), text }
    }

    async fn hear(&self, frame: &Frame, mut stream: UnixStream) -> io::Result<()> {
        let mut question = String::new();
        let most = LONGEST as u64 + 4096;
        (&mut stream).take(most).read_to_string(&mut question).await?;
        let (ticket, moves) = question.split_once('\n').unwrap_or_default();
        let push = self.pending.lock().unwrap_or_else(PoisonError::into_inner).get(ticket).cloned();
        // Whoever has no ticket is told nothing.
        let Some(push) = push else { return Ok(()) };
        let answer = match self.settle(frame, &push, moves).await {
            Ok(Err(sentence)) => sentence,
            Ok(Ok(permit)) => {
                *push.permit.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
                TAKEN.to_owned()
            }
            Err(Failure::Refused(refusal)) => {
                let sentence = why(&refusal);
                *push.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                sentence
            }
            Err(Failure::Fault(fault)) => {
                tracing::error!(fault = %fault.chain(), "a push can't be decided");
                tell(&Refusal::Unavailable).detail
            }
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    /// The permit, or the sentence by which git's own names stand in the way.
    async fn settle(
        &self,
        frame: &Frame,
        push: &Pending,
        text: &str,
    ) -> Result<Result<Permitted, String>, Failure> {
        let (aside, text) = aside_of(&(self.folder)(push.project), text)?;
        let mut moves = Vec::new();
        for line in text.lines() {
            let parsed = line
                .split_once(' ')
                .and_then(|(kind, rest)| Some((Kind::parse(kind)?, Command::parse(rest).ok()?)));
            let Some((kind, command)) = parsed else { return Err(Refusal::NotFound.into()) };
            // What git is about to move has to be what was announced, and decided, before.
            if !push.commands.contains(&command) {
                return Err(Refusal::NotFound.into());
            }
            moves.push(Move { command, kind });
        }
        if !frame.app.is_still_signed_in(push.account.actor.credential).await? {
            return Err(Refusal::Unauthenticated.into());
        }
        // Once more: since the list was read another push may have ended.
        let commands: Vec<_> = moves.iter().map(|one| one.command.clone()).collect();
        let folder = (self.folder)(push.project);
        if let Some(sentence) = names::clash(&folder, &commands).await.map_err(Fault::new)? {
            return Ok(Err(sentence));
        }
        match &push.by {
            By::Git => {
                let permit = Self::decide(frame, &push.account, push.workspace, push.project, &moves).await?;
                let rewinds = moves.into_iter().filter(|one| one.kind == Kind::Rewind);
                Ok(Ok(Permitted::Git(permit, rewinds.map(|one| one.command).collect())))
            }
            By::Desk(path, remote) => {
                // A desk adds to its branch and does nothing else to it, whoever's it is.
                if moves.iter().any(|one| one.kind != Kind::Forward || one.command.branch().is_none()) {
                    return Err(Refusal::Conflict(Conflict::BranchAhead).into());
                }
                let permit = frame.app.authorize_again::<ide::Push>(&push.account, path).await?;
                if let Some(remote) = remote {
                    for Move { command, .. } in moves {
                        let Some(branch) = command.branch() else { continue };
                        let from = (!command.old.is_zero()).then_some(command.old);
                        frame.app.push_to_remote(remote, branch, from, command.new, aside.clone()).await?;
                    }
                }
                Ok(Ok(Permitted::Desk(permit)))
            }
        }
    }

    /// The decision about a push, from how each ref would move: the same both times.
    pub(super) async fn decide(
        frame: &Frame,
        account: &AccountStanding,
        workspace: WorkspaceId,
        project: ProjectId,
        moves: &[Move],
    ) -> Result<Permit<project::Push>, Failure> {
        let mut updates = Vec::new();
        for one in moves {
            let Some(branch) = one.command.branch() else { continue };
            let deployed_by = frame.app.deployed_by(workspace, project, &branch).await?;
            let kind = match one.kind {
                Kind::Forward => UpdateKind::Forward,
                Kind::Rewind => UpdateKind::Rewind,
                Kind::Delete => UpdateKind::Delete,
            };
            updates.push(BranchUpdate { branch, kind, deployed_by });
        }
        frame.app.authorize_push(account, workspace, project, &updates).await
    }
}

/// Where the pushed objects lie meanwhile, as the hook's first line says it: a folder of the repository's, and no other.
fn aside_of<'t>(repository: &Path, text: &'t str) -> Result<(Option<PathBuf>, &'t str), Failure> {
    let Some(rest) = text.strip_prefix(ASIDE) else { return Ok((None, text)) };
    let (folder, text) = rest.split_once('\n').unwrap_or((rest, ""));
    let folder = PathBuf::from(folder);
    let objects = repository.join("objects");
    let is_its = folder.parent().is_some_and(|parent| {
        std::fs::canonicalize(parent).ok() == std::fs::canonicalize(&objects).ok() && parent.is_absolute()
    });
    if is_its { Ok((Some(folder), text)) } else { Err(Refusal::NotFound.into()) }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Puts the hook into its folder: a link to the program, set in one step, so that a push never meets a half one.
fn lay_out(folder: &Path, program: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    // What a killed process was making or reading there is nobody's: there is one on a folder at a time.
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == NAME {
            continue;
        }
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    let made = folder.join(format!(".{NAME}-{}", hexadecimal(&random::<8>())));
    std::os::unix::fs::symlink(program, &made)?;
    std::fs::rename(&made, folder.join(NAME))
}

/// Git passes over a hook that isn't there or can't be run, without a word. A push mustn't.
pub(super) fn check(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let found = std::fs::metadata(folder.join(NAME))?;
    if found.is_file() && found.permissions().mode() & 0o111 != 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "the program that is called as pre-receive can't be run",
    ))
}

/// Whether this process was started by git as the hook.
#[must_use]
pub fn is_called() -> bool {
    std::env::args_os()
        .next()
        .is_some_and(|name| Path::new(&name).file_name().is_some_and(|name| name == NAME))
}

/// What the hook does: reads what would move from standard input, asks, and says the answer by its exit status and on
/// standard error, which git hands to the person.
#[must_use]
pub fn run() -> ExitCode {
    let sentence = match ask() {
        Ok(answer) if answer == TAKEN => return ExitCode::SUCCESS,
        Ok(answer) if !answer.is_empty() => answer,
        Ok(_) | Err(_) => {
            "The push couldn't be decided, so nothing was moved. Try again in a moment.".to_owned()
        }
    };
    // Where nobody listens the status says it all.
    let _ = writeln!(io::stderr(), "{sentence}");
    ExitCode::FAILURE
}

fn ask() -> io::Result<String> {
    let variable = |name: &str| std::env::var(name).map_err(io::Error::other);
    let (ticket, socket) = (variable(TICKET)?, variable(SOCKET)?);
    let mut text = String::new();
    io::stdin().take(LONGEST as u64).read_to_string(&mut text)?;
    let mut question = format!("{ticket}\n");
    if let Ok(folder) = std::env::var("GIT_QUARANTINE_PATH") {
        let _ = writeln!(question, "{ASIDE}{}", std::path::absolute(folder)?.display());
    }
    for line in text.lines() {
        let command = Command::parse(line).map_err(|wrong| io::Error::other(wrong.sentence()))?;
        let _ = writeln!(question, "{} {line}", kind_of(&command)?.key());
    }
    let mut stream = StdStream::connect_addr(&SocketAddr::from_abstract_name(socket)?)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.write_all(question.as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    Ok(answer)
}

/// Asked of git itself, which sees the quarantine here.
fn kind_of(command: &Command) -> io::Result<Kind> {
    if command.new.is_zero() {
        return Ok(Kind::Delete);
    }
    if command.old.is_zero() || command.branch().is_none() {
        return Ok(Kind::Forward);
    }
    let status = Process::new("git")
        .args(["merge-base", "--is-ancestor", "--", command.old.as_str(), command.new.as_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    match status.code() {
        Some(0) => Ok(Kind::Forward),
        // Where git can't tell, it counts as what asks for more.
        _ => Ok(Kind::Rewind),
    }
}
