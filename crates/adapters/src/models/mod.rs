//! Model providers, asked over HTTP in the two forms that they speak: OpenAI's chat completions, and Anthropic's
//! messages.
//!
//! Every call goes through the vetted client (`outgoing`). An answer ends: by itself, by silence, by its length, or by
//! the time it has taken. What a provider says of a failure is told, but for control characters and the key.

mod anthropic;
mod endpoint;
mod openai;
mod problem;
mod sse;

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::unfold;
use stoa_app::ports::{ModelAccess, ModelProblem, Models, Prompt, Said, Saying};
use stoa_domain::Secret;
use stoa_domain::ai::Provider;
use url::Url;

use crate::outgoing::{Limits, Outgoing, Reply};
use endpoint::Places;
use sse::{Event, Events};

/// Bytes of a list of models.
const LONGEST_LIST: usize = 1024 * 1024;
/// Models that are offered.
const MOST_MODELS: usize = 500;

/// How long is waited for a model, and how much is taken.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// To the head of the answer: a model may have to be loaded first.
    pub first_byte: Duration,
    /// Between two pieces.
    pub silence: Duration,
    /// All in all.
    pub whole: Duration,
    /// A trial, from its first packet to its end: somebody looks on, and wants to know whether anything comes.
    pub trial: Duration,
    /// Bytes of the answer, as it comes.
    pub body: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(120),
            silence: Duration::from_secs(60),
            whole: Duration::from_secs(300),
            trial: Duration::from_secs(20),
            body: 4 * 1024 * 1024,
        }
    }
}

/// Providers, over the vetted client.
#[derive(Clone)]
pub struct HttpModels {
    outgoing: Outgoing,
    places: Places,
    patience: Patience,
}

impl HttpModels {
    #[must_use]
    pub fn new(outgoing: Outgoing) -> Self {
        Self { outgoing, places: Places::default(), patience: Patience::default() }
    }

    /// For a trial nothing is waited for longer than that.
    fn on_trial(mut self) -> Self {
        let Patience { trial, first_byte, silence, whole, .. } = self.patience;
        self.patience.first_byte = first_byte.min(trial);
        self.patience.silence = silence.min(trial);
        self.patience.whole = whole.min(trial);
        self
    }

    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// With all providers at one address: for tests, which have their own server.
    #[must_use]
    pub fn all_at(self, address: Url) -> Self {
        Self { places: Places::all_at(address), ..self }
    }

    fn limits(&self) -> Limits {
        let Patience { first_byte, silence, body, .. } = self.patience;
        Limits { first_byte, silence, body, ..Limits::default() }
    }

    async fn begin(&self, access: &ModelAccess, prompt: &Prompt) -> Result<Reply, ModelProblem> {
        let base = self.places.base(access)?;
        let request = match access.provider {
            Provider::Anthropic => anthropic::ask(&base, access, prompt),
            _ => openai::ask(&base, access, prompt),
        }?;
        let sent = self.outgoing.send(request, self.limits()).await;
        let mut reply = sent.map_err(|error| problem::unreached(&error))?;
        if reply.status().is_success() {
            return if is_event_stream(&reply) { Ok(reply) } else { Err(problem::no_events(access)) };
        }
        Err(problem::refused(&mut reply, access.key.as_ref()).await)
    }

    async fn list_models(self, access: ModelAccess) -> Result<Vec<String>, ModelProblem> {
        let base = self.places.base(&access)?;
        let request = match access.provider {
            Provider::Anthropic => anthropic::list(&base, &access),
            _ => openai::list(&base, &access),
        }?;
        let limits = Limits { body: LONGEST_LIST, first_byte: self.patience.silence, ..self.limits() };
        let sent = self.outgoing.send(request, limits).await;
        let mut reply = sent.map_err(|error| problem::unreached(&error))?;
        if !reply.status().is_success() {
            return Err(problem::refused(&mut reply, access.key.as_ref()).await);
        }
        let whole = reply.whole().await.map_err(|error| problem::unreached(&error))?;
        let mut models = models_of(&whole).ok_or_else(problem::no_list)?;
        models.sort_unstable();
        models.dedup();
        models.truncate(MOST_MODELS);
        Ok(models)
    }
}

fn is_event_stream(reply: &Reply) -> bool {
    let kind = reply.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"))
}

/// `{"data": [{"id": …}]}`, as all of them answer.
fn models_of(body: &Bytes) -> Option<Vec<String>> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let names = value.get("data")?.as_array()?.iter().filter_map(|model| model.get("id")?.as_str());
    Some(names.filter_map(|name| stoa_domain::ai::check_model(name).ok()).collect())
}

/// What the events of one of the two forms say.
trait Dialect: Send + 'static {
    /// Reads one event. The key is what a provider's own words may hold and are freed of.
    fn read(&mut self, event: &Event, key: Option<&Secret>) -> Result<Vec<Said>, ModelProblem>;

    /// The connection has ended. Whether the answer was whole by then.
    fn is_whole(&self) -> bool;
}

fn dialect(provider: Provider) -> Box<dyn Dialect> {
    match provider {
        Provider::Anthropic => Box::new(anthropic::Reading),
        _ => Box::new(openai::Reading::default()),
    }
}

/// An answer under way.
struct Going {
    reply: Reply,
    events: Events,
    dialect: Box<dyn Dialect>,
    ready: std::collections::VecDeque<Said>,
    key: Option<Secret>,
    until: tokio::time::Instant,
    whole: Duration,
}

impl Going {
    /// The next thing said, or `None` behind the last.
    async fn next(&mut self) -> Result<Option<Said>, ModelProblem> {
        loop {
            if let Some(said) = self.ready.pop_front() {
                return Ok(Some(said));
            }
            let chunk = match tokio::time::timeout_at(self.until, self.reply.chunk()).await {
                Err(_) => return Err(problem::endless(self.whole)),
                Ok(chunk) => chunk.map_err(|error| problem::broken(&error))?,
            };
            let Some(chunk) = chunk else {
                let is_whole = self.dialect.is_whole();
                return if is_whole { Ok(None) } else { Err(problem::cut()) };
            };
            for event in self.events.take(&chunk).map_err(|()| problem::garbage())? {
                self.ready.extend(self.dialect.read(&event, self.key.as_ref())?);
            }
        }
    }
}

/// How far it is.
enum State {
    NotBegun(Box<(HttpModels, ModelAccess, Prompt)>),
    Going(Box<Going>),
    Over,
}

impl Models for HttpModels {
    fn check_base_url(&self, text: &str) -> Result<String, String> {
        let url = endpoint::base_url(text)?;
        self.outgoing.check(&url).map_err(|error| error.to_string())?;
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }

    fn ask(&self, access: ModelAccess, prompt: Prompt) -> Saying {
        let not_begun = State::NotBegun(Box::new((self.clone(), access, prompt)));
        let saying = unfold(not_begun, |mut state| async move {
            loop {
                state = match state {
                    State::Over => return None,
                    State::NotBegun(of) => {
                        let (models, access, prompt) = *of;
                        let begun = tokio::time::Instant::now();
                        let models = if prompt.is_trial { models.on_trial() } else { models };
                        match models.begin(&access, &prompt).await {
                            Err(problem) => return Some((Err(problem), State::Over)),
                            Ok(reply) => {
                                let from = if prompt.is_trial { begun } else { tokio::time::Instant::now() };
                                State::Going(Box::new(Going {
                                    reply,
                                    events: Events::default(),
                                    dialect: dialect(access.provider),
                                    ready: std::collections::VecDeque::new(),
                                    key: access.key,
                                    until: from + models.patience.whole,
                                    whole: models.patience.whole,
                                }))
                            }
                        }
                    }
                    State::Going(mut going) => match going.next().await {
                        Err(problem) => return Some((Err(problem), State::Over)),
                        Ok(None) => return Some((Ok(Said::Done), State::Over)),
                        // The end of an answer counts when the provider says it: nothing behind it is waited for.
                        Ok(Some(Said::Done)) => return Some((Ok(Said::Done), State::Over)),
                        Ok(Some(said)) => return Some((Ok(said), State::Going(going))),
                    },
                };
            }
        });
        saying.boxed()
    }

    fn list(&self, access: ModelAccess) -> BoxFuture<'static, Result<Vec<String>, ModelProblem>> {
        Box::pin(self.clone().list_models(access))
    }
}
