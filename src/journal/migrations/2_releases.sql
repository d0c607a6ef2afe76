-- Machines that a rule with `action: release` takes: wanted when they are about to be terminated, intended before the call to
-- release them, ended after it.
CREATE TABLE releases (
    account TEXT NOT NULL,
    run TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    wanted_at BIGINT NOT NULL,
    intended_at BIGINT,
    outcome TEXT,
    code TEXT,
    request_id TEXT,
    message TEXT,
    ended_at BIGINT,
    PRIMARY KEY (account, run, instance_id)
);
CREATE INDEX releases_by_time ON releases (account, wanted_at);
