-- The keys of the tags that machines had at the last believed inventory of an account: a JSON list, or NULL if they were too many to remember.
CREATE TABLE tag_keys (
    account TEXT NOT NULL PRIMARY KEY,
    listed_at BIGINT NOT NULL,
    keys TEXT
);
