-- Merges whose branch is about to move: from their last decision until what follows from them is written down. What a
-- crash leaves here is settled at the next start, by whether the branch has the commit.
CREATE TABLE merges (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    project_id UUID NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    actor_name TEXT NOT NULL,
    via TEXT NOT NULL,
    address TEXT,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (workspace_id, project_id) REFERENCES projects (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX merges_by_project ON merges (project_id);
CREATE INDEX merges_by_account ON merges (account_id);
