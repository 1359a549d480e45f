-- An instance that is made of a backup doesn't begin to run before a restore into it has succeeded.
ALTER TABLE instances ADD COLUMN awaits_backup BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE instances SET awaits_backup = TRUE WHERE release_id IS NULL AND EXISTS (SELECT 1 FROM deployments d
    JOIN jobs j ON j.id = d.job_id WHERE d.instance_id = instances.id AND d.cause = 'create' AND j.kind = 'restore');
