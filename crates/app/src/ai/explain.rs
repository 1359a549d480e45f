//! Explaining a failed deployment, or a stretch of a log, to whoever may read it.

use std::collections::VecDeque;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use stoa_domain::ai::Feature;
use stoa_domain::permission::ai as may;
use stoa_domain::{DeploymentId, InstanceId, Permit, Refusal, Timestamp, WorkspaceId};
use stoa_storage::ai::Tokens;
use stoa_storage::attempt::Limit;

use super::clean::{Cleaner, joined};
use super::edit::Edited;
use super::going::{Going, Spent};
use super::lines::{CleanLine, choose};
use super::profile::ProposedProfile;
use super::prompt::{self, About};
use crate::ports::{LogLine, LogQuery};
use crate::{App, Failure, Fault};

/// Of one member, so that nobody spends the workspace's money by holding a key down.
const A_MEMBER: Limit = Limit { count: 20, seconds: 600 };
const A_WORKSPACE: Limit = Limit { count: 300, seconds: 3600 };

/// Lines that are read to choose from, and bytes of them.
const MOST_LINES: usize = 5_000;
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch {
    /// A deployment, by its own log.
    Deployment(DeploymentId),
    /// Lines of the application's log, or of a deployment's, between two moments, two lines, or both.
    Lines {
        deployment: Option<DeploymentId>,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        /// Positions of the first and the last line.
        between: Option<(String, String)>,
    },
}

/// A line that the answer names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// By which the answer names it: where it stands in what was read, from 1.
    pub line: usize,
    /// By which the log's own view finds it.
    pub position: String,
    pub at: Timestamp,
    /// Without secrets.
    pub text: String,
}

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Telling {
    /// How many lines left, of how many that were read.
    Reading {
        lines: usize,
        of: usize,
    },
    Words(String),
    Evidence(Evidence),
    /// Lines of what is being written behind the words.
    Writing(usize),
    Edit(Edited),
    Profile(ProposedProfile),
    Done(Tokens),
}

/// An answer as it comes. Dropping it ends the request to the provider.
pub type Explaining = BoxStream<'static, Result<Telling, Failure>>;

impl App {
    /// Begins to explain. Whoever sends it on asks again and again whether it may (`leases`).
    ///
    /// # Errors
    /// `NotFound` for a deployment that isn't the instance's; `Conflict` without a provider; `Invalid` without a line;
    /// `TooManyRequests`; a fault. What the provider refuses comes in the stream.
    pub async fn explain_log(
        &self,
        permit: Permit<may::Explain>,
        stretch: Stretch,
    ) -> Result<Explaining, Failure> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        let access = self.load_model_access(workspace).await?;
        let (about, query) = self.what_to_read(workspace, instance, &stretch).await?;
        self.count(format!("ai:explain:member:{}", permit.member()), A_MEMBER).await?;
        self.count(format!("ai:explain:workspace:{workspace}"), A_WORKSPACE).await?;
        let between = match stretch {
            Stretch::Lines { between, .. } => between,
            Stretch::Deployment(_) => None,
        };
        let (read, count) = self.read_for_explaining(workspace, instance, query, between.as_ref()).await?;
        if read.is_empty() {
            let field = if between.is_some() { "from" } else { "deployment" };
            return Err(Refusal::invalid(field, "empty", "This part of the log has no line yet.").into());
        }
        if between.is_some() && count > MOST_LINES {
            let said = "5,000 lines are explained at once at most. Choose fewer.";
            return Err(Refusal::invalid("to", "too_many", said).into());
        }
        let mut secrets: Vec<_> = access.key.iter().cloned().collect();
        let variables = self.open_secret_variables(workspace, instance).await?;
        secrets.extend(variables);
        // Searching a long log for pieces of secrets takes a while: other requests don't wait for it.
        let (about, lines) = tokio::task::spawn_blocking(move || {
            let cleaner = Cleaner::new(&secrets);
            let clean = cleaner.lines(read.iter().map(|line| line.text.as_str()));
            let lines = read.iter().zip(clean).enumerate();
            let lines = lines.map(|(at, (line, clean))| CleanLine::new(at + 1, line, &joined(&clean)));
            (About { what: cleaner.text(&about), read: read.len() }, choose(lines.collect()))
        })
        .await
        .map_err(Fault::new)?;
        let prompt = prompt::explain(&about, &lines, &self.mark());
        let spent = Spent::new(self, &permit, Feature::Explain, &prompt);
        let (is_owner, member) = (permit.by_owner(), permit.member());
        let name = self.store().load_instance(workspace, instance, is_owner, member).await?.name;
        self.store().begin_ai_explain(permit, access.provider, lines.len(), name).await?;
        let reading = Telling::Reading { lines: lines.len(), of: count };
        let saying = self.outside().models.ask(access, prompt);
        Ok(Going::new(saying, lines, Some(reading), spent).telling())
    }

    /// Which no text that is shown can hold, because nobody knew it when that was written.
    pub(super) fn mark(&self) -> String {
        let mut mark = [0; 8];
        self.outside().rng.fill(&mut mark);
        mark.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A sentence on what it is, and what is asked of the log.
    async fn what_to_read(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        stretch: &Stretch,
    ) -> Result<(String, LogQuery), Failure> {
        let of = match stretch {
            Stretch::Deployment(deployment) => Some(*deployment),
            Stretch::Lines { deployment, .. } => *deployment,
        };
        let deployment = match of {
            Some(deployment) => Some(self.store().load_deployment(workspace, instance, deployment).await?),
            None => None,
        };
        let mut query = LogQuery { deployment: of, limit: Some(MOST_LINES), ..LogQuery::default() };
        if let Stretch::Lines { since, until, between, .. } = stretch {
            (query.since, query.until) = (*since, *until);
            (query.from, query.to) = between.clone().unzip();
            // One more shows that there are too many.
            query.limit = query.limit.map(|limit| limit + usize::from(between.is_some()));
        }
        let about = match (stretch, deployment) {
            (Stretch::Deployment(_), Some(deployment)) => {
                let said = deployment.reason.map(|reason| format!(" It says of itself: {reason}"));
                format!(
                    "This is the log of a deployment of a web application; it ended as {} at the step {}.{}",
                    deployment.status.key(),
                    deployment.step,
                    said.unwrap_or_default(),
                )
            }
            (_, Some(_)) => "This is a stretch of the log of a deployment of a web application.".to_owned(),
            (_, None) => "This is a stretch of the log of a web application.".to_owned(),
        };
        Ok((about, query))
    }

    /// The lines, and how many there were.
    async fn read_for_explaining(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        query: LogQuery,
        between: Option<&(String, String)>,
    ) -> Result<(Vec<LogLine>, usize), Failure> {
        let mut lines = self.open_lines(workspace, instance, query).await?;
        let mut read: VecDeque<LogLine> = VecDeque::new();
        let (mut bytes, mut count) = (0, 0);
        while let Some(line) = lines.next().await {
            let line = line?;
            match between {
                Some((from, _)) if read.is_empty() && line.position != *from => continue,
                _ => {}
            }
            let is_last = between.is_some_and(|(_, to)| line.position == *to);
            bytes += line.text.len();
            count += 1;
            read.push_back(line);
            // The newest say most: the oldest go.
            while bytes > MOST_BYTES || read.len() > MOST_LINES {
                let Some(gone) = read.pop_front() else { break };
                bytes -= gone.text.len();
            }
            if is_last {
                break;
            }
        }
        Ok((read.into(), count))
    }
}
