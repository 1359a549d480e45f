//! Opening a desk: its sandbox, and where there is none yet its working copy.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use nix::fcntl::OFlag;
use stoa_domain::branch::{BranchName, CommitId};

use super::inside::{Inside, Ran, USUAL, authorship, git_words};
use super::{Desk, DeskOf, Note, Running, load, save, working_copy};
use crate::folders::{self, LEAST_FREE};
use crate::init::Orders;
use crate::machine::Agent;
use crate::machine::database::Database;
use crate::machine::deploy::KEPT_FREE;
use crate::machine::facts::free_space;
use crate::machine::form::Form;
use crate::machine::instance::Instance;
use crate::machine::operation::Refused;
use crate::machine::release;
use crate::machine::start::{common_environment, in_words, words};
use crate::protocol::desk::Author;
use crate::sandbox::{Limits, Mounts, Plan};

/// Processes of a desk. Fewer than an application's: the two share a user, and the one mustn't use up the other's.
const PROCESSES: u64 = 256;

/// What git runs before a push in a terminal: a desk has nothing to push to but itself. A remote that its member added
/// is that member's.
const BEFORE_PUSH: &str = "#!/bin/sh
# Stoa put this here when it made the working copy.
[ \"$2\" = . ] || exit 0
echo \"Nothing leaves a desk by git push. In the IDE, below the files, is Push: it deploys what is committed.\" >&2
exit 1
";

/// A desk as it is wanted.
pub(crate) struct NewDesk {
    pub branch: BranchName,
    pub commit: CommitId,
    pub author: Author,
}

/// What was opened.
pub(crate) struct Opened {
    /// The branch that the working copy was made of.
    pub branch: String,
    pub is_new: bool,
    /// Whether its processes were begun just now.
    pub is_begun: bool,
}

/// What of a branch stands where in a working copy.
pub(super) fn upstream(branch: &str) -> String {
    format!("refs/remotes/stoa/{branch}")
}

impl Agent {
    /// Makes what isn't there: sandbox, working copy. The same again changes nothing.
    ///
    /// # Errors
    /// `NoDesk` where nobody holds it, `UnknownCommit`, `DiskFull`, or what failed.
    pub(crate) async fn open_desk(&self, of: DeskOf, wanted: NewDesk) -> Result<Opened, Refused> {
        let desk = self.held_desk(of)?;
        let instance = self.find(of.instance).ok_or(Refused::UnknownInstance)?;
        let _turn = desk.turn.lock().await;
        // Since it was found, the last holder may have gone.
        if desk.state().holders == 0 {
            return Err(Refused::NoDesk);
        }
        let folders = &self.inner.folders;
        if let Some(note) = load(folders, of)? {
            self.touch_desk(of)?;
            let is_begun = !desk.is_alive();
            if is_begun {
                self.clear_processes(&desk).await?;
                self.start_desk(&instance, &desk, &wanted.author).await?;
            }
            return Ok(Opened { branch: note.branch, is_new: false, is_begun });
        }
        let form = instance.form();
        let mirror = self.mirror(form.project);
        if !mirror.exists() || !mirror.has(&wanted.commit).await? {
            return Err(Refused::UnknownCommit);
        }
        if free_space(folders) < KEPT_FREE {
            return Err(Refused::DiskFull);
        }
        self.clear_processes(&desk).await?;
        folders::remove(&working_copy(folders, of))?;
        self.start_desk(&instance, &desk, &wanted.author).await?;
        if let Err(refused) = self.make_working_copy(&instance, &desk, &wanted).await {
            self.end_processes(&desk, "Its working copy can't be made.").await?;
            folders::remove(&folders.desk(of.instance, of.account))?;
            return Err(refused);
        }
        let note = Note { branch: wanted.branch.to_string(), base: wanted.commit.to_string() };
        save(folders, of, &note)?;
        Ok(Opened { branch: note.branch, is_new: true, is_begun: true })
    }

    async fn make_working_copy(
        &self,
        instance: &Instance,
        desk: &Desk,
        wanted: &NewDesk,
    ) -> Result<(), Refused> {
        let Some(name) = desk.name() else { return Err(Refused::NoDesk) };
        let inside = Inside::at(self.inner.folders.run(instance.id).join(name).join("desk.sock"));
        let branch = wanted.branch.as_str();
        let initial = format!("--initial-branch={branch}");
        checked(inside.git(&["init", "--quiet", "--template=", &initial]).await?, "init")?;
        self.bring(instance, &inside, &wanted.commit, &[]).await?;
        let commit = wanted.commit.to_string();
        checked(inside.git(&["update-ref", &upstream(branch), &commit]).await?, "update-ref")?;
        for (key, value) in [("remote", "."), ("merge", upstream(branch).as_str())] {
            let key = format!("branch.{branch}.{key}");
            checked(inside.git(&["config", "--", &key, value]).await?, "config")?;
        }
        // Else git says how to move what stands for the branch here, as if that were a push.
        checked(inside.git(&["config", "--", "push.default", "upstream"]).await?, "config")?;
        plant(&inside, "/desk/.git/hooks", "pre-push", BEFORE_PUSH).await?;
        checked(inside.git(&["reset", "--quiet", "--hard", &commit]).await?, "reset")
    }

    /// Brings a commit out of the mirror into a desk, with all it needs but for what was brought before.
    pub(super) async fn bring(
        &self,
        instance: &Instance,
        inside: &Inside,
        commit: &CommitId,
        there: &[CommitId],
    ) -> Result<(), Refused> {
        let mirror = self.mirror(instance.form().project);
        let there = mirror.known_of(there).await?;
        let pack = mirror.pack(commit, &there).await?.map_err(io::Error::other);
        let command = git_words(&["index-pack", "--stdin", "--fix-thin"]);
        checked(inside.run(command, &[], pack, USUAL).await?, "index-pack")
    }

    async fn start_desk(
        &self,
        instance: &Instance,
        desk: &Arc<Desk>,
        author: &Author,
    ) -> Result<(), Refused> {
        let (form, folders) = (instance.form(), &self.inner.folders);
        if free_space(folders) < LEAST_FREE {
            return Err(Refused::DiskFull);
        }
        let user = self.user(&form);
        let name = self.make_place(instance.id)?;
        let place = folders.run(instance.id).join(&name);
        let (data, work) = (folders.data(instance.id), working_copy(folders, desk.of));
        folders::make_private(&folders.desk(desk.of.instance, desk.of.account))?;
        release::make_own(&data, user)?;
        release::make_own(&work, user)?;
        // Without a release there is still something to mount.
        let app = match self.current_release(instance.id) {
            Some(release) => folders.release(instance.id, release),
            None => place.join("app"),
        };
        if !app.exists() {
            folders::make_private(&app)?;
            std::fs::set_permissions(&app, std::fs::Permissions::from_mode(0o755))?;
        }
        let made = match self.current_release(instance.id) {
            Some(release) => release::load(folders, instance.id, release)?,
            None => None,
        };
        let application = made.as_ref().map(|made| &made.application);
        let database = self.known_database(instance, application).await?;
        let sockets = self.sockets_of(database.as_ref());
        let plan = Plan {
            name: Self::group(instance.id, &name),
            hostname: form.instance_slug.clone(),
            user,
            mounts: Mounts {
                app: &app,
                is_app_writable: false,
                data: Some(&data),
                cache: None,
                database: sockets.as_deref(),
            },
            place: &place,
            log_folder: None,
            limits: Limits { processes: PROCESSES, ..form.sandbox_limits() },
            is_mail_off: form.is_mail_off(),
        };
        let orders = Orders {
            user,
            processes_limit: PROCESSES,
            environment: environment(&form, author, database.as_ref()),
            working_folder: "/desk".to_owned(),
            port: 0,
            processes: Vec::new(),
            schedules: Vec::new(),
            sandbox: None,
            once: false,
            masked: Vec::new(),
            masked_values: Vec::new(),
        };
        let control = crate::init::listen(&place.join("desk.sock"))?;
        let (starter, until_here) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from)?;
        let started = self.inner.sandboxes.start_desk(&plan, &orders, &work, control, starter).await;
        let identity = match started {
            Ok(identity) => identity,
            Err(error) => {
                self.tidy_desk(desk.of, &name)?;
                return Err(error.into());
            }
        };
        let is_wanted = {
            let mut state = desk.state();
            let is_wanted = state.holders > 0;
            if is_wanted {
                state.running = Some(Running { name: name.clone(), identity, _starter: until_here });
            }
            is_wanted
        };
        if !is_wanted {
            // Its right ended while it was being made.
            identity.end().await?;
            self.tidy_desk(desk.of, &name)?;
            return Err(Refused::NoDesk);
        }
        self.look_after_desk(desk.clone(), name, identity);
        Ok(())
    }
}

/// Writes a program of its member's own into a working copy, as its member could.
async fn plant(inside: &Inside, folder: &str, name: &str, text: &'static str) -> Result<(), Refused> {
    let file = format!("{folder}/{name}");
    for words in
        [&["/usr/bin/mkdir", "-p", folder][..], &["/usr/bin/tee", &file], &["/usr/bin/chmod", "755", &file]]
    {
        let command = words.iter().map(|&word| word.to_owned()).collect();
        let input = futures_util::stream::iter([Ok(Bytes::from_static(text.as_bytes()))]);
        checked(inside.run(command, &[], input, USUAL).await?, name)?;
    }
    Ok(())
}

fn environment(form: &Form, author: &Author, database: Option<&Database>) -> Vec<(String, String)> {
    let mut environment = common_environment();
    environment.extend(database.map(in_words));
    for (name, value) in &form.variables {
        environment.push((name.clone(), value.reveal_text().unwrap_or_default().to_owned()));
    }
    environment.extend(words(&[
        ("STOA_INSTANCE", &form.instance_slug),
        ("STOA_PROJECT", &form.project_slug),
        ("STOA_WORKSPACE", &form.workspace_slug),
        ("STOA_STAGE", &form.stage),
        ("STOA_URL", &form.url),
        ("STOA_DATA", "/data"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("USER", "app"),
        ("LOGNAME", "app"),
        ("SHELL", "/bin/bash"),
    ]));
    environment.extend(authorship(author));
    environment
}

/// What git did in a desk, where it did it.
pub(super) fn checked(ran: Ran, verb: &str) -> Result<(), Refused> {
    if ran.succeeded() {
        return Ok(());
    }
    if ran.said.contains("No space left on device") {
        return Err(Refused::DiskFull);
    }
    Err(Refused::Conflict(format!("git {verb} didn't do it: {}", ran.last_words())))
}
