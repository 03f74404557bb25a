-- The issuance ledger. Rows are added, never changed: triggers refuse UPDATE, DELETE and TRUNCATE.
-- Times: *_at, at and until in microseconds since 1970 UTC; not_before, not_after, invalidity_date,
-- *_update and settled_at in seconds.
--
-- Whoever applies this owns everything; servers use a role that may SELECT and INSERT only
-- (`espalier ledger grants`). Runs with search_path = espalier, pg_temp: temporary tables come last,
-- so that no session puts one before a table of the ledger.

-- One transaction at a time writes to the ledger, over all servers: positions have no gaps, and the
-- rules for keys see every row that was there before. Each takes its turn by updating this row.
CREATE TABLE writer (
    id   BIGINT PRIMARY KEY CHECK (id = 1),
    turn BIGINT NOT NULL
);
INSERT INTO writer (id, turn) VALUES (1, 0);

CREATE TABLE authority (
    id                BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (id > 0),
    name              TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    algorithm         TEXT   NOT NULL CHECK (length(algorithm) BETWEEN 1 AND 128),
    key_digest        BYTEA  NOT NULL CHECK (length(key_digest) = 32),
    -- NULL where it was not noted (ledgers of older releases)
    component_digests BYTEA
        CHECK (length(component_digests) % 32 = 0 AND length(component_digests) <= 128),
    parent            BIGINT REFERENCES authority (id) CHECK (parent < id),
    created_at        BIGINT NOT NULL
);

CREATE TABLE authority_certificate (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (id > 0),
    authority   BIGINT NOT NULL REFERENCES authority (id),
    fingerprint BYTEA  NOT NULL CHECK (length(fingerprint) = 32),
    certificate BYTEA  NOT NULL CHECK (length(certificate) > 0),
    added_at    BIGINT NOT NULL,
    UNIQUE (authority, fingerprint)
);

CREATE TABLE record (
    id                BIGINT PRIMARY KEY CHECK (id > 0),
    authority         BIGINT NOT NULL REFERENCES authority (id),
    position          BIGINT NOT NULL CHECK (position > 0),
    serial            BYTEA  NOT NULL UNIQUE
                      CHECK (length(serial) = 20 AND get_byte(serial, 0) BETWEEN 64 AND 127),
    profile           TEXT   NOT NULL CHECK (length(profile) BETWEEN 1 AND 64),
    requester         TEXT COLLATE "C" NOT NULL CHECK (length(requester) BETWEEN 1 AND 512),
    idempotency_key   TEXT COLLATE "C" CHECK (length(idempotency_key) BETWEEN 1 AND 256),
    body_digest       BYTEA  CHECK (length(body_digest) = 32),
    tbs_digest        BYTEA  NOT NULL CHECK (length(tbs_digest) = 32),
    subject           TEXT   NOT NULL CHECK (length(subject) <= 4096),
    names             TEXT   NOT NULL CHECK (jsonb_typeof(names::jsonb) = 'array'),
    algorithm         TEXT   NOT NULL CHECK (length(algorithm) BETWEEN 1 AND 128),
    key_digest        BYTEA  NOT NULL CHECK (length(key_digest) = 32),
    component_digests BYTEA  NOT NULL
        CHECK (length(component_digests) % 32 = 0 AND length(component_digests) <= 128),
    -- NULL where it was not noted (ledgers of older releases), as in the next two
    for_authority     BOOLEAN,
    -- 0: no other record may have the key. 1: records of the same whole key may.
    key_reuse         BIGINT CHECK (key_reuse IN (0, 1)),
    -- The URIs of cRLDistributionPoints: which sharded CRLs speak of the certificate.
    crl_places        TEXT   CHECK (jsonb_typeof(crl_places::jsonb) = 'array'),
    not_before        BIGINT NOT NULL,
    not_after         BIGINT NOT NULL CHECK (not_after >= not_before),
    recorded_at       BIGINT NOT NULL,
    UNIQUE (authority, position),
    CHECK ((idempotency_key IS NULL) = (body_digest IS NULL))
);

-- Indexes have at most 2704 octets a row, requester and key together may have more. The database
-- is UTF-8 for ever, so this is immutable.
CREATE FUNCTION text_digest(value TEXT) RETURNS BYTEA
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN sha256(convert_to(value, 'UTF8'));

-- As SQLite's: upper-case hexadecimal digits.
CREATE FUNCTION hex(value BYTEA) RETURNS TEXT
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN upper(encode(value, 'hex'));

CREATE UNIQUE INDEX record_by_idempotency_key
    ON record (text_digest(requester), text_digest(idempotency_key))
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX record_by_expiry ON record (not_after);

-- The names and key digests of a record once more, one a row, to find them by. Only the trigger
-- below writes here.
CREATE TABLE record_name (
    name   TEXT COLLATE "C" NOT NULL,
    record BIGINT NOT NULL REFERENCES record (id)
);
CREATE INDEX record_name_by_name ON record_name USING hash (name);

CREATE TABLE record_key (
    digest BYTEA  NOT NULL CHECK (length(digest) = 32),
    record BIGINT NOT NULL REFERENCES record (id),
    PRIMARY KEY (digest, record)
);

-- The key digests of an authority, one a row. Only the trigger below writes here.
CREATE TABLE authority_key (
    digest    BYTEA  NOT NULL CHECK (length(digest) = 32),
    authority BIGINT NOT NULL REFERENCES authority (id),
    PRIMARY KEY (digest, authority)
);
CREATE INDEX authority_key_by_authority ON authority_key (authority);

-- Keys that are never certified again: whole keys or components, known before or not.
-- Reasons here and below: RFC 5280 section 5.3.1 without certificateHold (6) and removeFromCRL (8),
-- which would take a revocation back.
CREATE TABLE blocked_key (
    digest     BYTEA  PRIMARY KEY CHECK (length(digest) = 32),
    reason     BIGINT NOT NULL CHECK (reason IN (0, 1, 2, 3, 4, 5, 9, 10)),
    blocked_at BIGINT NOT NULL,
    blocked_by TEXT   NOT NULL CHECK (length(blocked_by) BETWEEN 1 AND 512)
);

CREATE TABLE certificate (
    record      BIGINT PRIMARY KEY REFERENCES record (id),
    fingerprint BYTEA  NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
    certificate BYTEA  NOT NULL CHECK (length(certificate) > 0),
    stored_at   BIGINT NOT NULL
);
-- Keys and signatures can't be compressed.
ALTER TABLE certificate ALTER COLUMN certificate SET STORAGE EXTERNAL;

CREATE TABLE revocation (
    record          BIGINT PRIMARY KEY REFERENCES record (id),
    authority       BIGINT NOT NULL REFERENCES authority (id),
    position        BIGINT NOT NULL CHECK (position > 0),
    reason          BIGINT NOT NULL CHECK (reason IN (0, 1, 2, 3, 4, 5, 9, 10)),
    invalidity_date BIGINT,
    revoked_at      BIGINT NOT NULL,
    revoked_by      TEXT   NOT NULL CHECK (length(revoked_by) BETWEEN 1 AND 512),
    UNIQUE (authority, position)
);

-- A CRL: its number is reserved here and committed before it is signed. `since` and `through` are
-- positions of revocations: the list has those behind the one, up to the other. Those up to
-- `settled_through` whose certificates had expired before `settled_at` stood on an earlier list
-- that was made after they expired, and are left out.
CREATE TABLE crl (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (id > 0),
    authority       BIGINT NOT NULL REFERENCES authority (id),
    number          BIGINT NOT NULL CHECK (number > 0),
    -- 0: all, 1: end entities, 2: authorities
    subjects        BIGINT NOT NULL CHECK (subjects IN (0, 1, 2)),
    places          TEXT COLLATE "C" NOT NULL CHECK (jsonb_typeof(places::jsonb) = 'array'),
    -- the number of the complete list that a delta changes
    base            BIGINT CHECK (base BETWEEN 1 AND number - 1),
    since           BIGINT NOT NULL CHECK (since >= 0),
    through         BIGINT NOT NULL CHECK (through >= since),
    settled_through BIGINT NOT NULL CHECK (settled_through BETWEEN 0 AND through),
    settled_at      BIGINT NOT NULL,
    this_update     BIGINT NOT NULL,
    next_update     BIGINT NOT NULL CHECK (next_update > this_update),
    UNIQUE (authority, number)
);

-- A CRL that was signed. Its bytes are kept elsewhere, and found by their fingerprint.
CREATE TABLE crl_list (
    crl         BIGINT PRIMARY KEY REFERENCES crl (id),
    fingerprint BYTEA  NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
    entries     BIGINT NOT NULL CHECK (entries >= 0),
    octets      BIGINT NOT NULL CHECK (octets > 0),
    stored_at   BIGINT NOT NULL
);

-- Who did what to what, when, from where, and how it went.
CREATE TABLE audit_event (
    position   BIGINT PRIMARY KEY CHECK (position > 0),
    at         BIGINT NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL CHECK (length(request_id) BETWEEN 1 AND 128),
    actor      TEXT COLLATE "C" NOT NULL CHECK (length(actor) BETWEEN 1 AND 512),
    action     TEXT COLLATE "C" NOT NULL CHECK (length(action) BETWEEN 1 AND 64),
    subject    TEXT COLLATE "C" CHECK (length(subject) BETWEEN 1 AND 512),
    address    TEXT COLLATE "C" CHECK (length(address) BETWEEN 1 AND 128),
    -- NULL when it was done
    problem    TEXT   CHECK (length(problem) BETWEEN 1 AND 256)
);
CREATE INDEX audit_event_by_subject ON audit_event (subject, position);
CREATE INDEX audit_event_by_actor ON audit_event (actor, position);
CREATE INDEX audit_event_by_request ON audit_event (request_id);

-- API tokens, without their secrets.
CREATE TABLE token (
    number        BIGINT PRIMARY KEY CHECK (number > 0),
    id            TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
    name          TEXT   NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    secret_digest BYTEA  NOT NULL UNIQUE CHECK (length(secret_digest) = 32),
    scope         TEXT   NOT NULL CHECK (jsonb_typeof(scope::jsonb) = 'object'),
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL CHECK (expires_at > created_at),
    created_by    TEXT   NOT NULL CHECK (length(created_by) BETWEEN 1 AND 512)
);

CREATE TABLE token_revocation (
    token      BIGINT PRIMARY KEY REFERENCES token (number),
    revoked_at BIGINT NOT NULL,
    revoked_by TEXT   NOT NULL CHECK (length(revoked_by) BETWEEN 1 AND 512)
);

-- Which process does what only one should do. These rows change, and tell nothing of certificates.
CREATE TABLE lease (
    name   TEXT COLLATE "C" PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
    holder TEXT   NOT NULL CHECK (length(holder) BETWEEN 1 AND 128),
    until  BIGINT NOT NULL,
    term   BIGINT NOT NULL CHECK (term > 0)
);

CREATE FUNCTION only_grows() RETURNS trigger
    LANGUAGE plpgsql SET search_path = espalier, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%: the ledger only grows; % is refused', TG_TABLE_NAME, TG_OP;
END $$;

-- Whoever did not take the turn before, a shell for example, takes it with the first INSERT.
CREATE FUNCTION take_turn() RETURNS trigger
    LANGUAGE plpgsql SET search_path = espalier, pg_temp AS $$
BEGIN
    PERFORM 1 FROM writer WHERE id = 1 FOR UPDATE;
    RETURN NULL;
END $$;

-- What was added is looked at as a set: one look for a batch of any size. The rows are in their
-- table by then.

-- A key belongs to one whole key for ever (draft-ietf-lamps-pq-composite-sigs, "Key Reuse"), and is
-- an authority's or an end entity's. The first record that has a digest decides. Who has a component
-- besides the whole key itself must have the same components in all.
CREATE FUNCTION record_added() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = espalier, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT authority, min(position) AS first, max(position) AS last,
                                     count(*) AS number
                                FROM added GROUP BY authority) a
                WHERE a.last - a.first + 1 <> a.number
                   OR (a.first > 1 AND NOT EXISTS (SELECT 1 FROM record r
                                                    WHERE r.authority = a.authority
                                                      AND r.position = a.first - 1))) THEN
        RAISE EXCEPTION 'record: positions of an authority follow each other without a gap';
    END IF;
    IF EXISTS (SELECT 1 FROM record r WHERE r.id >= (SELECT min(id) FROM added)
                  AND r.id NOT IN (SELECT id FROM added)) THEN
        RAISE EXCEPTION 'record: ids only grow';
    END IF;
    INSERT INTO record_name (name, record)
         SELECT DISTINCT n.value, a.id
           FROM added a, jsonb_array_elements_text(a.names::jsonb) AS n (value);
    INSERT INTO record_key (digest, record)
         SELECT key_digest, id FROM added
          UNION
         SELECT substr(component_digests, 1 + 32 * n, 32), id
           FROM added, generate_series(0, 3) n
          WHERE 32 * n < length(component_digests);
    -- Most ledgers have no blocked key; then nothing is looked up.
    IF EXISTS (SELECT 1 FROM blocked_key) THEN
        IF EXISTS (SELECT 1 FROM added a
                     CROSS JOIN LATERAL (
                         SELECT a.key_digest AS digest
                          UNION ALL
                         SELECT substr(a.component_digests, 1 + 32 * n, 32)
                           FROM generate_series(0, 3) n
                          WHERE 32 * n < length(a.component_digests)) d
                     JOIN blocked_key b ON b.digest = d.digest)
           OR EXISTS (SELECT 1 FROM added a
                        JOIN authority_key k ON k.authority = a.authority
                        JOIN blocked_key b ON b.digest = k.digest) THEN
            RAISE EXCEPTION 'record: a key of it or of its authority is blocked';
        END IF;
    END IF;
    IF EXISTS (SELECT 1 FROM added a
                 CROSS JOIN LATERAL (
                     SELECT a.key_digest AS digest
                      UNION ALL
                     SELECT substr(a.component_digests, 1 + 32 * n, 32)
                       FROM generate_series(0, 3) n
                      WHERE 32 * n < length(a.component_digests)) d
                WHERE EXISTS (SELECT 1 FROM authority_key k JOIN authority o ON o.id = k.authority
                               WHERE k.digest = d.digest
                                 AND (a.for_authority IS NOT TRUE OR o.key_digest <> a.key_digest
                                      OR (d.digest <> o.key_digest
                                          AND o.component_digests <> a.component_digests)))
                   OR EXISTS (SELECT 1 FROM record r
                               WHERE r.id = (SELECT min(k.record) FROM record_key k
                                              WHERE k.digest = d.digest)
                                 AND (r.key_digest <> a.key_digest
                                      OR r.for_authority <> a.for_authority
                                      OR (d.digest <> r.key_digest
                                          AND r.component_digests <> a.component_digests)))) THEN
        RAISE EXCEPTION 'record: a key of it is an authority''s, or part of another key';
    END IF;
    IF EXISTS (SELECT 1 FROM added a
                WHERE a.key_reuse = 0
                  AND (SELECT min(k.record) FROM record_key k WHERE k.digest = a.key_digest) < a.id)
    THEN
        RAISE EXCEPTION 'record: its key was certified before';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION authority_added() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = espalier, pg_temp AS $$
BEGIN
    INSERT INTO authority_key (digest, authority)
         SELECT key_digest, id FROM added
          UNION
         SELECT substr(component_digests, 1 + 32 * n, 32), id
           FROM added, generate_series(0, 3) n
          WHERE 32 * n < length(component_digests);
    IF EXISTS (SELECT 1 FROM added a JOIN authority_key k ON k.authority = a.id
                 JOIN blocked_key b ON b.digest = k.digest) THEN
        RAISE EXCEPTION 'authority: a key of it is blocked';
    END IF;
    IF EXISTS (SELECT 1 FROM added a JOIN authority_key k ON k.authority = a.id
                 JOIN authority_key o ON o.digest = k.digest AND o.authority <> a.id) THEN
        RAISE EXCEPTION 'authority: a key of it is another authority''s';
    END IF;
    IF EXISTS (SELECT 1 FROM added a JOIN authority_key k ON k.authority = a.id
                 JOIN record r ON r.id = (SELECT min(f.record) FROM record_key f
                                           WHERE f.digest = k.digest)
                WHERE r.key_digest <> a.key_digest OR NOT r.for_authority) THEN
        RAISE EXCEPTION
            'authority: a key of it was certified for an end entity, or as part of another key';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION certificate_added() RETURNS trigger
    LANGUAGE plpgsql SET search_path = espalier, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added a JOIN revocation v ON v.record = a.record) THEN
        RAISE EXCEPTION 'certificate: the record is revoked; its certificate is not released';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION revocation_added() RETURNS trigger
    LANGUAGE plpgsql SET search_path = espalier, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added a JOIN record r ON r.id = a.record
                WHERE r.authority <> a.authority) THEN
        RAISE EXCEPTION 'revocation: it belongs to the authority of its record';
    END IF;
    IF EXISTS (SELECT 1 FROM (SELECT authority, min(position) AS first, max(position) AS last,
                                     count(*) AS number
                                FROM added GROUP BY authority) a
                WHERE a.last - a.first + 1 <> a.number
                   OR (a.first > 1 AND NOT EXISTS (SELECT 1 FROM revocation v
                                                    WHERE v.authority = a.authority
                                                      AND v.position = a.first - 1))) THEN
        RAISE EXCEPTION 'revocation: positions of an authority follow each other without a gap';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION audit_event_added() RETURNS trigger
    LANGUAGE plpgsql SET search_path = espalier, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT min(position) AS first, max(position) AS last,
                                     count(*) AS number FROM added) a
                WHERE a.last - a.first + 1 <> a.number
                   OR (a.first > 1 AND NOT EXISTS (SELECT 1 FROM audit_event e
                                                    WHERE e.position = a.first - 1))) THEN
        RAISE EXCEPTION 'audit_event: positions follow each other without a gap';
    END IF;
    RETURN NULL;
END $$;

-- One row at a time, looked at before it is in the table. A list leaves nothing out but what expired
-- and stood on a complete list of its scope since.
CREATE FUNCTION crl_adding() RETURNS trigger
    LANGUAGE plpgsql SET search_path = espalier, pg_temp AS $$
BEGIN
    IF NEW.number <= (SELECT max(number) FROM crl WHERE authority = NEW.authority) THEN
        RAISE EXCEPTION 'crl: numbers of an authority only grow';
    END IF;
    IF NEW.through <> (SELECT coalesce(max(position), 0) FROM revocation
                        WHERE authority = NEW.authority) THEN
        RAISE EXCEPTION 'crl: a list ends at the latest revocation of its authority';
    END IF;
    IF NEW.base IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM crl b JOIN crl_list l ON l.crl = b.id
                        WHERE b.authority = NEW.authority AND b.number = NEW.base
                          AND b.base IS NULL AND b.through = NEW.since
                          AND b.subjects = NEW.subjects AND b.places = NEW.places) THEN
        RAISE EXCEPTION 'crl: a delta changes a complete list of the same scope that was stored';
    END IF;
    IF NEW.base IS NULL AND NEW.since <> 0 THEN
        RAISE EXCEPTION 'crl: a complete list starts at the first revocation';
    END IF;
    IF NEW.settled_through <> 0
       AND (NEW.base IS NOT NULL
            OR NOT EXISTS (SELECT 1 FROM crl b JOIN crl_list l ON l.crl = b.id
                            WHERE b.authority = NEW.authority AND b.base IS NULL
                              AND b.subjects = NEW.subjects AND b.places = NEW.places
                              AND b.through = NEW.settled_through
                              AND b.this_update = NEW.settled_at)) THEN
        RAISE EXCEPTION 'crl: what is left out stood on a stored complete list of the same scope';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER record_added AFTER INSERT ON record
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION record_added();
CREATE TRIGGER authority_added AFTER INSERT ON authority
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION authority_added();
CREATE TRIGGER certificate_added AFTER INSERT ON certificate
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION certificate_added();
CREATE TRIGGER revocation_added AFTER INSERT ON revocation
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION revocation_added();
CREATE TRIGGER audit_event_added AFTER INSERT ON audit_event
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_event_added();
CREATE TRIGGER crl_adding BEFORE INSERT ON crl
    FOR EACH ROW EXECUTE FUNCTION crl_adding();

DO $$
DECLARE
    place TEXT;
BEGIN
    FOREACH place IN ARRAY ARRAY['authority', 'authority_certificate', 'record', 'record_name',
            'record_key', 'authority_key', 'blocked_key', 'certificate', 'revocation', 'crl',
            'crl_list', 'audit_event', 'token', 'token_revocation']
    LOOP
        EXECUTE format('CREATE TRIGGER %1$s_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION only_grows()', place);
        EXECUTE format('CREATE TRIGGER %1$s_in_turn BEFORE INSERT ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION take_turn()', place);
    END LOOP;
END $$;
