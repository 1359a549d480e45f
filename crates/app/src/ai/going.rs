//! An answer of a model as it comes: its words, the lines that they name, and what it has cost whether or not its reader
//! stays to the end.

use std::collections::{HashMap, HashSet, VecDeque};

use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use stoa_domain::ai::Feature;
use stoa_domain::{Actor, MemberId, Permission, Permit, WorkspaceId};
use stoa_storage::ai::Tokens;

use super::citations::Citations;
use super::explain::{Evidence, Explaining, Telling};
use super::form::Form;
use super::lines::CleanLine;
use super::models::Prompt;
use super::{add, refused, tokens};
use crate::ports::{Counted, ModelProblem, Said, Saying};
use crate::{App, Failure};

/// Letters of an answer, which nobody reads to its end.
const LONGEST_ANSWER: usize = 40_000;
/// Bytes of text that make a token, about: for what wasn't counted because the reader left.
const BYTES_OF_A_TOKEN: usize = 4;

/// What is proposed, read from the block of an answer that is whole.
type Read = Box<dyn FnOnce(&str) -> Result<Telling, ModelProblem> + Send>;

/// An answer that has a strict form.
struct Formed {
    form: Form,
    read: Read,
    /// Lines that were told of.
    lines: usize,
}

/// An answer under way.
pub(super) struct Going {
    saying: Saying,
    citations: Citations,
    /// Those that the answer may name.
    lines: HashMap<usize, CleanLine>,
    named: HashSet<usize>,
    ready: VecDeque<Telling>,
    formed: Option<Formed>,
    /// Taken when it is written down.
    spent: Option<Spent>,
}

impl Going {
    /// `first` is told before anything that the model says.
    pub(super) fn new(saying: Saying, lines: Vec<CleanLine>, first: Option<Telling>, spent: Spent) -> Self {
        Self {
            saying,
            citations: Citations::default(),
            lines: lines.into_iter().map(|line| (line.number, line)).collect(),
            named: HashSet::new(),
            ready: first.into_iter().collect(),
            formed: None,
            spent: Some(spent),
        }
    }

    /// An answer that has a form: its words are told as they come, and what `read` makes of its block when it is whole.
    pub(super) fn formed(
        saying: Saying,
        spent: Spent,
        form: Form,
        read: impl FnOnce(&str) -> Result<Telling, ModelProblem> + Send + 'static,
    ) -> Self {
        let mut going = Self::new(saying, Vec::new(), None, spent);
        going.formed = Some(Formed { form, read: Box::new(read), lines: 0 });
        going
    }

    pub(super) fn telling(self) -> Explaining {
        let telling = unfold(Some(self), |going| async move {
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
        telling.boxed()
    }

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
                    if let Some(Formed { form, read, .. }) = self.formed.take() {
                        match form.block().and_then(|block| read(&block)) {
                            Ok(proposed) => self.ready.push_back(proposed),
                            Err(problem) => return Some(Err(refused(problem))),
                        }
                    }
                    let tokens = self.settle().await?;
                    self.ready.push_back(Telling::Done(tokens));
                }
            }
            let is_endless = self.spent.as_ref().is_some_and(|spent| spent.received > LONGEST_ANSWER);
            if is_endless {
                let detail = "The answer didn't come to an end, so it was given up.";
                return Some(Err(refused(ModelProblem::new(detail))));
            }
        }
    }

    /// The line comes before the words that name it, so that they are a link at once.
    fn take(&mut self, words: String) {
        if let Some(spent) = &mut self.spent {
            spent.received += words.len();
        }
        if let Some(formed) = &mut self.formed {
            let said = formed.form.read(&words);
            if !said.is_empty() {
                self.ready.push_back(Telling::Words(said));
            }
            let lines = formed.form.lines();
            if lines > formed.lines {
                formed.lines = lines;
                self.ready.push_back(Telling::Writing(lines));
            }
            return;
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
pub(super) struct Spent {
    app: App,
    of: (WorkspaceId, MemberId),
    actor: Actor,
    feature: Feature,
    counted: Counted,
    /// Bytes.
    sent: usize,
    received: usize,
}

impl Spent {
    pub(super) fn new<P: Permission>(
        app: &App,
        permit: &Permit<P>,
        feature: Feature,
        prompt: &Prompt,
    ) -> Self {
        Self {
            app: app.clone(),
            of: (permit.workspace(), permit.member()),
            actor: permit.actor().clone(),
            feature,
            counted: Counted::default(),
            sent: prompt.system.len() + prompt.user.len(),
            received: 0,
        }
    }

    async fn settle(self) -> Tokens {
        let about = |bytes: usize| u64::try_from(bytes.div_ceil(BYTES_OF_A_TOKEN)).ok();
        let counted = Counted {
            input: self.counted.input.or(about(self.sent)),
            output: self.counted.output.or(about(self.received)),
        };
        let tokens = tokens(counted);
        if let Err(failure) = self.app.store().add_ai_tokens(self.of, self.actor, self.feature, tokens).await
        {
            tracing::warn!(?failure, "what an answer has cost wasn't written down");
        }
        tokens
    }
}
