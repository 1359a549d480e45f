//! AI settings: which provider a workspace asks, and what it is asked for.

/// Whose models are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    Anthropic,
    OpenAi,
    Groq,
    Ollama,
    /// Any server that speaks as OpenAI's does.
    Custom,
}

impl Provider {
    pub const ALL: &'static [Self] = &[Self::Anthropic, Self::OpenAi, Self::Groq, Self::Ollama, Self::Custom];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Groq => "groq",
            Self::Ollama => "ollama",
            Self::Custom => "custom",
        }
    }

    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|provider| provider.key() == key)
    }

    /// Whether it stands at an address that the workspace says; the others have one of their own.
    #[must_use]
    pub const fn has_base_url(self) -> bool {
        matches!(self, Self::Ollama | Self::Custom)
    }

    /// Whether it answers nobody without a key. Servers of one's own often ask for none.
    #[must_use]
    pub const fn needs_key(self) -> bool {
        !self.has_base_url()
    }
}

/// What AI is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Explain a failed deployment or a stretch of log.
    Explain,
    /// Describe a merge before it is done.
    DescribeMerge,
    /// Propose an edit of a file in the IDE.
    Edit,
    /// Propose a permission profile.
    ProposeProfile,
    /// An owner tries the provider.
    Test,
}

impl Feature {
    pub const ALL: &'static [Self] =
        &[Self::Explain, Self::DescribeMerge, Self::Edit, Self::ProposeProfile, Self::Test];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Explain => "explain",
            Self::DescribeMerge => "describe_merge",
            Self::Edit => "edit",
            Self::ProposeProfile => "propose_profile",
            Self::Test => "test",
        }
    }
}

/// Letters of a model's name at most.
pub const LONGEST_MODEL: usize = 200;
/// Letters of a key at most.
const LONGEST_KEY: usize = 1_000;
/// A key that is shorter shows nothing of itself: four letters would be too much of it.
const SHORTEST_WITH_END: usize = 12;

/// A model's name as it is kept: any text in one line.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn check_model(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let is_long = text.chars().count() > LONGEST_MODEL;
    if text.is_empty() || is_long || text.chars().any(char::is_control) {
        return Err("Give the model's name: 1 to 200 characters in one line.");
    }
    Ok(text.to_owned())
}

/// A key goes into a header as it is: visible ASCII without blanks.
///
/// # Errors
/// What is wrong with it, as a sentence that never repeats it.
pub fn check_key(text: &str) -> Result<&str, &'static str> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST_KEY || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("A key has 1 to 1,000 letters, digits and signs, without blanks.");
    }
    Ok(text)
}

/// The last four characters of a key, where that tells little of it.
#[must_use]
pub fn last_four(key: &str) -> Option<String> {
    let is_long = key.len() >= SHORTEST_WITH_END && key.is_ascii();
    is_long.then(|| key[key.len() - 4..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_found_by_their_keys() {
        for provider in Provider::ALL {
            assert_eq!(Provider::from_key(provider.key()), Some(*provider));
            assert_ne!(provider.has_base_url(), provider.needs_key());
        }
        assert_eq!(Provider::from_key("Anthropic"), None);
    }

    #[test]
    fn a_key_fits_into_a_header_and_shows_its_end_only_when_it_is_long() {
        assert_eq!(check_key(" sk-abc \n"), Ok("sk-abc"));
        for wrong in ["", "  ", "sk abc", "sk\u{7f}", "sk-ä", "a\r\nX-Other: b"] {
            assert!(check_key(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(last_four("sk-0123456789f3c1"), Some("f3c1".to_owned()));
        assert_eq!(last_four("short"), None);
    }

    #[test]
    fn a_models_name_is_any_text_in_one_line() {
        assert_eq!(check_model(" llama3.1:8b "), Ok("llama3.1:8b".to_owned()));
        assert!(check_model("").is_err() && check_model("a\nb").is_err());
        assert!(check_model(&"x".repeat(201)).is_err());
    }
}
