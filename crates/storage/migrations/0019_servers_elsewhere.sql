-- A machine elsewhere is known by its certificate, also after its server was removed: it is refused by it for ever.
ALTER TABLE machines ADD COLUMN removed_at BIGINT;
CREATE UNIQUE INDEX machines_by_certificate ON machines (certificate_sha256) WHERE certificate_sha256 IS NOT NULL;
CREATE INDEX servers_by_machine ON servers (machine_id);
CREATE INDEX joins_by_server ON joins (workspace_id, server_id);
