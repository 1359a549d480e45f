//! Opening the records and the key that goes with them.

use std::sync::Arc;

use stoa_adapters::clock::{SystemClock, SystemRng};
use stoa_adapters::master_key;
use stoa_adapters::vault::MasterVault;
use stoa_storage::Store;
use stoa_storage::store::Place;

use crate::failure::Ended;
use crate::settings::Settings;

pub const DATABASE: &str = "stoa.sqlite";

/// Where the records lie by the settings. Whoever reads or makes records asks here.
///
/// # Errors
/// Where they were moved away from there.
pub fn place(settings: &Settings) -> Result<Place, Ended> {
    if let Some(url) = &settings.database_url {
        return Ok(Place::Postgres(url.reveal_text().unwrap_or_default().to_owned()));
    }
    crate::keeping::refuse_moved(&settings.data_dir)?;
    Ok(Place::Sqlite(settings.data_dir.join(DATABASE)))
}

/// Whether opening them finds something: opening a SQLite file makes it.
pub fn may_be_there(settings: &Settings) -> bool {
    settings.database_url.is_some()
        || settings.data_dir.join(DATABASE).is_file()
        // Those were moved away, which opening them tells.
        || place(settings).is_err()
}

/// Opens the database that the settings name, and brings its schema up to date.
///
/// # Errors
/// Where it can't be opened, or is of a newer version.
pub async fn open(settings: &Settings) -> Result<Store, Ended> {
    Store::open(place(settings)?, Arc::new(SystemClock), Arc::new(SystemRng))
        .await
        .map_err(|fault| Ended::because("the records can't be opened", fault))
}

/// Loads the master key and shows that it is the one the records were sealed with. Only where there are no records
/// yet a missing key is made.
///
/// # Errors
/// Where it is missing, readable by others, or another one.
pub async fn load_vault(settings: &Settings, store: &Store) -> Result<MasterVault, Ended> {
    let known = store
        .find_installation()
        .await
        .map_err(|fault| Ended::because("the records can't be read", fault))?;
    let key = master_key::load(&settings.master_key_file, known.is_none())?;
    let vault = MasterVault::new(key);
    if known.is_none() {
        let check = vault.key_check().map_err(|fault| Ended::said(format!("{fault:?}")))?;
        store.create_installation(check).await.map_err(|failure| Ended::said(format!("{failure:?}")))?;
    }
    // Read again: another replica may have been first.
    let installation = store
        .find_installation()
        .await
        .map_err(|fault| Ended::because("the records can't be read", fault))?;
    match installation {
        Some(installation) if vault.is_key_of(&installation.key_check) => Ok(vault),
        _ => Err(Ended::said(format!(
            "the master key {} isn't the one that these records were sealed with. Bring the right one back; Stoa never replaces it",
            settings.master_key_file.display()
        ))),
    }
}

/// The key of visitors' seals: of this epoch, so that what was sealed before a restore doesn't open after it.
///
/// # Errors
/// Where the records can't be read.
pub async fn visit_key(store: &Store, vault: &MasterVault) -> Result<[u8; master_key::BYTES], Ended> {
    let installation = store
        .find_installation()
        .await
        .map_err(|fault| Ended::because("the records can't be read", fault))?;
    Ok(vault.visit_key(installation.map_or(0, |installation| installation.epoch)))
}
