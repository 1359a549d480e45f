//! The port to model providers: what is asked, what is said, and how it fails.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use stoa_domain::Secret;
use stoa_domain::ai::Provider;

/// Where a model is, and by what key.
#[derive(Clone)]
pub struct ModelAccess {
    pub provider: Provider,
    /// Where the provider has no address of its own.
    pub base_url: Option<String>,
    pub model: String,
    pub key: Option<Secret>,
}

/// What is asked. Everything in it has been cleaned of secrets.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What the model is to do.
    pub system: String,
    /// What it is to do it with.
    pub user: String,
    /// Tokens of the answer at most.
    pub most_tokens: u32,
    /// Whether it only finds out if an answer comes: nobody waits long for that.
    pub is_trial: bool,
}

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Words(String),
    /// What the provider has counted so far, where it counts.
    Counted(Counted),
    /// The answer is whole. Nothing comes behind it.
    Done,
}

/// Tokens as the provider counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub input: Option<u64>,
    pub output: Option<u64>,
}

/// Why nothing, or not all, was said: a sentence with the provider's own words, from which control characters and the
/// key were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelProblem {
    pub detail: String,
    /// Seconds, where the provider says after how many to try again.
    pub retry_after: Option<i64>,
}

impl ModelProblem {
    #[must_use]
    pub fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), retry_after: None }
    }
}

/// An answer as it comes. Dropping it ends the request.
pub type Saying = BoxStream<'static, Result<Said, ModelProblem>>;

/// Model providers.
pub trait Models: Send + Sync + 'static {
    /// The form in which a base URL is kept, as far as it can be said without asking anybody.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    fn check_base_url(&self, text: &str) -> Result<String, String>;

    /// Asks. What fails comes as the last thing of the stream.
    fn ask(&self, access: ModelAccess, prompt: Prompt) -> Saying;

    /// The provider's own list, by name.
    fn list(&self, access: ModelAccess) -> BoxFuture<'static, Result<Vec<String>, ModelProblem>>;
}
