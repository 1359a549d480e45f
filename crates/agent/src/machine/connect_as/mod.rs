//! Connect as: the application's own commands, or those that are built in, each in a sandbox of its own beside the
//! instance's, with the release, the data and the variables of what runs. They are told by standard input and answer by
//! standard output; what they answer is checked, and nothing of it is kept here.

mod output;
mod python;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use stoa_domain::{InstanceId, ReleaseId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::Agent;
use super::instance::Instance;
use super::operation::{Order, Refused};
use super::release::{self, Made};
use super::start::environment;
use crate::init::{Orders, Process};
use crate::protocol::{Commanded, EndSession, ListUsers, Nothing, OpenSession, OpenedView, UsersView};
use crate::sandbox::{Ended, Mounts, OutputLine, Plan};
use crate::stoa_toml::ConnectAs;

const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Bytes of all that a command may write.
const LARGEST_OUTPUT: usize = 1 << 20;

/// Of one instance, commands at once.
pub(super) const AT_ONCE: usize = 4;

/// Users of one answer.
const MOST_USERS: usize = 200;

const DJANGO: &str = include_str!("django.py");
const ODOO: &str = include_str!("odoo.py");

/// What the application is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    List,
    Open,
    End,
}

impl Verb {
    const fn key(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Open => "open",
            Self::End => "end",
        }
    }
}

/// A command that is ready to be run; none where there is nothing to do.
struct Ready {
    release: ReleaseId,
    made: Made,
    command: Vec<String>,
}

/// What it wrote, or why that isn't to be read.
enum Wrote {
    Output(Zeroizing<Vec<u8>>),
    Nothing,
    NotPossible(String),
    Failed { sentence: String, quote: Option<String> },
}

impl Wrote {
    fn read<T>(self, verb: Verb, read: impl FnOnce(&[u8]) -> Result<T, String>) -> Commanded<T> {
        match self {
            Self::Output(output) => match read(&output) {
                Ok(read) => Commanded::Done(read),
                Err(what) => {
                    let sentence = format!("The application's command `{}`: {what}.", verb.key());
                    Commanded::Failed { sentence, quote: None }
                }
            },
            Self::Nothing => match read(b"") {
                Ok(read) => Commanded::Done(read),
                Err(sentence) => Commanded::Failed { sentence, quote: None },
            },
            Self::NotPossible(sentence) => Commanded::NotPossible { sentence },
            Self::Failed { sentence, quote } => Commanded::Failed { sentence, quote },
        }
    }
}

impl Agent {
    pub(crate) async fn list_users(
        &self,
        order: Order,
        instance: InstanceId,
        asked: ListUsers,
    ) -> Result<Commanded<UsersView>, Refused> {
        let limit = asked.limit.clamp(1, MOST_USERS);
        let wrote = self.ask_application(order, instance, Verb::List, &ListUsers { limit, ..asked }).await?;
        Ok(wrote.read(Verb::List, |output| Ok(UsersView { users: output::users(output, limit)? })))
    }

    pub(crate) async fn open_session(
        &self,
        order: Order,
        instance: InstanceId,
        asked: OpenSession,
    ) -> Result<Commanded<OpenedView>, Refused> {
        let wrote = self.ask_application(order, instance, Verb::Open, &asked).await?;
        Ok(wrote.read(Verb::Open, output::opened))
    }

    pub(crate) async fn end_session(
        &self,
        order: Order,
        instance: InstanceId,
        asked: EndSession,
    ) -> Result<Commanded<Nothing>, Refused> {
        let wrote = self.ask_application(order, instance, Verb::End, &asked).await?;
        Ok(wrote.read(Verb::End, |_| Ok(Nothing {})))
    }

    async fn ask_application(
        &self,
        order: Order,
        instance: InstanceId,
        verb: Verb,
        asked: &impl Serialize,
    ) -> Result<Wrote, Refused> {
        order.in_time()?;
        let instance = self.find(instance).ok_or(Refused::UnknownInstance)?;
        if let Some(reason) = &self.abilities().no_sandbox {
            return Err(Refused::NoSandbox(reason.clone()));
        }
        let place = instance.commands.clone().try_acquire_owned().map_err(|_| Refused::Busy)?;
        let ready = match self.ready(&instance, verb)? {
            Ok(ready) => ready,
            Err(wrote) => return Ok(wrote),
        };
        let input = Zeroizing::new(serde_json::to_vec(asked).map_err(std::io::Error::from)?);
        // Whoever asked may go away meanwhile: then it ends, and is tidied away all the same.
        let cancel = CancellationToken::new();
        let _asked_for = cancel.clone().drop_guard();
        let agent = self.clone();
        let running = tokio::spawn(async move {
            let _place = place;
            agent.run_command_of(&instance, verb, ready, &input, cancel).await
        });
        Ok(running.await.map_err(std::io::Error::other)??)
    }

    /// The command, and the release that it is of: that which runs, so that its sessions are those of what runs.
    fn ready(&self, instance: &Instance, verb: Verb) -> std::io::Result<Result<Ready, Wrote>> {
        let not_possible = |sentence: &str| Ok(Err(Wrote::NotPossible(sentence.to_owned())));
        let running = instance.running().filter(|_| instance.is_alive());
        // What was opened is ended also where nothing runs.
        if running.is_none() && verb != Verb::End {
            return not_possible("The instance doesn't run.");
        }
        let release = running.map(|running| ReleaseId::new(running.release));
        let release = release.or_else(|| self.current_release(instance.id));
        let Some(release) = release else { return not_possible("Nothing has been deployed yet.") };
        let Some(made) = release::load(&self.inner.folders, instance.id, release)? else {
            return not_possible("The release isn't there any more.");
        };
        let Some(way) = &made.application.connect_as else {
            return not_possible("The application doesn't say how: its stoa.toml has no [connect_as].");
        };
        let command = match way {
            ConnectAs::Command { list, open, end } => match verb {
                Verb::List => list.clone(),
                Verb::Open => open.clone(),
                Verb::End => end.clone(),
            },
            ConnectAs::Django => self.built_in(instance, release, &made, DJANGO, verb, &[]),
            ConnectAs::Odoo => {
                // Where its configuration and its database are, is said to Odoo by its own command.
                let own = made.application.run.command.iter();
                let own: Vec<String> = own.skip_while(|word| !word.starts_with('-')).cloned().collect();
                self.built_in(instance, release, &made, ODOO, verb, &own)
            }
        };
        if command.is_empty() {
            return Ok(Err(Wrote::Nothing));
        }
        Ok(Ok(Ready { release, made, command }))
    }

    fn built_in(
        &self,
        instance: &Instance,
        release: ReleaseId,
        made: &Made,
        script: &str,
        verb: Verb,
        more: &[String],
    ) -> Vec<String> {
        let python = python::find(&self.inner.folders.release(instance.id, release), &made.application);
        let own = [python.as_str(), "-c", script, verb.key()];
        own.into_iter().map(str::to_owned).chain(more.iter().cloned()).collect()
    }

    async fn run_command_of(
        &self,
        instance: &Arc<Instance>,
        verb: Verb,
        ready: Ready,
        input: &[u8],
        cancel: CancellationToken,
    ) -> std::io::Result<Wrote> {
        let Ready { release, made, command } = ready;
        let (form, folders) = (instance.form(), &self.inner.folders);
        let name = self.make_place(instance.id)?;
        let place = folders.run(instance.id).join(&name);
        let (app, data) = (folders.release(instance.id, release), folders.data(instance.id));
        let user = self.user(&form);
        release::make_own(&data, user)?;
        let database = self.known_database(instance, Some(&made.application)).await?;
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
            limits: form.sandbox_limits(),
            is_mail_off: form.is_mail_off(),
        };
        let orders = Orders {
            user,
            processes_limit: plan.limits.processes,
            environment: environment(&form, &made, release, database.as_ref()),
            working_folder: super::start::inside(&made.application.working_folder),
            port: 0,
            processes: vec![Process { name: String::new(), command, stop_signal: 15, stop_seconds: 1 }],
            schedules: Vec::new(),
            sandbox: None,
            once: true,
            masked: Vec::new(),
            masked_values: Vec::new(),
        };
        let (sender, lines) = mpsc::channel(64);
        let reading = tokio::spawn(gather(lines, cancel.clone()));
        let sandboxes = &self.inner.sandboxes;
        let ended = sandboxes.run_told(&plan, &orders, input, TIME_LIMIT, &cancel, sender).await;
        let out_of_memory = sandboxes.ran_out_of_memory(&plan.name);
        sandboxes.tidy(&plan.name, &place)?;
        let gathered = reading.await.map_err(std::io::Error::other)?;
        let what = format!("The application's command `{}`", verb.key());
        let because = |how: String, quote| Ok(Wrote::Failed { sentence: format!("{what} {how}."), quote });
        match ended? {
            _ if gathered.is_too_much => because("wrote more than 1 MiB".to_owned(), None),
            Ended::Status(0) => Ok(Wrote::Output(gathered.output)),
            Ended::OutOfMemory => because("was killed: more memory than it may have".to_owned(), None),
            Ended::Status(_) | Ended::Killed(_) if out_of_memory => {
                because("was killed: more memory than it may have".to_owned(), None)
            }
            ended @ (Ended::Status(_) | Ended::Killed(_)) => {
                because(ended.in_words().unwrap_or_default(), gathered.last_error)
            }
            Ended::OutOfTime => {
                because(format!("took longer than {} s", TIME_LIMIT.as_secs()), gathered.last_error)
            }
            Ended::Cancelled => because("was given up".to_owned(), None),
            Ended::DiskFull => because("was ended: the disk of the server is full".to_owned(), None),
        }
    }
}

/// What a command wrote.
#[derive(Default)]
struct Gathered {
    output: Zeroizing<Vec<u8>>,
    /// The last line of its errors that says anything.
    last_error: Option<String>,
    is_too_much: bool,
}

/// Characters of a quoted line.
const LONGEST_QUOTE: usize = 500;

/// Up to the command's end; one that writes too much is ended.
async fn gather(mut lines: mpsc::Receiver<OutputLine>, cancel: CancellationToken) -> Gathered {
    let mut gathered = Gathered::default();
    let mut size = 0;
    while let Some(line) = lines.recv().await {
        size += line.text.len() + 1;
        if size > LARGEST_OUTPUT {
            gathered.is_too_much = true;
            cancel.cancel();
            continue;
        }
        if line.stream == "stdout" {
            gathered.output.extend_from_slice(&line.text);
            gathered.output.push(b'\n');
        } else if line.text.iter().any(|byte| !byte.is_ascii_whitespace()) {
            let text = String::from_utf8_lossy(&line.text);
            let plain = text.chars().filter(|letter| !letter.is_control()).take(LONGEST_QUOTE);
            gathered.last_error = Some(plain.collect());
        }
    }
    gathered
}
