-- Whether what a backup holds came from production. Its instance may be deleted, and its own stage says nothing of it: a
-- staging copy holds production's data.
ALTER TABLE backups ADD COLUMN is_of_production BOOLEAN NOT NULL DEFAULT FALSE;
-- Of one whose instance is gone nobody knows any more: whatever is made of it writes to nobody.
UPDATE backups SET is_of_production = TRUE WHERE stage = 'production'
    OR instance_id IN (SELECT id FROM instances WHERE is_mail_off)
    OR instance_id NOT IN (SELECT id FROM instances);
