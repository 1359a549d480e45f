-- Of which job's failure a mail tells. Whether its receiver is still to be told is asked when it is sent.
ALTER TABLE mails ADD COLUMN job_id UUID;
