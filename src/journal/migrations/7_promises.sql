-- Whom a notice was addressed to: the value of the owner tag, empty if there was none; NULL if that is not known.
ALTER TABLE promises ADD COLUMN owner TEXT;
UPDATE promises SET owner = (
    SELECT MIN(COALESCE(n.owner, '')) FROM notices n WHERE n.key = promises.key
    GROUP BY n.key HAVING MIN(COALESCE(n.owner, '')) = MAX(COALESCE(n.owner, ''))
);
