-- What was done last is asked for again and again, of all accounts at once.
CREATE INDEX intents_by_instant ON intents (intended_at);
CREATE INDEX releases_by_instant ON releases (intended_at);
CREATE INDEX promises_by_instant ON promises (begun_at);
CREATE INDEX holds_by_instant ON holds (since);
