-- Who acts on an account: one process at a time. `owner` names the process for programs, `holder` for people; `epoch` grows each time the
-- lease is taken. `expires_at` goes by the clock of the database.
CREATE TABLE leases (
    account TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    holder TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    taken_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
-- The epoch of the lease under which a call was made.
ALTER TABLE intents ADD COLUMN epoch BIGINT;
ALTER TABLE releases ADD COLUMN epoch BIGINT;
-- Each intent asks whether its instance is held.
CREATE INDEX holds_by_instance ON holds (instance_id);
