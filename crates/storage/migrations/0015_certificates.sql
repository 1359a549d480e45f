-- Certificates by ACME, for the page's own host and for instances'. Of the installation: a row is a host's, whoever's
-- that is. Keys are sealed, and so is the account.

CREATE TABLE certificates (
    host TEXT{C} NOT NULL PRIMARY KEY,
    chain TEXT,
    private_key BYTEA,
    -- Of which authority it is.
    directory TEXT{C},
    issued_at BIGINT,
    ends_at BIGINT,
    -- Since when it is to have one.
    wanted_at BIGINT NOT NULL,
    -- When it is tried next: for the first time, once more, or because it ends.
    next_at BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    trouble TEXT CHECK (trouble IN ('dns', 'waits', 'refused', 'limited', 'away')),
    problem TEXT,
    -- Whose try it is until then, and the number by which its outcome is taken.
    lease_until BIGINT,
    fence BIGINT NOT NULL
);
CREATE INDEX certificates_by_next ON certificates (next_at);

-- Each time that an authority was asked, whatever came of it: outlives the host, so that nobody asks anew by taking it
-- away and adding it again. Kept for a week.
CREATE TABLE certificate_tries (
    id UUID NOT NULL PRIMARY KEY,
    host TEXT{C} NOT NULL,
    workspace_id UUID,
    kind TEXT NOT NULL CHECK (kind IN ('public', 'given', 'own')),
    is_first BOOLEAN NOT NULL,
    is_issued BOOLEAN NOT NULL,
    tried_at BIGINT NOT NULL
);
CREATE INDEX certificate_tries_by_time ON certificate_tries (tried_at);

CREATE TABLE acme_accounts (
    directory TEXT{C} NOT NULL PRIMARY KEY,
    credentials BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE acme_challenges (
    token TEXT{C} NOT NULL PRIMARY KEY,
    host TEXT{C} NOT NULL,
    answer TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Where a domain led when it was last looked at: addresses, separated by spaces.
ALTER TABLE hosts ADD COLUMN leads TEXT CHECK (leads IN ('here', 'elsewhere', 'nowhere', 'unknown'));
ALTER TABLE hosts ADD COLUMN leads_to TEXT;
ALTER TABLE hosts ADD COLUMN should_lead_to TEXT;
