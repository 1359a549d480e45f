//! The ports' real bodies, made from the settings.

use std::sync::Arc;

use stoa_adapters::clock::{SystemClock, SystemRng};
use stoa_adapters::mail::SmtpMail;
use stoa_adapters::vault::MasterVault;
use stoa_app::passwords::Passwords;
use stoa_app::ports::{Mail, Outside};

use crate::failure::Ended;
use crate::settings::Settings;

/// What the outside consists of.
pub struct Parts {
    pub outside: Outside,
}

/// # Errors
/// Where a part can't be made.
pub async fn make(settings: &Settings, vault: MasterVault) -> Result<Parts, Ended> {
    let mail: Option<Arc<dyn Mail>> = match &settings.mail {
        Some((server, from)) => Some(Arc::new(SmtpMail::new(server.clone(), from)?)),
        None => None,
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let passwords = Passwords::new(threads).map_err(|fault| Ended::said(format!("{fault:?}")))?;
    let outside = Outside {
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemRng),
        rng: Arc::new(SystemRng),
        vault: Arc::new(vault),
        passwords,
        repositories: todo!(),
        machines: todo!(),
        mail,
    };
    Ok(Parts { outside })
}
