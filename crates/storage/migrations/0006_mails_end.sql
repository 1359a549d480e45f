-- When a mail was done with: sent, refused or void. What was queued before and is over has none.
ALTER TABLE mails ADD COLUMN ended_at BIGINT;
