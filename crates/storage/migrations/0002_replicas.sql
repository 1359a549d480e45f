-- What a replica wrote into the folder of hosted repositories at its start is known by its hash: so the others see
-- whether they have the same folder. Nothing was ever written into the table as it was.

DROP TABLE replicas;

CREATE TABLE replicas (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    internal_url TEXT,
    word_hash BYTEA NOT NULL,
    seen_at BIGINT NOT NULL
);
