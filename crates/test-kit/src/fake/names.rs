//! The DNS in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use stoa_app::ports::{Names, Texts};

/// What isn't set doesn't exist.
#[derive(Default)]
pub struct FakeNames(Mutex<BTreeMap<String, Texts>>, Mutex<Vec<String>>);

impl FakeNames {
    /// From now on a name has these texts.
    pub fn set(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.0.lock().unwrap().insert(name.to_owned(), Texts::Found(texts));
    }

    /// Names that were asked for, in turn.
    pub fn asked(&self) -> Vec<String> {
        self.1.lock().unwrap().clone()
    }

    /// From now on nobody answers for a name.
    pub fn silence(&self, name: &str) {
        self.0.lock().unwrap().insert(name.to_owned(), Texts::NoAnswer);
    }
}

impl Names for FakeNames {
    fn texts(&self, name: String) -> BoxFuture<'_, Texts> {
        Box::pin(async move {
            self.1.lock().unwrap().push(name.clone());
            self.0.lock().unwrap().get(&name).cloned().unwrap_or_else(|| Texts::Found(Vec::new()))
        })
    }
}
