//! Passkeys: made and used in two halves, between which the server keeps what it asked.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use stoa_domain::{AccountId, AccountPermit, Conflict, PasskeyId, Refusal, Secret};
use stoa_storage::ceremony::CeremonyKind;
use stoa_storage::second_factor::{FactorUse, NewPasskey, PasskeyRecord, SecondFactors};
use webauthn_rs::prelude::{
    Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    Url, Webauthn, WebauthnBuilder,
};

use super::{RecoveryCodes, ShownPasskey, place};
use crate::account::check_name;
use crate::ports::SealedPlace;
use crate::secrets::hash_of;
use crate::{App, Failure, Fault};

/// The first half: what the browser hands to the authenticator, and what it brings with the answer.
pub struct BegunPasskey {
    pub ceremony: Secret,
    /// As browsers' `navigator.credentials` takes it, in JSON.
    pub options: Value,
}

/// The second half of making one.
pub struct NewPasskeyWish {
    pub ceremony: String,
    pub name: String,
    /// What the authenticator answered.
    pub credential: Value,
}

fn credential_place(id: PasskeyId) -> SealedPlace {
    place("passkeys", "credential", id.to_string())
}

fn written<T: serde::Serialize>(value: &T) -> Result<Secret, Fault> {
    Ok(Secret::new(serde_json::to_vec(value).map_err(Fault::new)?))
}

fn read<T: serde::de::DeserializeOwned>(secret: &Secret) -> Result<T, Fault> {
    serde_json::from_slice(secret.reveal()).map_err(Fault::new)
}

impl App {
    /// Stoa as authenticators know it: by the name of its public address, at that very origin.
    pub(super) fn relying_party(&self) -> Result<Webauthn, Failure> {
        let origin = Url::parse(&self.settings().public_url).map_err(Fault::new)?;
        // An address that is a number has no name for which an authenticator would keep a key.
        let Some(name) = origin.domain() else {
            return Err(Refusal::Conflict(Conflict::PasskeysNeedName).into());
        };
        let builder = WebauthnBuilder::new(name, &origin).map_err(Fault::new)?;
        Ok(builder.rp_name("Stoa").build().map_err(Fault::new)?)
    }

    fn opened(&self, record: &PasskeyRecord) -> Result<Passkey, Failure> {
        Ok(read(&self.open_alone(&credential_place(record.id), &record.credential)?)?)
    }

    /// # Errors
    /// `Conflict` where browsers have no passkeys for this address.
    pub async fn begin_passkey(&self, permit: AccountPermit) -> Result<BegunPasskey, Failure> {
        let account = permit.actor().account;
        let own = self.store().find_account(account).await?.ok_or(Refusal::Unauthenticated)?;
        let mut known = Vec::new();
        for record in self.store().find_second_factors(account).await?.passkeys {
            known.push(self.opened(&record)?.cred_id().clone());
        }
        let (options, state) = self
            .relying_party()?
            .start_passkey_registration(account.uuid(), &own.email, &own.name, Some(known))
            .map_err(Fault::new)?;
        let ceremony =
            self.begin_ceremony(Some(account), CeremonyKind::PasskeyNew, &written(&state)?).await?;
        Ok(BegunPasskey { ceremony, options: serde_json::to_value(options).map_err(Fault::new)? })
    }

    /// Keeps what the authenticator made. Recovery codes come with it where the account had none.
    ///
    /// # Errors
    /// `Invalid` where the answer isn't right or comes too late; `Conflict` for an authenticator that is known.
    pub async fn add_passkey(
        &self,
        permit: AccountPermit,
        wish: NewPasskeyWish,
    ) -> Result<(PasskeyRecord, Option<RecoveryCodes>), Failure> {
        let account = permit.actor().account;
        let mut problems = Vec::new();
        let name = check_name("name", &wish.name, &mut problems);
        let Some(name) = name else { return Err(Refusal::Invalid(problems).into()) };
        let state = self.load_ceremony(account, &wish.ceremony, CeremonyKind::PasskeyNew).await?;
        let state: PasskeyRegistration = read(&state)?;
        let wrong = || {
            Refusal::invalid("credential", "wrong", "The authenticator's answer isn't right. Begin again.")
        };
        let answer: RegisterPublicKeyCredential =
            serde_json::from_value(wish.credential).map_err(|_| wrong())?;
        let passkey =
            self.relying_party()?.finish_passkey_registration(&answer, &state).map_err(|error| {
                tracing::info!(%error, "a passkey wasn't made");
                wrong()
            })?;
        let id = PasskeyId::new(self.new_uuid());
        let new = NewPasskey {
            id,
            name: name.into_string(),
            credential_hash: Sha256::digest(passkey.cred_id()).to_vec(),
            credential: self.seal_alone(&credential_place(id), &written(&passkey)?)?,
        };
        let codes = self.new_recovery_codes();
        let hashes = codes.hashes(account);
        let sentence = format!(
            "The passkey {} can be used as the second factor of your account from now on. Every other session was ended.",
            new.name
        );
        let notice = self.factor_notice(&permit, "A passkey was added", &sentence).await?;
        let is_first = self.store().add_passkey(permit, hash_of(&wish.ceremony), new, hashes, notice).await?;
        Ok((self.load_passkey(account, id).await?, is_first.then_some(codes)))
    }

    async fn load_passkey(&self, account: AccountId, id: PasskeyId) -> Result<PasskeyRecord, Failure> {
        let found = self.store().find_second_factors(account).await?.passkeys;
        Ok(found.into_iter().find(|one| one.id == id).ok_or(Refusal::NotFound)?)
    }

    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn rename_passkey(
        &self,
        permit: AccountPermit,
        id: &str,
        name: &str,
    ) -> Result<PasskeyRecord, Failure> {
        let account = permit.actor().account;
        let id = id.parse::<PasskeyId>().map_err(|_| Refusal::NotFound)?;
        let mut problems = Vec::new();
        let Some(name) = check_name("name", name, &mut problems) else {
            return Err(Refusal::Invalid(problems).into());
        };
        self.store().rename_passkey(permit, id, name.into_string()).await?;
        self.load_passkey(account, id).await
    }

    /// # Errors
    /// `NotFound`.
    pub async fn remove_passkey(&self, permit: AccountPermit, id: &str) -> Result<(), Failure> {
        let id = id.parse::<PasskeyId>().map_err(|_| Refusal::NotFound)?;
        let name = self.load_passkey(permit.actor().account, id).await?.name;
        let sentence = format!("The passkey {name} was removed from your account.");
        let notice = self.factor_notice(&permit, "A passkey was removed", &sentence).await?;
        Ok(self.store().remove_passkey(permit, id, notice).await?)
    }

    /// The first half of showing one, as what signs in or enters its password again.
    ///
    /// # Errors
    /// `Conflict` where the account has none.
    pub(crate) async fn ask_for_passkey(&self, account: AccountId) -> Result<BegunPasskey, Failure> {
        let mut known = Vec::new();
        for record in self.store().find_second_factors(account).await?.passkeys {
            known.push(self.opened(&record)?);
        }
        if known.is_empty() {
            return Err(Refusal::Conflict(Conflict::NoPasskey).into());
        }
        let (options, state) =
            self.relying_party()?.start_passkey_authentication(&known).map_err(Fault::new)?;
        let ceremony =
            self.begin_ceremony(Some(account), CeremonyKind::PasskeyUse, &written(&state)?).await?;
        Ok(BegunPasskey { ceremony, options: serde_json::to_value(options).map_err(Fault::new)? })
    }

    /// The second half: which of the account's passkeys it was, and what it counts now. The ceremony is over,
    /// whatever comes out.
    pub(super) async fn check_passkey(
        &self,
        account: AccountId,
        factors: &SecondFactors,
        shown: ShownPasskey,
    ) -> Result<Option<FactorUse>, Failure> {
        let taken = self.take_ceremony(&shown.ceremony, CeremonyKind::PasskeyUse).await?;
        let Some((Some(whose), state)) = taken else { return Ok(None) };
        if whose != account {
            return Ok(None);
        }
        let state: PasskeyAuthentication = read(&state)?;
        let Ok(answer) = serde_json::from_value::<PublicKeyCredential>(shown.credential) else {
            return Ok(None);
        };
        let result = match self.relying_party()?.finish_passkey_authentication(&answer, &state) {
            Ok(result) => result,
            Err(error) => {
                tracing::info!(%error, "a passkey wasn't taken");
                return Ok(None);
            }
        };
        for record in &factors.passkeys {
            let mut passkey = self.opened(record)?;
            if passkey.update_credential(&result).is_some() {
                let credential = self.seal_alone(&credential_place(record.id), &written(&passkey)?)?;
                return Ok(Some(FactorUse::Passkey { id: record.id, credential }));
            }
        }
        // It was removed meanwhile.
        Ok(None)
    }
}
