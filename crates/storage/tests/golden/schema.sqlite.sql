CREATE TABLE accounts (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_canonical TEXT NOT NULL UNIQUE,
    email_verified_at BIGINT,
    password_hash TEXT,
    is_admin BOOLEAN NOT NULL,
    mail_on_failure BOOLEAN NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT
, sorted_as TEXT NOT NULL DEFAULT '');

CREATE TABLE acme_accounts (
    directory TEXT NOT NULL PRIMARY KEY,
    credentials BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE acme_challenges (
    token TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    answer TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE ai_consumption (
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    account_id UUID NOT NULL REFERENCES accounts (id),
    day_at BIGINT NOT NULL,
    feature TEXT NOT NULL,
    member_id UUID NOT NULL,
    name TEXT NOT NULL,
    requests BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, account_id, day_at, feature)
);

CREATE INDEX ai_consumption_by_day ON ai_consumption (workspace_id, day_at);

CREATE TABLE ai_settings (
    workspace_id UUID NOT NULL PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    provider TEXT NOT NULL CHECK (provider IN ('anthropic', 'openai', 'groq', 'ollama', 'custom')),
    model TEXT NOT NULL,
    base_url TEXT,
    api_key BYTEA,
    key_last4 TEXT,
    key_set_by TEXT,
    key_set_at BIGINT,
    revision BIGINT NOT NULL
);

CREATE TABLE attempts (
    bucket TEXT NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL,
    window_at BIGINT NOT NULL
);

CREATE TABLE audit_events (
    workspace_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    id UUID NOT NULL,
    at BIGINT NOT NULL,
    account_id UUID,
    actor_name TEXT NOT NULL,
    via TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    resource_kind TEXT,
    resource_id UUID,
    resource_name TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
    second_name TEXT,
    repeated BIGINT NOT NULL,
    detail TEXT NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (workspace_id, seq)
);

CREATE INDEX audit_events_by_account ON audit_events (workspace_id, account_id, seq);

CREATE INDEX audit_events_by_resource ON audit_events (workspace_id, resource_id, seq);

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

CREATE TABLE backup_repositories (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    instance_id UUID NOT NULL,
    server_id UUID,
    place TEXT NOT NULL CHECK (place IN ('disk', 's3')),
    password BYTEA NOT NULL,
    target BYTEA,
    created_at BIGINT NOT NULL, place_id UUID, machine_id UUID,
    UNIQUE (workspace_id, id),
    UNIQUE (instance_id)
);

CREATE INDEX backup_repositories_by_place ON backup_repositories (place_id) WHERE place_id IS NOT NULL;

CREATE TABLE backup_schedules (
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL PRIMARY KEY,
    at_minute BIGINT NOT NULL,
    keep_days BIGINT NOT NULL,
    keep_weeks BIGINT NOT NULL,
    keep_months BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX backup_schedules_due ON backup_schedules (next_at);

CREATE TABLE backups (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    repository_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    instance_name TEXT NOT NULL,
    project_id UUID NOT NULL,
    project_name TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('production', 'staging', 'development')),
    branch TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    size BIGINT NOT NULL,
    added BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('making', 'ready', 'failed', 'removing')),
    reason TEXT,
    cause TEXT NOT NULL CHECK (cause IN ('hand', 'schedule', 'before_restore', 'before_delete')),
    note TEXT,
    settings TEXT NOT NULL,
    account_id UUID,
    job_id UUID,
    created_at BIGINT NOT NULL,
    verified_at BIGINT,
    expires_at BIGINT, is_of_production BOOLEAN NOT NULL DEFAULT FALSE, warning TEXT, damaged_at BIGINT, restored_id UUID, restored_made_at BIGINT,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, repository_id) REFERENCES backup_repositories (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX backups_by_instance ON backups (workspace_id, instance_id, created_at);

CREATE INDEX backups_by_job ON backups (job_id);

CREATE INDEX backups_ending ON backups (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX backups_removing ON backups (status) WHERE status = 'removing';

CREATE TABLE ceremonies (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    account_id UUID REFERENCES accounts (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('totp', 'passkey_new', 'passkey_use', 'provider', 'provider_factor')),
    state BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX ceremonies_by_end ON ceremonies (expires_at);

CREATE TABLE certificate_tries (
    id UUID NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    workspace_id UUID,
    kind TEXT NOT NULL CHECK (kind IN ('public', 'given', 'own')),
    is_first BOOLEAN NOT NULL,
    is_issued BOOLEAN NOT NULL,
    tried_at BIGINT NOT NULL
);

CREATE INDEX certificate_tries_by_time ON certificate_tries (tried_at);

CREATE TABLE certificates (
    host TEXT NOT NULL PRIMARY KEY,
    chain TEXT,
    private_key BYTEA,
    -- Of which authority it is.
    directory TEXT,
    issued_at BIGINT,
    ends_at BIGINT,
    -- Since when it is to have one.
    wanted_at BIGINT NOT NULL,
    -- When it is tried next: for the first time, once more, or because it ends.
    next_at BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    trouble TEXT CHECK (trouble IN ('dns', 'waits', 'refused', 'limited', 'away')),
    problem TEXT,
    -- Whose try it is until then, and the number by which its outcome is taken.
    lease_until BIGINT,
    fence BIGINT NOT NULL
);

CREATE INDEX certificates_by_next ON certificates (next_at);

CREATE TABLE connect_sessions (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    -- By which the account is signed in to Stoa while it lasts. Not a reference: that it is gone is what ends it.
    session_id UUID,
    application_user TEXT NOT NULL,
    user_login TEXT NOT NULL,
    user_name TEXT NOT NULL,
    reason TEXT NOT NULL,
    ticket_hash BYTEA NOT NULL,
    ticket_expires_at BIGINT NOT NULL,
    ticket_used_at BIGINT,
    -- Of its own host.
    label TEXT NOT NULL,
    -- What the browser brings there, once, and what it is then known by.
    code_hash BYTEA,
    code_expires_at BIGINT,
    visit_hash BYTEA,
    landing TEXT,
    cookies BYTEA,
    cookies_revision BIGINT NOT NULL,
    end_tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    opened_at BIGINT,
    ends_at BIGINT NOT NULL,
    ended_at BIGINT,
    UNIQUE (workspace_id, id),
    UNIQUE (ticket_hash),
    UNIQUE (label),
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX connect_sessions_of_instance ON connect_sessions (workspace_id, instance_id);

CREATE INDEX connect_sessions_open ON connect_sessions (ends_at) WHERE ended_at IS NULL;

CREATE INDEX connect_sessions_unclosed ON connect_sessions (ended_at) WHERE cookies IS NOT NULL;

CREATE TABLE deployments (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    number BIGINT NOT NULL,
    commit_id TEXT NOT NULL,
    branch TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('push', 'merge', 'owner', 'settings', 'rollback', 'restore', 'create')),
    account_id UUID,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'superseded')),
    step TEXT NOT NULL,
    reason TEXT,
    reason_quote TEXT,
    job_id UUID NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    UNIQUE (workspace_id, id),
    UNIQUE (instance_id, number),
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX deployments_by_job ON deployments (job_id);

CREATE TABLE events (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    resource_kind TEXT NOT NULL,
    resource_id UUID NOT NULL,
    member_id UUID,
    at BIGINT NOT NULL
);

CREATE INDEX events_by_workspace ON events (workspace_id, id);

CREATE TABLE heads (
    workspace_id UUID NOT NULL,
    project_id UUID NOT NULL,
    branch TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, branch),
    FOREIGN KEY (workspace_id, project_id) REFERENCES projects (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE hosts (
    host TEXT NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    instance_id UUID,
    kind TEXT NOT NULL CHECK (kind IN ('given', 'own')),
    proof TEXT,
    verified_at BIGINT,
    released_at BIGINT, claimed_at BIGINT, checked_at BIGINT, check_at BIGINT, problem TEXT, leads TEXT CHECK (leads IN ('here', 'elsewhere', 'nowhere', 'unknown')), leads_to TEXT, should_lead_to TEXT,
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id)
);

CREATE INDEX hosts_by_instance ON hosts (instance_id);

CREATE INDEX hosts_to_check ON hosts (check_at) WHERE kind = 'own' AND check_at IS NOT NULL;

CREATE TABLE idempotency (
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    operation TEXT NOT NULL,
    body_hash BYTEA NOT NULL,
    status BIGINT,
    answer BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, key)
);

CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE INDEX identities_by_account ON identities (account_id);

CREATE TABLE installation (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    key_check BYTEA NOT NULL,
    setup_token_hash BYTEA,
    agent_identity BYTEA,
    epoch BIGINT NOT NULL,
    audit_seq BIGINT NOT NULL,
    audit_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE instances (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    project_id UUID NOT NULL,
    server_id UUID NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('production', 'staging', 'development')),
    branch TEXT NOT NULL,
    wish TEXT NOT NULL CHECK (wish IN ('running', 'stopped')),
    status TEXT NOT NULL CHECK (status IN ('deploying', 'running', 'stopped', 'failed', 'deleting')),
    reason TEXT,
    release_id UUID,
    visibility TEXT NOT NULL CHECK (visibility IN ('public', 'members')),
    is_protected BOOLEAN NOT NULL,
    os_user BIGINT NOT NULL UNIQUE,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL, is_mail_off BOOLEAN NOT NULL DEFAULT FALSE, memory_limit BIGINT, processor_limit BIGINT, processes_limit BIGINT, disk_limit BIGINT, health TEXT, sorted_as TEXT NOT NULL DEFAULT '', awaits_backup BOOLEAN NOT NULL DEFAULT FALSE, made_of UUID,
    UNIQUE (workspace_id, id),
    UNIQUE (workspace_id, slug),
    FOREIGN KEY (workspace_id, project_id) REFERENCES projects (workspace_id, id),
    FOREIGN KEY (workspace_id, server_id) REFERENCES servers (workspace_id, id)
);

CREATE INDEX instances_by_branch ON instances (project_id, branch);

CREATE INDEX instances_by_server ON instances (server_id);

CREATE TABLE invitation_links (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    invitation_id UUID NOT NULL,
    issued_at BIGINT NOT NULL,
    ended_at BIGINT,
    FOREIGN KEY (workspace_id, invitation_id) REFERENCES invitations (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX invitation_links_by_invitation ON invitation_links (invitation_id);

CREATE TABLE invitations (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    email_canonical TEXT NOT NULL,
    invited_by UUID NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'revoked')),
    delivery TEXT NOT NULL CHECK (delivery IN ('mail', 'link')),
    message TEXT,
    expires_at BIGINT NOT NULL,
    accepted_by UUID,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    UNIQUE (workspace_id, id)
);

CREATE UNIQUE INDEX invitations_pending ON invitations (workspace_id, email_canonical) WHERE status = 'pending';

CREATE TABLE jobs (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID REFERENCES workspaces (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    project_id UUID,
    instance_id UUID,
    account_id UUID,
    permission TEXT NOT NULL,
    input TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    step TEXT NOT NULL,
    progress BIGINT,
    attempts BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    lease_until BIGINT,
    fence BIGINT NOT NULL,
    cancel_at BIGINT,
    error_code TEXT,
    detail TEXT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE INDEX jobs_by_instance ON jobs (instance_id, id);

CREATE INDEX jobs_by_workspace ON jobs (workspace_id, id);

CREATE INDEX jobs_open ON jobs (workspace_id, id) WHERE status IN ('queued', 'running');

CREATE UNIQUE INDEX jobs_running ON jobs (instance_id) WHERE status = 'running';

CREATE INDEX jobs_waiting ON jobs (status, run_at);

CREATE TABLE joins (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    server_id UUID NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    FOREIGN KEY (workspace_id, server_id) REFERENCES servers (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX joins_by_server ON joins (workspace_id, server_id);

CREATE TABLE logos (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    png BYTEA NOT NULL,
    sha256 BYTEA NOT NULL,
    UNIQUE (workspace_id, id)
);

CREATE TABLE machines (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('local', 'agent')),
    certificate_sha256 BYTEA,
    replica_id UUID,
    connected_at BIGINT,
    seen_at BIGINT,
    facts TEXT NOT NULL
, removed_at BIGINT);

CREATE UNIQUE INDEX machines_by_certificate ON machines (certificate_sha256) WHERE certificate_sha256 IS NOT NULL;

CREATE TABLE mailed_links (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('reset', 'email_change')),
    email_canonical TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
, email TEXT);

CREATE INDEX mailed_links_by_account ON mailed_links (account_id);

CREATE TABLE mails (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID REFERENCES workspaces (id) ON DELETE CASCADE,
    invitation_id UUID,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    content BYTEA,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'sent', 'refused', 'void')),
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    lease_until BIGINT,
    fence BIGINT NOT NULL,
    last_error TEXT,
    created_at BIGINT NOT NULL
, account_id UUID REFERENCES accounts (id) ON DELETE CASCADE, ended_at BIGINT, job_id UUID);

CREATE INDEX mails_by_account ON mails (account_id);

CREATE INDEX mails_by_invitation ON mails (invitation_id);

CREATE INDEX mails_waiting ON mails (status, next_at);

CREATE TABLE member_actions (
    workspace_id UUID NOT NULL,
    member_id UUID NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('view_projects', 'restart_instances', 'connect_as_user', 'merge_branches',
        'stop_instances', 'delete_instances', 'manage_backups', 'view_logs', 'use_ide', 'manage_settings')),
    until_at BIGINT,
    PRIMARY KEY (member_id, action),
    FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX member_actions_ending ON member_actions (until_at) WHERE until_at IS NOT NULL;

CREATE TABLE member_instances (
    workspace_id UUID NOT NULL,
    member_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    until_at BIGINT,
    PRIMARY KEY (member_id, instance_id),
    FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX member_instances_by_instance ON member_instances (instance_id);

CREATE INDEX member_instances_ending ON member_instances (until_at) WHERE until_at IS NOT NULL;

CREATE TABLE member_projects (
    workspace_id UUID NOT NULL,
    member_id UUID NOT NULL,
    project_id UUID NOT NULL,
    until_at BIGINT,
    PRIMARY KEY (member_id, project_id),
    FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, project_id) REFERENCES projects (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX member_projects_by_project ON member_projects (project_id);

CREATE INDEX member_projects_ending ON member_projects (until_at) WHERE until_at IS NOT NULL;

CREATE TABLE member_servers (
    workspace_id UUID NOT NULL,
    member_id UUID NOT NULL,
    server_id UUID NOT NULL,
    until_at BIGINT,
    PRIMARY KEY (member_id, server_id),
    FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, server_id) REFERENCES servers (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX member_servers_by_server ON member_servers (server_id);

CREATE INDEX member_servers_ending ON member_servers (until_at) WHERE until_at IS NOT NULL;

CREATE TABLE members (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    account_id UUID NOT NULL REFERENCES accounts (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
    access_revision BIGINT NOT NULL,
    invited_by UUID,
    joined_at BIGINT NOT NULL,
    last_seen_at BIGINT,
    UNIQUE (workspace_id, id),
    UNIQUE (workspace_id, account_id)
);

CREATE INDEX members_by_account ON members (account_id);

CREATE TABLE merges (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    project_id UUID NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    actor_name TEXT NOT NULL,
    via TEXT NOT NULL,
    address TEXT,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (workspace_id, project_id) REFERENCES projects (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX merges_by_account ON merges (account_id);

CREATE INDEX merges_by_project ON merges (project_id);

CREATE TABLE passkeys (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential_hash BYTEA NOT NULL UNIQUE,
    credential BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE INDEX passkeys_by_account ON passkeys (account_id, id);

CREATE TABLE preset_actions (
    preset_id UUID NOT NULL REFERENCES presets (id) ON DELETE CASCADE,
    action TEXT NOT NULL,
    PRIMARY KEY (preset_id, action)
);

CREATE TABLE presets (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name TEXT NOT NULL, sorted_as TEXT NOT NULL DEFAULT '',
    UNIQUE (workspace_id, id),
    UNIQUE (workspace_id, name)
);

CREATE TABLE projects (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('hosted', 'remote')),
    default_branch TEXT NOT NULL,
    url TEXT,
    credential BYTEA,
    host_key TEXT,
    webhook_secret BYTEA,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL, sorted_as TEXT NOT NULL DEFAULT '',
    UNIQUE (workspace_id, id),
    UNIQUE (workspace_id, slug)
);

CREATE TABLE recovery_codes (
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (account_id, code_hash)
);

CREATE TABLE releases (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    deployment_id UUID NOT NULL,
    commit_id TEXT NOT NULL,
    size BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ready', 'removed')),
    created_at BIGINT NOT NULL, connect_as TEXT,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX releases_by_instance ON releases (instance_id);

CREATE TABLE remotes (
    project_id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    -- The name that goes with a token.
    user_name TEXT,
    -- The deploy key's public part, as a remote takes it.
    public_key TEXT,
    -- The key that the host showed instead of the pinned one, by its fingerprint.
    offered_key TEXT,
    -- The webhook's path.
    hook TEXT UNIQUE,
    heard_at BIGINT,
    -- When it was last fetched whole, and last tried.
    fetched_at BIGINT,
    tried_at BIGINT,
    problem TEXT,
    detail TEXT,
    failing_since BIGINT,
    failures BIGINT NOT NULL,
    -- Names that can't be a branch's or a tag's here.
    passed_over BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    wished_at BIGINT,
    lease_until BIGINT,
    UNIQUE (workspace_id, project_id),
    FOREIGN KEY (workspace_id, project_id) REFERENCES projects (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX remotes_due ON remotes (next_at);

CREATE TABLE replicas (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    internal_url TEXT,
    word_hash BYTEA NOT NULL,
    seen_at BIGINT NOT NULL
);

CREATE TABLE schema_versions (version BIGINT NOT NULL PRIMARY KEY, sha256 BYTEA NOT NULL);

CREATE TABLE second_factors (
    account_id UUID NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    secret BYTEA NOT NULL,
    last_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE servers (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    machine_id UUID REFERENCES machines (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL, sorted_as TEXT NOT NULL DEFAULT '',
    UNIQUE (workspace_id, id),
    UNIQUE (workspace_id, slug),
    UNIQUE (workspace_id, machine_id)
);

CREATE INDEX servers_by_machine ON servers (machine_id);

CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL UNIQUE,
    authenticated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
);

CREATE INDEX sessions_by_account ON sessions (account_id);

CREATE TABLE settings_change_parts (
    workspace_id UUID NOT NULL,
    change_id UUID NOT NULL,
    position BIGINT NOT NULL,
    setting TEXT NOT NULL CHECK (setting IN ('environment', 'domain', 'branch', 'health', 'memory', 'processor',
        'processes', 'disk', 'backup_schedule', 'visibility', 'protection', 'name')),
    name TEXT NOT NULL,
    turn TEXT NOT NULL CHECK (turn IN ('added', 'changed', 'removed')),
    before_value TEXT,
    after_value TEXT,
    is_secret BOOLEAN NOT NULL,
    PRIMARY KEY (change_id, position),
    FOREIGN KEY (workspace_id, change_id) REFERENCES settings_changes (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE settings_changes (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    revision BIGINT NOT NULL,
    account_id UUID NOT NULL,
    change TEXT NOT NULL,
    at BIGINT NOT NULL, needs_restart BOOLEAN NOT NULL DEFAULT TRUE, reverts_id UUID,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX settings_changes_by_instance ON settings_changes (instance_id, revision);

CREATE TABLE terminals (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    session_id UUID,
    created_at BIGINT NOT NULL,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX terminals_of_desk ON terminals (instance_id, account_id);

CREATE TABLE token_actions (
    token_id UUID NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    action TEXT NOT NULL,
    PRIMARY KEY (token_id, action)
);

CREATE TABLE token_workspaces (
    token_id UUID NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    PRIMARY KEY (token_id, workspace_id)
);

CREATE TABLE tokens (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    token_hash BYTEA NOT NULL UNIQUE,
    last4 TEXT NOT NULL,
    limits_actions BOOLEAN NOT NULL,
    limits_workspaces BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);

CREATE INDEX tokens_by_account ON tokens (account_id);

CREATE TABLE variables (
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    name TEXT NOT NULL,
    is_secret BOOLEAN NOT NULL,
    value TEXT,
    sealed BYTEA,
    PRIMARY KEY (instance_id, name),
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE working_copies (
    workspace_id UUID NOT NULL,
    instance_id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    branch TEXT NOT NULL,
    base_commit TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    PRIMARY KEY (instance_id, account_id),
    FOREIGN KEY (workspace_id, instance_id) REFERENCES instances (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX working_copies_of_workspace ON working_copies (workspace_id, instance_id);

CREATE TABLE workspace_keys (
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    PRIMARY KEY (workspace_id, version)
);

CREATE TABLE workspace_slugs (
    slug TEXT NOT NULL PRIMARY KEY,
    workspace_id UUID REFERENCES workspaces (id) ON DELETE SET NULL,
    is_current BOOLEAN NOT NULL,
    free_at BIGINT
);

CREATE UNIQUE INDEX workspace_slugs_current ON workspace_slugs (workspace_id) WHERE is_current;

CREATE TABLE workspaces (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    logo_id UUID,
    primary_color TEXT NOT NULL,
    revision BIGINT NOT NULL,
    audit_seq BIGINT NOT NULL,
    audit_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL
, requires_second_factor BOOLEAN NOT NULL DEFAULT FALSE, sorted_as TEXT NOT NULL DEFAULT '');

