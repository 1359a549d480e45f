-- Sessions as one of an application's users: the link by which one begins, and the application's cookies while it lasts.

CREATE TABLE connect_sessions (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    -- By which the account is signed in to Stoa while it lasts. Not a reference: that it is gone is what ends it.
    session_id UUID,
    application_user TEXT NOT NULL,
    user_login TEXT NOT NULL,
    user_name TEXT NOT NULL,
    reason TEXT NOT NULL,
    ticket_hash BYTEA NOT NULL,
    ticket_expires_at BIGINT NOT NULL,
    ticket_used_at BIGINT,
    -- Of its own host.
    label TEXT{C} NOT NULL,
    -- What the browser brings there, once, and what it is then known by.
    code_hash BYTEA,
    code_expires_at BIGINT,
    visit_hash BYTEA,
    landing TEXT,
    cookies BYTEA,
    cookies_revision BIGINT NOT NULL,
    end_tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    opened_at BIGINT,
    ends_at BIGINT NOT NULL,
    ended_at BIGINT,
    UNIQUE (workspace_id, id),
    UNIQUE (ticket_hash),
    UNIQUE (label),
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX connect_sessions_of_instance ON connect_sessions (workspace_id, instance_id);
CREATE INDEX connect_sessions_open ON connect_sessions (ends_at) WHERE ended_at IS NULL;
CREATE INDEX connect_sessions_unclosed ON connect_sessions (ended_at) WHERE cookies IS NOT NULL;

-- How one connects as a user of a release: `command`, `django`, `odoo` or `none`.
ALTER TABLE releases ADD COLUMN connect_as TEXT;
