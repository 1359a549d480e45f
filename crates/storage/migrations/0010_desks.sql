-- Members' desks. A terminal belongs to the account that opened it; a working copy is one member's on one instance.
CREATE TABLE terminals (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    session_id UUID,
    created_at BIGINT NOT NULL,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX terminals_of_desk ON terminals (instance_id, account_id);

CREATE TABLE working_copies (
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    branch TEXT NOT NULL,
    base_commit TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    PRIMARY KEY (instance_id, account_id),
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX working_copies_of_workspace ON working_copies (workspace_id, instance_id);
