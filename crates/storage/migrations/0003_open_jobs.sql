-- Work that waits or runs is asked for with each instance; what is over stays for good, and is many times more.
CREATE INDEX jobs_open ON jobs (workspace_id, id) WHERE status IN ('queued', 'running');
