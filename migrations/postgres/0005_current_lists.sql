-- Of an authority's complete lists all but a few are over. Who looks for those that somebody may hold
-- walked all that were ever made. Without `places`: they may be longer than a row of an index, and of the
-- lists that are current few have others than those that are looked for.
CREATE INDEX crl_by_end ON crl (authority, subjects, next_update) WHERE base IS NULL;
