//! A model provider in memory: it says what a test tells it to, and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use stoa_app::ports::{Counted, ModelAccess, ModelProblem, Models, Prompt, Said, Saying};
use stoa_domain::ai::Provider;

/// What the provider was asked, and by what key.
#[derive(Debug, Clone)]
pub struct Asked {
    pub provider: Provider,
    pub base_url: Option<String>,
    pub model: String,
    pub key: Option<String>,
    pub system: String,
    pub user: String,
}

type Script = Vec<Result<Said, ModelProblem>>;

#[derive(Default)]
pub struct FakeModels {
    asked: Mutex<Vec<Asked>>,
    next: Mutex<VecDeque<Script>>,
    instead: Mutex<Option<Arc<dyn Models>>>,
}

impl FakeModels {
    /// What was asked, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How the next answer goes. `{mark}` in its words is the mark that the model is told, `{tag}` that of secrets.
    pub fn answer_next(&self, script: Script) {
        self.next.lock().unwrap().push_back(script);
    }

    /// From now on others are asked: the real body, over a server of the test's own.
    pub fn ask_instead(&self, models: Arc<dyn Models>) {
        *self.instead.lock().unwrap() = Some(models);
    }

    fn instead(&self) -> Option<Arc<dyn Models>> {
        self.instead.lock().unwrap().clone()
    }
}

/// What stands behind the name of a mark: `<file-f00d…>`.
fn mark_of(system: &str) -> String {
    let is_mark = |one: &&str| one.len() == 16 && one.bytes().all(|byte| byte.is_ascii_hexdigit());
    system.split(|letter: char| !letter.is_ascii_alphanumeric()).find(is_mark).unwrap_or_default().to_owned()
}

fn marked(said: Said, mark: &str) -> Said {
    match said {
        Said::Words(words) => {
            let tag = mark.get(..8).unwrap_or_default();
            Said::Words(words.replace("{mark}", mark).replace("{tag}", tag))
        }
        other => other,
    }
}

/// What is said where a test doesn't say.
fn usual() -> Script {
    vec![
        Ok(Said::Counted(Counted { input: Some(20), output: None })),
        Ok(Said::Words("Ready. ".to_owned())),
        Ok(Said::Words("I can read logs.".to_owned())),
        Ok(Said::Counted(Counted { input: None, output: Some(11) })),
        Ok(Said::Done),
    ]
}

impl Models for FakeModels {
    fn check_base_url(&self, text: &str) -> Result<String, String> {
        match self.instead() {
            Some(models) => models.check_base_url(text),
            None => Ok(text.trim_end_matches('/').to_owned()),
        }
    }

    fn ask(&self, access: ModelAccess, prompt: Prompt) -> Saying {
        let key = access.key.as_ref().and_then(|key| key.reveal_text().map(str::to_owned));
        self.asked.lock().unwrap().push(Asked {
            provider: access.provider,
            base_url: access.base_url.clone(),
            model: access.model.clone(),
            key,
            system: prompt.system.clone(),
            user: prompt.user.clone(),
        });
        match self.instead() {
            Some(models) => models.ask(access, prompt),
            None => {
                let script = self.next.lock().unwrap().pop_front().unwrap_or_else(usual);
                let mark = mark_of(&prompt.system);
                stream::iter(script.into_iter().map(move |said| said.map(|said| marked(said, &mark)))).boxed()
            }
        }
    }

    fn list(&self, access: ModelAccess) -> BoxFuture<'static, Result<Vec<String>, ModelProblem>> {
        match self.instead() {
            Some(models) => models.list(access),
            None => Box::pin(async { Ok(vec!["large".to_owned(), "small".to_owned()]) }),
        }
    }
}
