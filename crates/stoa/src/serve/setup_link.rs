//! The link by which the first account is made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stoa_adapters::clock::SystemRng;
use stoa_app::ports::Rng as _;
use stoa_domain::Secret;

use crate::failure::Ended;
use crate::settings::Settings;

/// Characters that a token set by the operator needs at least: 32 random bytes in base64 have 43.
const SHORTEST: usize = 32;

/// The token of this start: the operator's, else a random one.
///
/// # Errors
/// Where the operator's is too short to be one.
pub fn token(settings: &Settings) -> Result<Secret, Ended> {
    if let Some(token) = &settings.setup_token {
        let text = token.reveal_text().unwrap_or_default();
        if text.len() < SHORTEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Ended::said(format!(
                "STOA_SETUP_TOKEN needs {SHORTEST} characters at least, without spaces"
            )));
        }
        return Ok(Secret::from_text(text.to_owned()));
    }
    let mut bytes = [0_u8; 32];
    SystemRng.fill(&mut bytes);
    Ok(Secret::from_text(URL_SAFE_NO_PAD.encode(bytes)))
}

/// The link. The token stands behind `#`: browsers don't send it, so it is in no log on the way.
pub fn link(settings: &Settings, token: &Secret) -> String {
    format!("{}/setup#{}", settings.origin(), token.reveal_text().unwrap_or_default())
}
