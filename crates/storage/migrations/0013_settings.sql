-- Settings of instances: limits, another health check than the application's own, domains of their own, and what was
-- changed when by whom.

ALTER TABLE instances ADD COLUMN memory_limit BIGINT;
ALTER TABLE instances ADD COLUMN processor_limit BIGINT;
ALTER TABLE instances ADD COLUMN processes_limit BIGINT;
ALTER TABLE instances ADD COLUMN disk_limit BIGINT;
ALTER TABLE instances ADD COLUMN health TEXT;

-- What was recorded before were changes of variables, which a start takes over.
ALTER TABLE settings_changes ADD COLUMN needs_restart BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE settings_changes ADD COLUMN reverts_id UUID;

-- What one change did, thing by thing. A secret's values are in none of them.
CREATE TABLE settings_change_parts (
    workspace_id UUID NOT NULL,
    change_id UUID NOT NULL,
    position BIGINT NOT NULL,
    setting TEXT NOT NULL CHECK (setting IN ('environment', 'domain', 'branch', 'health', 'memory', 'processor',
        'processes', 'disk', 'backup_schedule', 'visibility', 'protection', 'name')),
    name TEXT{C} NOT NULL,
    turn TEXT NOT NULL CHECK (turn IN ('added', 'changed', 'removed')),
    before_value TEXT,
    after_value TEXT,
    is_secret BOOLEAN NOT NULL,
    PRIMARY KEY (change_id, position),
    FOREIGN KEY (workspace_id, change_id) REFERENCES settings_changes (workspace_id, id) ON DELETE CASCADE
);

ALTER TABLE hosts ADD COLUMN claimed_at BIGINT;
ALTER TABLE hosts ADD COLUMN checked_at BIGINT;
ALTER TABLE hosts ADD COLUMN check_at BIGINT;
ALTER TABLE hosts ADD COLUMN problem TEXT;
CREATE INDEX hosts_to_check ON hosts (check_at) WHERE kind = 'own' AND check_at IS NOT NULL;
