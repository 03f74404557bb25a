-- Of an authority's complete lists all but a few are over. Who looks for those that somebody may hold
-- walked all that were ever made.
CREATE INDEX crl_by_end ON crl (authority, subjects, places, next_update) WHERE base IS NULL;
