-- The issuance ledger. Rows are added, never changed: triggers refuse UPDATE and DELETE, and also
-- INSERT OR REPLACE, which would delete a row without asking the DELETE trigger.
-- Times: *_at in microseconds since 1970 UTC, not_before and not_after in seconds.

-- "ESPL": tells a ledger from any other SQLite file.
PRAGMA application_id = 0x4553504C;

CREATE TABLE authority (
    id         INTEGER PRIMARY KEY CHECK (id > 0),
    name       TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    algorithm  TEXT    NOT NULL CHECK (length(algorithm) BETWEEN 1 AND 128),
    key_digest BLOB    NOT NULL CHECK (length(key_digest) = 32),
    parent     INTEGER REFERENCES authority (id) CHECK (parent < id),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE authority_certificate (
    id          INTEGER PRIMARY KEY CHECK (id > 0),
    authority   INTEGER NOT NULL REFERENCES authority (id),
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    certificate BLOB    NOT NULL CHECK (length(certificate) > 0),
    added_at    INTEGER NOT NULL,
    UNIQUE (authority, fingerprint)
) STRICT;

CREATE TABLE record (
    id                INTEGER PRIMARY KEY CHECK (id > 0),
    authority         INTEGER NOT NULL REFERENCES authority (id),
    position          INTEGER NOT NULL CHECK (position > 0),
    serial            BLOB    NOT NULL UNIQUE
                      CHECK (length(serial) = 20 AND substr(hex(serial), 1, 1) BETWEEN '4' AND '7'),
    profile           TEXT    NOT NULL CHECK (length(profile) BETWEEN 1 AND 64),
    requester         TEXT    NOT NULL CHECK (length(requester) BETWEEN 1 AND 512),
    idempotency_key   TEXT    CHECK (length(idempotency_key) BETWEEN 1 AND 256),
    body_digest       BLOB    CHECK (length(body_digest) = 32),
    tbs_digest        BLOB    NOT NULL CHECK (length(tbs_digest) = 32),
    subject           TEXT    NOT NULL CHECK (length(subject) <= 4096),
    names             TEXT    NOT NULL CHECK (json_valid(names) AND json_type(names) = 'array'),
    algorithm         TEXT    NOT NULL CHECK (length(algorithm) BETWEEN 1 AND 128),
    key_digest        BLOB    NOT NULL CHECK (length(key_digest) = 32),
    component_digests BLOB    NOT NULL
                      CHECK (length(component_digests) % 32 = 0 AND length(component_digests) <= 128),
    not_before        INTEGER NOT NULL,
    not_after         INTEGER NOT NULL CHECK (not_after >= not_before),
    recorded_at       INTEGER NOT NULL,
    UNIQUE (authority, position),
    UNIQUE (requester, idempotency_key),
    CHECK ((idempotency_key IS NULL) = (body_digest IS NULL))
) STRICT;

CREATE INDEX record_by_expiry ON record (not_after);

-- The names and key digests of a record once more, one a row, to find them by. Only the trigger
-- below writes here.
CREATE TABLE record_name (
    name   TEXT    NOT NULL,
    record INTEGER NOT NULL REFERENCES record (id),
    PRIMARY KEY (name, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE record_key (
    digest BLOB    NOT NULL CHECK (length(digest) = 32),
    record INTEGER NOT NULL REFERENCES record (id),
    PRIMARY KEY (digest, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate (
    record      INTEGER PRIMARY KEY REFERENCES record (id),
    fingerprint BLOB    NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
    certificate BLOB    NOT NULL CHECK (length(certificate) > 0),
    stored_at   INTEGER NOT NULL
) STRICT;

-- Reasons: RFC 5280 section 5.3.1 without certificateHold (6) and removeFromCRL (8), which would
-- take a revocation back.
CREATE TABLE revocation (
    record     INTEGER PRIMARY KEY REFERENCES record (id),
    reason     INTEGER NOT NULL CHECK (reason IN (0, 1, 2, 3, 4, 5, 9, 10)),
    revoked_at INTEGER NOT NULL,
    revoked_by TEXT    NOT NULL CHECK (length(revoked_by) BETWEEN 1 AND 512)
) STRICT;

CREATE TRIGGER record_insert_guard BEFORE INSERT ON record BEGIN
    SELECT RAISE(ABORT, 'record: this id is taken; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM record WHERE id = NEW.id);
    SELECT RAISE(ABORT, 'record: this serial is taken; a serial is never used twice')
     WHERE EXISTS (SELECT 1 FROM record WHERE serial = NEW.serial);
    SELECT RAISE(ABORT, 'record: this idempotency key is taken by the same requester')
     WHERE EXISTS (SELECT 1 FROM record
                    WHERE requester = NEW.requester AND idempotency_key = NEW.idempotency_key);
    SELECT RAISE(ABORT, 'record: positions of an authority follow each other without a gap')
     WHERE NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM record
                             WHERE authority = NEW.authority);
END;

CREATE TRIGGER record_index AFTER INSERT ON record BEGIN
    INSERT INTO record_name (name, record)
         SELECT DISTINCT value, NEW.id FROM json_each(NEW.names);
    INSERT INTO record_key (digest, record)
         SELECT NEW.key_digest, NEW.id
          UNION
         SELECT substr(NEW.component_digests, 1 + 32 * n, 32), NEW.id
           FROM (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3)
          WHERE 32 * n < length(NEW.component_digests);
END;

CREATE TRIGGER certificate_insert_guard BEFORE INSERT ON certificate BEGIN
    SELECT RAISE(ABORT, 'certificate: this record has a certificate; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM certificate WHERE record = NEW.record);
    SELECT RAISE(ABORT, 'certificate: this fingerprint is taken; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM certificate WHERE fingerprint = NEW.fingerprint);
    SELECT RAISE(ABORT, 'certificate: the record is revoked; its certificate is not released')
     WHERE EXISTS (SELECT 1 FROM revocation WHERE record = NEW.record);
END;

CREATE TRIGGER revocation_insert_guard BEFORE INSERT ON revocation BEGIN
    SELECT RAISE(ABORT, 'revocation: this record is revoked; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM revocation WHERE record = NEW.record);
END;

CREATE TRIGGER authority_insert_guard BEFORE INSERT ON authority BEGIN
    SELECT RAISE(ABORT, 'authority: this id or name is taken; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM authority WHERE id = NEW.id OR name = NEW.name);
END;

CREATE TRIGGER authority_certificate_insert_guard BEFORE INSERT ON authority_certificate BEGIN
    SELECT RAISE(ABORT, 'authority_certificate: this row is there; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM authority_certificate
                    WHERE id = NEW.id
                       OR (authority = NEW.authority AND fingerprint = NEW.fingerprint));
END;

CREATE TRIGGER authority_no_update BEFORE UPDATE ON authority BEGIN
    SELECT RAISE(ABORT, 'authority: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER authority_no_delete BEFORE DELETE ON authority BEGIN
    SELECT RAISE(ABORT, 'authority: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER authority_certificate_no_update BEFORE UPDATE ON authority_certificate BEGIN
    SELECT RAISE(ABORT, 'authority_certificate: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER authority_certificate_no_delete BEFORE DELETE ON authority_certificate BEGIN
    SELECT RAISE(ABORT, 'authority_certificate: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER record_no_update BEFORE UPDATE ON record BEGIN
    SELECT RAISE(ABORT, 'record: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER record_no_delete BEFORE DELETE ON record BEGIN
    SELECT RAISE(ABORT, 'record: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER record_name_no_update BEFORE UPDATE ON record_name BEGIN
    SELECT RAISE(ABORT, 'record_name: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER record_name_no_delete BEFORE DELETE ON record_name BEGIN
    SELECT RAISE(ABORT, 'record_name: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER record_key_no_update BEFORE UPDATE ON record_key BEGIN
    SELECT RAISE(ABORT, 'record_key: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER record_key_no_delete BEFORE DELETE ON record_key BEGIN
    SELECT RAISE(ABORT, 'record_key: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER certificate_no_update BEFORE UPDATE ON certificate BEGIN
    SELECT RAISE(ABORT, 'certificate: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER certificate_no_delete BEFORE DELETE ON certificate BEGIN
    SELECT RAISE(ABORT, 'certificate: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER revocation_no_update BEFORE UPDATE ON revocation BEGIN
    SELECT RAISE(ABORT, 'revocation: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER revocation_no_delete BEFORE DELETE ON revocation BEGIN
    SELECT RAISE(ABORT, 'revocation: the ledger only grows; DELETE is refused');
END;
