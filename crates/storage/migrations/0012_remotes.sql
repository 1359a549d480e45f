-- How it stands with the remote repository of a project. Its address, its sealed credential, its host's key and the
-- webhook's sealed secret stand with the project.
CREATE TABLE remotes (
    project_id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    -- The name that goes with a token.
    user_name TEXT,
    -- The deploy key's public part, as a remote takes it.
    public_key TEXT,
    -- The key that the host showed instead of the pinned one, by its fingerprint.
    offered_key TEXT,
    -- The webhook's path.
    hook TEXT UNIQUE,
    heard_at BIGINT,
    -- When it was last fetched whole, and last tried.
    fetched_at BIGINT,
    tried_at BIGINT,
    problem TEXT,
    detail TEXT,
    failing_since BIGINT,
    failures BIGINT NOT NULL,
    -- Names that can't be a branch's or a tag's here.
    passed_over BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    wished_at BIGINT,
    lease_until BIGINT,
    UNIQUE (workspace_id, project_id),
    FOREIGN KEY (workspace_id, project_id) REFERENCES projects (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX remotes_due ON remotes (next_at);
