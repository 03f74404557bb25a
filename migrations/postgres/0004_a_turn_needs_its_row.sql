-- Without the row of `writer` nobody would wait for anybody, and two could write at once: whoever finds
-- none is refused, and nobody removes it.
CREATE OR REPLACE FUNCTION take_turn() RETURNS trigger
    LANGUAGE plpgsql SET search_path = espalier, pg_temp AS $$
BEGIN
    PERFORM 1 FROM writer WHERE id = 1 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'writer: the row by which writers take turns is not there';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER writer_stays BEFORE DELETE OR TRUNCATE ON writer
    FOR EACH STATEMENT EXECUTE FUNCTION only_grows();
