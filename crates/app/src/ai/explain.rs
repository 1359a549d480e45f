//! Explaining a failed deployment, or a stretch of a log, to whoever may read it.

use std::collections::{HashMap, HashSet, VecDeque};

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, unfold};
use stoa_domain::ai::Feature;
use stoa_domain::permission::ai as may;
use stoa_domain::{Actor, DeploymentId, InstanceId, MemberId, Permit, Refusal, Timestamp, WorkspaceId};
use stoa_storage::ai::Tokens;
use stoa_storage::attempt::Limit;

use super::citations::Citations;
use super::clean::{Cleaner, joined};
use super::lines::{CleanLine, choose};
use super::prompt::{self, About};
use super::{add, refused, tokens};
use crate::ports::{Counted, LogLine, LogQuery, Said, Saying};
use crate::{App, Failure, Fault};

/// Of one member, so that nobody spends the workspace's money by holding a key down.
const A_MEMBER: Limit = Limit { count: 20, seconds: 600 };
const A_WORKSPACE: Limit = Limit { count: 300, seconds: 3600 };

/// Lines that are read to choose from, and bytes of them.
const MOST_LINES: usize = 5_000;
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// Letters of an answer, which nobody reads to its end.
const LONGEST_ANSWER: usize = 40_000;
/// Bytes of text that make a token, about: for what wasn't counted because the reader left.
const BYTES_OF_A_TOKEN: usize = 4;

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch {
    /// A deployment, by its own log.
    Deployment(DeploymentId),
    /// Lines of the application's log, or of a deployment's, between two moments; and between two lines, where they are
    /// named.
    Lines {
        deployment: Option<DeploymentId>,
        since: Timestamp,
        until: Timestamp,
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

/// One piece of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Telling {
    /// How many lines left, of how many that were read.
    Reading {
        lines: usize,
        of: usize,
    },
    Words(String),
    Evidence(Evidence),
    Done(Tokens),
}

/// An explanation as it comes. Dropping it ends the request to the provider.
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
        let read = self.read_for_explaining(instance, query, between.as_ref()).await?;
        if read.is_empty() {
            let field = if between.is_some() { "from" } else { "deployment" };
            return Err(Refusal::invalid(field, "empty", "This part of the log has no line yet.").into());
        }
        let mut secrets: Vec<_> = access.key.iter().cloned().collect();
        let variables = self.open_secret_variables(workspace, instance).await?;
        secrets.extend(variables);
        let count = read.len();
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
        let mut mark = [0; 8];
        self.outside().rng.fill(&mut mark);
        let mark: String = mark.iter().map(|byte| format!("{byte:02x}")).collect();
        let prompt = prompt::explain(&about, &lines, &mark);
        let sent = prompt.system.len() + prompt.user.len();
        let spent = Spent {
            app: self.clone(),
            of: (workspace, permit.member()),
            actor: permit.actor().clone(),
            counted: Counted::default(),
            sent,
            received: 0,
        };
        let (is_owner, member) = (permit.by_owner(), permit.member());
        let name = self.store().load_instance(workspace, instance, is_owner, member).await?.name;
        self.store().begin_ai_explain(permit, access.provider, lines.len(), name).await?;
        let reading = Telling::Reading { lines: lines.len(), of: count };
        let going = Going {
            saying: self.outside().models.ask(access, prompt),
            citations: Citations::default(),
            lines: lines.into_iter().map(|line| (line.number, line)).collect(),
            named: HashSet::new(),
            ready: VecDeque::from([reading]),
            spent: Some(spent),
        };
        let telling = unfold(Some(going), |going| async move {
            let mut going = going?;
            match going.next().await {
                Some(Ok(telling)) => Some((Ok(telling), Some(going))),
                Some(Err(failure)) => {
                    going.settle().await;
                    Some((Err(failure), None))
                }
                None => None,
            }
        });
        Ok(telling.boxed())
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
        if let Stretch::Lines { since, until, .. } = stretch {
            (query.since, query.until) = (Some(*since), Some(*until));
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

    async fn read_for_explaining(
        &self,
        instance: InstanceId,
        query: LogQuery,
        between: Option<&(String, String)>,
    ) -> Result<Vec<LogLine>, Failure> {
        let mut lines = self.outside().machines.logs(instance, query).await?;
        let mut read: VecDeque<LogLine> = VecDeque::new();
        let mut bytes = 0;
        while let Some(line) = lines.next().await {
            let line = line?;
            match between {
                Some((from, _)) if read.is_empty() && line.position != *from => continue,
                _ => {}
            }
            let is_last = between.is_some_and(|(_, to)| line.position == *to);
            bytes += line.text.len();
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
        Ok(read.into())
    }
}

/// An explanation under way.
struct Going {
    saying: Saying,
    citations: Citations,
    lines: HashMap<usize, CleanLine>,
    named: HashSet<usize>,
    ready: VecDeque<Telling>,
    /// Taken when it is written down.
    spent: Option<Spent>,
}

impl Going {
    async fn next(&mut self) -> Option<Result<Telling, Failure>> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(Ok(ready));
            }
            match self.saying.next().await? {
                Err(problem) => return Some(Err(refused(problem))),
                Ok(Said::Counted(more)) => {
                    if let Some(spent) = &mut self.spent {
                        add(&mut spent.counted, more);
                    }
                }
                Ok(Said::Words(words)) => self.take(words),
                Ok(Said::Done) => {
                    let tokens = self.settle().await?;
                    self.ready.push_back(Telling::Done(tokens));
                }
            }
            let is_endless = self.spent.as_ref().is_some_and(|spent| spent.received > LONGEST_ANSWER);
            if is_endless {
                let detail = "The answer didn't come to an end, so it was given up.";
                return Some(Err(refused(crate::ports::ModelProblem::new(detail))));
            }
        }
    }

    /// The line comes before the words that name it, so that they are a link at once.
    fn take(&mut self, words: String) {
        if let Some(spent) = &mut self.spent {
            spent.received += words.len();
        }
        for number in self.citations.read(&words) {
            // A line that wasn't shown is no evidence, whatever the model says.
            let Some(line) = self.lines.get(&number).filter(|_| self.named.insert(number)) else { continue };
            self.ready.push_back(Telling::Evidence(Evidence {
                line: number,
                position: line.position.clone(),
                at: line.at,
                text: line.text.clone(),
            }));
        }
        self.ready.push_back(Telling::Words(words));
    }

    /// Writes down what it has cost, once.
    async fn settle(&mut self) -> Option<Tokens> {
        Some(self.spent.take()?.settle().await)
    }
}

impl Drop for Going {
    /// The reader left: what was said until then has its price all the same.
    fn drop(&mut self) {
        let (Some(spent), Ok(runtime)) = (self.spent.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        runtime.spawn(spent.settle());
    }
}

/// What a request has cost so far.
struct Spent {
    app: App,
    of: (WorkspaceId, MemberId),
    actor: Actor,
    counted: Counted,
    /// Bytes.
    sent: usize,
    received: usize,
}

impl Spent {
    async fn settle(self) -> Tokens {
        let about = |bytes: usize| u64::try_from(bytes.div_ceil(BYTES_OF_A_TOKEN)).ok();
        let counted = Counted {
            input: self.counted.input.or(about(self.sent)),
            output: self.counted.output.or(about(self.received)),
        };
        let tokens = tokens(counted);
        if let Err(failure) =
            self.app.store().add_ai_tokens(self.of, self.actor, Feature::Explain, tokens).await
        {
            tracing::warn!(?failure, "what an explanation has cost wasn't written down");
        }
        tokens
    }
}
