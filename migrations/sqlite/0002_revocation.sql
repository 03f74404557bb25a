-- Revocation by key and authority, the key registry's rules, and the series of CRLs.
-- Times: *_at in microseconds since 1970 UTC; invalidity_date, *_update and settled_at in seconds,
-- as certificates and CRLs have them.

-- Rows from before this migration have NULL in the new columns of record: nobody noted it then.
ALTER TABLE record ADD COLUMN for_authority INTEGER CHECK (for_authority IN (0, 1));
-- 0: no other record may have the key. 1: records of the same whole key may.
ALTER TABLE record ADD COLUMN key_reuse INTEGER CHECK (key_reuse IN (0, 1));
-- The URIs of cRLDistributionPoints: which sharded CRLs speak of the certificate.
ALTER TABLE record ADD COLUMN crl_places TEXT
    CHECK (json_valid(crl_places) AND json_type(crl_places) = 'array');

-- Component keys of the authority, as record has them.
ALTER TABLE authority ADD COLUMN component_digests BLOB
    CHECK (length(component_digests) % 32 = 0 AND length(component_digests) <= 128);

-- The key digests of an authority, one a row. Only the trigger below writes here.
CREATE TABLE authority_key (
    digest    BLOB    NOT NULL CHECK (length(digest) = 32),
    authority INTEGER NOT NULL REFERENCES authority (id),
    PRIMARY KEY (digest, authority)
) STRICT, WITHOUT ROWID;

CREATE INDEX authority_key_by_authority ON authority_key (authority);

-- Component keys of older authorities stand in the records of their own certificates.
INSERT INTO authority_key (digest, authority)
     SELECT key_digest, id FROM authority
      UNION
     SELECT part.digest, a.id
       FROM authority a
       JOIN record_key whole ON whole.digest = a.key_digest
       JOIN record r ON r.id = whole.record AND r.key_digest = a.key_digest
       JOIN record_key part ON part.record = r.id;

-- Keys that are never certified again: whole keys or components, known before or not.
CREATE TABLE blocked_key (
    digest     BLOB    PRIMARY KEY CHECK (length(digest) = 32),
    reason     INTEGER NOT NULL CHECK (reason IN (0, 1, 2, 3, 4, 5, 9, 10)),
    blocked_at INTEGER NOT NULL,
    blocked_by TEXT    NOT NULL CHECK (length(blocked_by) BETWEEN 1 AND 512)
) STRICT, WITHOUT ROWID;

-- Revocations get a place in their authority's order, and the invalidity date of RFC 5280 section
-- 5.3.2. SQLite can't add a column that must be filled, so the table is made again.
CREATE TABLE revocation_0001 (
    record     INTEGER PRIMARY KEY,
    reason     INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL,
    revoked_by TEXT    NOT NULL
) STRICT;
INSERT INTO revocation_0001 SELECT record, reason, revoked_at, revoked_by FROM revocation;
DROP TABLE revocation;

-- Reasons: RFC 5280 section 5.3.1 without certificateHold (6) and removeFromCRL (8), which would
-- take a revocation back.
CREATE TABLE revocation (
    record          INTEGER PRIMARY KEY REFERENCES record (id),
    authority       INTEGER NOT NULL REFERENCES authority (id),
    position        INTEGER NOT NULL CHECK (position > 0),
    reason          INTEGER NOT NULL CHECK (reason IN (0, 1, 2, 3, 4, 5, 9, 10)),
    invalidity_date INTEGER,
    revoked_at      INTEGER NOT NULL,
    revoked_by      TEXT    NOT NULL CHECK (length(revoked_by) BETWEEN 1 AND 512),
    UNIQUE (authority, position)
) STRICT;

INSERT INTO revocation (record, authority, position, reason, revoked_at, revoked_by)
     SELECT v.record, r.authority,
            row_number() OVER (PARTITION BY r.authority ORDER BY v.revoked_at, v.record),
            v.reason, v.revoked_at, v.revoked_by
       FROM revocation_0001 v JOIN record r ON r.id = v.record;
DROP TABLE revocation_0001;

-- A CRL: its number is reserved here and committed before it is signed. `since` and `through` are
-- positions of revocations: the list has those behind the one, up to the other. Those up to
-- `settled_through` whose certificates had expired before `settled_at` stood on an earlier list
-- that was made after they expired, and are left out.
CREATE TABLE crl (
    id              INTEGER PRIMARY KEY CHECK (id > 0),
    authority       INTEGER NOT NULL REFERENCES authority (id),
    number          INTEGER NOT NULL CHECK (number > 0),
    -- 0: all, 1: end entities, 2: authorities
    subjects        INTEGER NOT NULL CHECK (subjects IN (0, 1, 2)),
    places          TEXT    NOT NULL CHECK (json_valid(places) AND json_type(places) = 'array'),
    -- the number of the complete list that a delta changes
    base            INTEGER CHECK (base BETWEEN 1 AND number - 1),
    since           INTEGER NOT NULL CHECK (since >= 0),
    through         INTEGER NOT NULL CHECK (through >= since),
    settled_through INTEGER NOT NULL CHECK (settled_through BETWEEN 0 AND through),
    settled_at      INTEGER NOT NULL,
    this_update     INTEGER NOT NULL,
    next_update     INTEGER NOT NULL CHECK (next_update > this_update),
    UNIQUE (authority, number)
) STRICT;

CREATE INDEX crl_by_series ON crl (authority, subjects, places, number);

-- A CRL that was signed. Its bytes are kept elsewhere, and found by their fingerprint.
CREATE TABLE crl_list (
    crl         INTEGER PRIMARY KEY REFERENCES crl (id),
    fingerprint BLOB    NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
    entries     INTEGER NOT NULL CHECK (entries >= 0),
    octets      INTEGER NOT NULL CHECK (octets > 0),
    stored_at   INTEGER NOT NULL
) STRICT;

-- A key belongs to one whole key for ever (draft-ietf-lamps-pq-composite-sigs, "Key Reuse"), and is
-- an authority's or an end entity's. The first record that has a digest decides.
CREATE TRIGGER record_reuse_guard BEFORE INSERT ON record BEGIN
    SELECT RAISE(ABORT, 'record: a key of it is blocked')
     WHERE EXISTS (SELECT 1 FROM blocked_key
                    WHERE digest IN (NEW.key_digest,
                                     substr(NEW.component_digests, 1, 32),
                                     substr(NEW.component_digests, 33, 32),
                                     substr(NEW.component_digests, 65, 32),
                                     substr(NEW.component_digests, 97, 32)));
    SELECT RAISE(ABORT, 'record: a key of its authority is blocked')
     WHERE EXISTS (SELECT 1 FROM authority_key k JOIN blocked_key b ON b.digest = k.digest
                    WHERE k.authority = NEW.authority);
    SELECT RAISE(ABORT, 'record: a key of it is an authority''s')
     WHERE EXISTS (SELECT 1 FROM authority_key k JOIN authority a ON a.id = k.authority
                    WHERE k.digest IN (NEW.key_digest,
                                       substr(NEW.component_digests, 1, 32),
                                       substr(NEW.component_digests, 33, 32),
                                       substr(NEW.component_digests, 65, 32),
                                       substr(NEW.component_digests, 97, 32))
                      AND (NEW.for_authority IS NOT 1 OR a.key_digest <> NEW.key_digest));
    SELECT RAISE(ABORT, 'record: a key of it is part of another key')
     WHERE EXISTS (SELECT 1 FROM record r
                    WHERE r.id IN ((SELECT min(record) FROM record_key
                                     WHERE digest = NEW.key_digest),
                                   (SELECT min(record) FROM record_key
                                     WHERE digest = substr(NEW.component_digests, 1, 32)),
                                   (SELECT min(record) FROM record_key
                                     WHERE digest = substr(NEW.component_digests, 33, 32)),
                                   (SELECT min(record) FROM record_key
                                     WHERE digest = substr(NEW.component_digests, 65, 32)),
                                   (SELECT min(record) FROM record_key
                                     WHERE digest = substr(NEW.component_digests, 97, 32)))
                      AND (r.key_digest <> NEW.key_digest
                           OR r.for_authority <> NEW.for_authority));
    SELECT RAISE(ABORT, 'record: its key was certified before')
     WHERE NEW.key_reuse = 0
       AND EXISTS (SELECT 1 FROM record_key WHERE digest = NEW.key_digest);
END;

CREATE TRIGGER authority_reuse_guard BEFORE INSERT ON authority BEGIN
    SELECT RAISE(ABORT, 'authority: a key of it is blocked')
     WHERE EXISTS (SELECT 1 FROM blocked_key
                    WHERE digest IN (NEW.key_digest,
                                     substr(NEW.component_digests, 1, 32),
                                     substr(NEW.component_digests, 33, 32),
                                     substr(NEW.component_digests, 65, 32),
                                     substr(NEW.component_digests, 97, 32)));
    SELECT RAISE(ABORT, 'authority: a key of it is another authority''s')
     WHERE EXISTS (SELECT 1 FROM authority_key
                    WHERE digest IN (NEW.key_digest,
                                     substr(NEW.component_digests, 1, 32),
                                     substr(NEW.component_digests, 33, 32),
                                     substr(NEW.component_digests, 65, 32),
                                     substr(NEW.component_digests, 97, 32)));
    SELECT RAISE(ABORT, 'authority: a key of it was certified for an end entity, or as part of another key')
     WHERE EXISTS (SELECT 1 FROM record r
                    WHERE r.id IN ((SELECT min(record) FROM record_key
                                     WHERE digest = NEW.key_digest),
                                   (SELECT min(record) FROM record_key
                                     WHERE digest = substr(NEW.component_digests, 1, 32)),
                                   (SELECT min(record) FROM record_key
                                     WHERE digest = substr(NEW.component_digests, 33, 32)),
                                   (SELECT min(record) FROM record_key
                                     WHERE digest = substr(NEW.component_digests, 65, 32)),
                                   (SELECT min(record) FROM record_key
                                     WHERE digest = substr(NEW.component_digests, 97, 32)))
                      AND (r.key_digest <> NEW.key_digest OR r.for_authority = 0));
END;

CREATE TRIGGER authority_index AFTER INSERT ON authority BEGIN
    INSERT INTO authority_key (digest, authority)
         SELECT NEW.key_digest, NEW.id
          UNION
         SELECT substr(NEW.component_digests, 1 + 32 * n, 32), NEW.id
           FROM (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3)
          WHERE 32 * n < length(NEW.component_digests);
END;

CREATE TRIGGER revocation_insert_guard BEFORE INSERT ON revocation BEGIN
    SELECT RAISE(ABORT, 'revocation: this record is revoked; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM revocation WHERE record = NEW.record);
    SELECT RAISE(ABORT, 'revocation: it belongs to the authority of its record')
     WHERE NEW.authority IS NOT (SELECT authority FROM record WHERE id = NEW.record);
    SELECT RAISE(ABORT, 'revocation: positions of an authority follow each other without a gap')
     WHERE NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM revocation
                             WHERE authority = NEW.authority);
END;

CREATE TRIGGER blocked_key_insert_guard BEFORE INSERT ON blocked_key BEGIN
    SELECT RAISE(ABORT, 'blocked_key: this key is blocked; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM blocked_key WHERE digest = NEW.digest);
END;

CREATE TRIGGER crl_insert_guard BEFORE INSERT ON crl BEGIN
    SELECT RAISE(ABORT, 'crl: this id is taken; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM crl WHERE id = NEW.id);
    SELECT RAISE(ABORT, 'crl: numbers of an authority only grow')
     WHERE NEW.number <= (SELECT max(number) FROM crl WHERE authority = NEW.authority);
    SELECT RAISE(ABORT, 'crl: a list ends at the latest revocation of its authority')
     WHERE NEW.through <> (SELECT coalesce(max(position), 0) FROM revocation
                            WHERE authority = NEW.authority);
    SELECT RAISE(ABORT, 'crl: a delta changes a complete list of the same scope that was stored')
     WHERE NEW.base IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM crl b JOIN crl_list l ON l.crl = b.id
                        WHERE b.authority = NEW.authority AND b.number = NEW.base
                          AND b.base IS NULL AND b.through = NEW.since
                          AND b.subjects = NEW.subjects AND b.places = NEW.places);
END;

CREATE TRIGGER crl_list_insert_guard BEFORE INSERT ON crl_list BEGIN
    SELECT RAISE(ABORT, 'crl_list: this list is stored; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM crl_list
                    WHERE crl = NEW.crl OR fingerprint = NEW.fingerprint);
END;

CREATE TRIGGER authority_key_no_update BEFORE UPDATE ON authority_key BEGIN
    SELECT RAISE(ABORT, 'authority_key: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER authority_key_no_delete BEFORE DELETE ON authority_key BEGIN
    SELECT RAISE(ABORT, 'authority_key: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER blocked_key_no_update BEFORE UPDATE ON blocked_key BEGIN
    SELECT RAISE(ABORT, 'blocked_key: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER blocked_key_no_delete BEFORE DELETE ON blocked_key BEGIN
    SELECT RAISE(ABORT, 'blocked_key: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER revocation_no_update BEFORE UPDATE ON revocation BEGIN
    SELECT RAISE(ABORT, 'revocation: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER revocation_no_delete BEFORE DELETE ON revocation BEGIN
    SELECT RAISE(ABORT, 'revocation: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER crl_no_update BEFORE UPDATE ON crl BEGIN
    SELECT RAISE(ABORT, 'crl: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER crl_no_delete BEFORE DELETE ON crl BEGIN
    SELECT RAISE(ABORT, 'crl: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER crl_list_no_update BEFORE UPDATE ON crl_list BEGIN
    SELECT RAISE(ABORT, 'crl_list: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER crl_list_no_delete BEFORE DELETE ON crl_list BEGIN
    SELECT RAISE(ABORT, 'crl_list: the ledger only grows; DELETE is refused');
END;
