-- What ends next, and what has ended, is asked again and again: only of grants that end at all.

CREATE INDEX member_actions_ending ON member_actions (until_at) WHERE until_at IS NOT NULL;
CREATE INDEX member_projects_ending ON member_projects (until_at) WHERE until_at IS NOT NULL;
CREATE INDEX member_instances_ending ON member_instances (until_at) WHERE until_at IS NOT NULL;
CREATE INDEX member_servers_ending ON member_servers (until_at) WHERE until_at IS NOT NULL;
