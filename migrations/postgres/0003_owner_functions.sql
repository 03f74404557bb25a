-- Two functions of triggers run with the rights of the ledger's owner, for they fill the tables to find
-- records and keys by. By default every role may put a function into a trigger of a table of its own,
-- whose rows and types it chooses. Whoever inserts into the ledger's tables needs no right to execute
-- them: that is asked for when a trigger is made.
REVOKE EXECUTE ON FUNCTION record_added(), authority_added() FROM PUBLIC;
