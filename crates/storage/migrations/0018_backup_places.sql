-- Buckets of S3-compatible storage that a workspace's backups go to, or went to: what is there is still brought back, and
-- removed at its time. The key is sealed, and bound to the address and the bucket that it was given for.
CREATE TABLE backup_places (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    endpoint TEXT NOT NULL,
    bucket TEXT NOT NULL,
    region TEXT,
    key_id TEXT NOT NULL,
    secret_key BYTEA NOT NULL,
    key_set_by TEXT NOT NULL,
    key_set_at BIGINT NOT NULL,
    is_current BOOLEAN NOT NULL,
    revision BIGINT NOT NULL,
    UNIQUE (workspace_id, endpoint, bucket)
);

-- Where a repository is that isn't on a disk.
ALTER TABLE backup_repositories ADD COLUMN place_id UUID;
CREATE INDEX backup_repositories_by_place ON backup_repositories (place_id) WHERE place_id IS NOT NULL;
