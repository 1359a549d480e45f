-- What was asked of AI, by account and day: whoever pays for it keeps the record when somebody leaves. The name is the one
-- that the account had as a member, and the member the last one that it was.
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

INSERT INTO ai_consumption (workspace_id, account_id, day_at, feature, member_id, name, requests, input_tokens,
        output_tokens)
    SELECT u.workspace_id, m.account_id, u.day_at, u.feature, u.member_id, a.name, u.requests, u.input_tokens,
        u.output_tokens
    FROM ai_usage u JOIN members m ON m.workspace_id = u.workspace_id AND m.id = u.member_id
    JOIN accounts a ON a.id = m.account_id;
DROP TABLE ai_usage;
