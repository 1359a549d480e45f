//! What applications expect, read as the agent reads it.

use stoa_app::ports::{Expectations, Generated};

pub struct NearExpectations;

impl Expectations for NearExpectations {
    fn generated(&self, stoa_toml: &str) -> Vec<Generated> {
        let asked = stoa_agent::stoa_toml::generated(stoa_toml).into_iter();
        asked.map(|(name, length)| Generated { name, length }).collect()
    }
}
