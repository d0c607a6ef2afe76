-- Times are milliseconds since 1970-01-01T00:00:00Z. Only TEXT and BIGINT, so that SQLite and PostgreSQL read the same.

CREATE TABLE runs (
    account TEXT NOT NULL,
    run TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    mode TEXT NOT NULL,
    version TEXT NOT NULL,
    rules_digest TEXT NOT NULL,
    config_digest TEXT NOT NULL,
    ended_at BIGINT,
    result TEXT,
    guard TEXT,
    detail TEXT,
    PRIMARY KEY (account, run)
);
CREATE INDEX runs_by_time ON runs (started_at);

-- What the last complete listings of an account looked like.
CREATE TABLE listings (
    account TEXT NOT NULL PRIMARY KEY,
    believed_at BIGINT,
    believed_live BIGINT,
    believed_tags BIGINT,
    doubted_at BIGINT,
    doubted_live BIGINT,
    doubted_tags BIGINT
);

-- Decisions that changed.
CREATE TABLE decisions (
    account TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    run TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    name TEXT,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    rule TEXT,
    terminate_at BIGINT,
    PRIMARY KEY (account, instance_id, run)
);
CREATE INDEX decisions_by_time ON decisions (decided_at);

-- The last decision on each machine that a rule touches.
CREATE TABLE standing (
    account TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    rule TEXT NOT NULL,
    PRIMARY KEY (account, instance_id)
);

-- Calls to terminate: written before the call; the outcome after it.
CREATE TABLE intents (
    account TEXT NOT NULL,
    run TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    intended_at BIGINT NOT NULL,
    name TEXT,
    owner TEXT,
    rule TEXT NOT NULL,
    why TEXT NOT NULL,
    due_at BIGINT,
    tags BIGINT NOT NULL,
    recoverable BIGINT NOT NULL,
    record TEXT NOT NULL,
    outcome TEXT,
    code TEXT,
    request_id TEXT,
    message TEXT,
    ended_at BIGINT,
    verified TEXT,
    verified_at BIGINT,
    PRIMARY KEY (account, run, instance_id)
);
CREATE INDEX intents_by_time ON intents (account, intended_at);
CREATE INDEX intents_by_machine ON intents (instance_id);

CREATE TABLE holds (
    account TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    since BIGINT NOT NULL,
    held_until BIGINT NOT NULL,
    reason TEXT,
    by_whom TEXT,
    ended_at BIGINT,
    PRIMARY KEY (account, instance_id, kind, since)
);

-- What the owners of machines were promised. A promise without `ended_at` stands.
CREATE TABLE promises (
    key TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    terminate_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_as TEXT
);
CREATE INDEX promises_by_machine ON promises (account, instance_id);

-- What is to be told, once for each sink; `batch` is set when it is about to be sent.
CREATE TABLE notices (
    key TEXT NOT NULL,
    sink TEXT NOT NULL,
    account TEXT NOT NULL,
    stage TEXT NOT NULL,
    owner TEXT,
    body TEXT NOT NULL,
    written_at BIGINT NOT NULL,
    batch TEXT,
    failures BIGINT NOT NULL,
    sent_at BIGINT,
    PRIMARY KEY (key, sink)
);
CREATE INDEX notices_unsent ON notices (account, sent_at);

CREATE TABLE pauses (
    since BIGINT NOT NULL,
    paused_until BIGINT,
    reason TEXT,
    by_whom TEXT,
    resumed_at BIGINT
);

-- What operators did.
CREATE TABLE acts (
    acted_at BIGINT NOT NULL,
    act TEXT NOT NULL,
    account TEXT,
    instance_id TEXT,
    by_whom TEXT,
    detail TEXT
);
CREATE INDEX acts_by_time ON acts (acted_at);
