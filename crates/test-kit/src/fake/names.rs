//! The DNS in memory.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use stoa_app::ports::{Names, Texts};

/// What isn't set has no text, and leads to this machine.
#[derive(Default)]
pub struct FakeNames(
    Mutex<BTreeMap<String, Texts>>,
    Mutex<Vec<String>>,
    Mutex<BTreeMap<String, Option<Vec<IpAddr>>>>,
);

impl FakeNames {
    /// From now on a name has these texts.
    pub fn set(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.0.lock().unwrap().insert(name.to_owned(), Texts::Found(texts));
    }

    /// From now on a name leads to these addresses; `None`: nobody says where.
    pub fn point(&self, name: &str, to: Option<&[&str]>) {
        let to = to.map(|to| to.iter().map(|address| address.parse().unwrap()).collect());
        self.2.lock().unwrap().insert(name.to_owned(), to);
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

    fn addresses(&self, name: String) -> BoxFuture<'_, Option<Vec<IpAddr>>> {
        let here = || Some(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        let found = self.2.lock().unwrap().get(&name).cloned().unwrap_or_else(here);
        Box::pin(async move { found })
    }
}
