-- Since when it is known that it can't be read whole. Reading it whole takes that back.
ALTER TABLE backups ADD COLUMN damaged_at BIGINT;
-- Of one that was made before a restore: which backup was brought back then, and when that one was made. It may be gone.
ALTER TABLE backups ADD COLUMN restored_id UUID;
ALTER TABLE backups ADD COLUMN restored_made_at BIGINT;
