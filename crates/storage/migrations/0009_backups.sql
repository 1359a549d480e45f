-- Where an instance's backups are, and what opens them. Both outlive the instance.
CREATE TABLE backup_repositories (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    instance_id UUID NOT NULL,
    server_id UUID,
    place TEXT NOT NULL CHECK (place IN ('disk', 's3')),
    password BYTEA NOT NULL,
    target BYTEA,
    created_at BIGINT NOT NULL,
    UNIQUE (workspace_id, id),
    UNIQUE (instance_id)
);

CREATE TABLE backups (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    repository_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    instance_name TEXT NOT NULL,
    project_id UUID NOT NULL,
    project_name TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('production', 'staging', 'development')),
    branch TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    size BIGINT NOT NULL,
    added BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('making', 'ready', 'failed', 'removing')),
    reason TEXT,
    cause TEXT NOT NULL CHECK (cause IN ('hand', 'schedule', 'before_restore', 'before_delete')),
    note TEXT,
    settings TEXT NOT NULL,
    account_id UUID,
    job_id UUID,
    created_at BIGINT NOT NULL,
    verified_at BIGINT,
    expires_at BIGINT,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, repository_id) REFERENCES backup_repositories (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX backups_by_instance ON backups (workspace_id, instance_id, created_at);
CREATE INDEX backups_by_job ON backups (job_id);
CREATE INDEX backups_ending ON backups (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX backups_removing ON backups (status) WHERE status = 'removing';

-- When backups are made by themselves, and how many of those are kept.
CREATE TABLE backup_schedules (
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL PRIMARY KEY,
    at_minute BIGINT NOT NULL,
    keep_days BIGINT NOT NULL,
    keep_weeks BIGINT NOT NULL,
    keep_months BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX backup_schedules_due ON backup_schedules (next_at);

-- Of an instance that was made of production's data: it mustn't write to production's people.
ALTER TABLE instances ADD COLUMN is_mail_off BOOLEAN NOT NULL DEFAULT FALSE;
