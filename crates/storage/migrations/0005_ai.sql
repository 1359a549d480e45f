-- Whose models a workspace asks. The key is sealed, and bound to the provider and the address that it was given for.
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

-- What was asked, by member and day: the day's first moment.
CREATE TABLE ai_usage (
    workspace_id UUID NOT NULL,
    member_id UUID NOT NULL,
    day_at BIGINT NOT NULL,
    feature TEXT NOT NULL,
    requests BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, member_id, day_at, feature),
    FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX ai_usage_by_day ON ai_usage (workspace_id, day_at);
