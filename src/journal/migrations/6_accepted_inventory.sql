-- What is known of each instance from the last accepted inventory that had it, as hashes. `gone_at`: since when the accepted
-- inventories do not have it; `missing`: whether the one that first did not was accepted although it lost more than it may.
CREATE TABLE known_instances (
    account TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    created_at BIGINT,
    fields TEXT NOT NULL,
    tags TEXT NOT NULL,
    spared BIGINT NOT NULL,
    gone_at BIGINT,
    missing BIGINT NOT NULL,
    PRIMARY KEY (account, instance_id)
);

-- The same of the inventory that was rejected last, if none was accepted since: an operator may accept just that one.
CREATE TABLE rejected_instances (
    account TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    created_at BIGINT,
    fields TEXT NOT NULL,
    tags TEXT NOT NULL,
    spared BIGINT NOT NULL,
    PRIMARY KEY (account, instance_id)
);

-- By which rules and config the inventories were judged, and what tells the rejected one from others. `believed_policy` is NULL as
-- long as an older version accepted the last one, of which only the counts are known.
ALTER TABLE listings ADD COLUMN believed_policy TEXT;
ALTER TABLE listings ADD COLUMN doubted_policy TEXT;
ALTER TABLE listings ADD COLUMN doubted_digest TEXT;
