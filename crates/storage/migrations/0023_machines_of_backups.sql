-- The machine whose disk a repository is on, or which writes to its bucket: it is the same one whatever servers are made of
-- it, and it is known when its server is removed.
ALTER TABLE backup_repositories ADD COLUMN machine_id UUID;
UPDATE backup_repositories SET machine_id = (SELECT s.machine_id FROM servers s WHERE s.id = backup_repositories.server_id);
-- Where the server is gone already, and there has never been more than one machine, it was on that.
UPDATE backup_repositories SET machine_id = (SELECT m.id FROM machines m LIMIT 1)
    WHERE machine_id IS NULL AND (SELECT COUNT(*) FROM machines) = 1;

-- What whoever has a backup should know of it, in one sentence.
ALTER TABLE backups ADD COLUMN warning TEXT;
