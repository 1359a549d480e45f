-- Second factors, passkeys, sign-in providers, and what is kept between the two halves of such a ceremony.

ALTER TABLE workspaces ADD COLUMN requires_second_factor BOOLEAN NOT NULL DEFAULT FALSE;

-- `last_step` is the last of the 30-second steps whose code was taken: no code works twice.
CREATE TABLE second_factors (
    account_id UUID NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    secret BYTEA NOT NULL,
    last_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (account_id, code_hash)
);

-- One authenticator's key belongs to one account: its identifier is known by its hash.
CREATE TABLE passkeys (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential_hash BYTEA NOT NULL UNIQUE,
    credential BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkeys_by_account ON passkeys (account_id, id);

CREATE TABLE identities (
    issuer TEXT{C} NOT NULL,
    subject TEXT{C} NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_account ON identities (account_id);

-- What the server has to remember between two requests: for minutes, once, known by the hash of a secret.
CREATE TABLE ceremonies (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    account_id UUID REFERENCES accounts (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('totp', 'passkey_new', 'passkey_use', 'provider', 'provider_factor')),
    state BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ceremonies_by_end ON ceremonies (expires_at);

-- The new address as it was written.
ALTER TABLE mailed_links ADD COLUMN email TEXT;
CREATE INDEX mailed_links_by_account ON mailed_links (account_id);

ALTER TABLE mails ADD COLUMN account_id UUID REFERENCES accounts (id) ON DELETE CASCADE;
CREATE INDEX mails_by_account ON mails (account_id);
