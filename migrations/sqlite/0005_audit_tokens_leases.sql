-- Audit events, API tokens, and leases.
-- Times: in microseconds since 1970 UTC.

-- Who did what to what, when, from where, and how it went.
CREATE TABLE audit_event (
    position   INTEGER PRIMARY KEY CHECK (position > 0),
    at         INTEGER NOT NULL,
    request_id TEXT    NOT NULL CHECK (length(request_id) BETWEEN 1 AND 128),
    actor      TEXT    NOT NULL CHECK (length(actor) BETWEEN 1 AND 512),
    action     TEXT    NOT NULL CHECK (length(action) BETWEEN 1 AND 64),
    subject    TEXT    CHECK (length(subject) BETWEEN 1 AND 512),
    address    TEXT    CHECK (length(address) BETWEEN 1 AND 128),
    -- NULL when it was done
    problem    TEXT    CHECK (length(problem) BETWEEN 1 AND 256)
) STRICT;

CREATE INDEX audit_event_by_subject ON audit_event (subject, position);
CREATE INDEX audit_event_by_actor ON audit_event (actor, position);
CREATE INDEX audit_event_by_request ON audit_event (request_id);

-- API tokens, without their secrets.
CREATE TABLE token (
    number        INTEGER PRIMARY KEY CHECK (number > 0),
    id            TEXT    NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
    name          TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    secret_digest BLOB    NOT NULL UNIQUE CHECK (length(secret_digest) = 32),
    scope         TEXT    NOT NULL CHECK (json_valid(scope) AND json_type(scope) = 'object'),
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL CHECK (expires_at > created_at),
    created_by    TEXT    NOT NULL CHECK (length(created_by) BETWEEN 1 AND 512)
) STRICT;

CREATE TABLE token_revocation (
    token      INTEGER PRIMARY KEY REFERENCES token (number),
    revoked_at INTEGER NOT NULL,
    revoked_by TEXT    NOT NULL CHECK (length(revoked_by) BETWEEN 1 AND 512)
) STRICT;

-- Which process does what only one should do. The only rows that change.
CREATE TABLE lease (
    name   TEXT    PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
    holder TEXT    NOT NULL CHECK (length(holder) BETWEEN 1 AND 128),
    until  INTEGER NOT NULL,
    term   INTEGER NOT NULL CHECK (term > 0)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_event_insert_guard BEFORE INSERT ON audit_event BEGIN
    SELECT RAISE(ABORT, 'audit_event: positions follow each other without a gap')
     WHERE NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM audit_event);
END;

CREATE TRIGGER token_insert_guard BEFORE INSERT ON token BEGIN
    SELECT RAISE(ABORT, 'token: this number, id or secret is taken; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM token
                    WHERE number = NEW.number OR id = NEW.id
                       OR secret_digest = NEW.secret_digest);
END;

CREATE TRIGGER token_revocation_insert_guard BEFORE INSERT ON token_revocation BEGIN
    SELECT RAISE(ABORT, 'token_revocation: this token is revoked; rows are never replaced')
     WHERE EXISTS (SELECT 1 FROM token_revocation WHERE token = NEW.token);
END;

CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event BEGIN
    SELECT RAISE(ABORT, 'audit_event: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event BEGIN
    SELECT RAISE(ABORT, 'audit_event: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER token_no_update BEFORE UPDATE ON token BEGIN
    SELECT RAISE(ABORT, 'token: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER token_no_delete BEFORE DELETE ON token BEGIN
    SELECT RAISE(ABORT, 'token: the ledger only grows; DELETE is refused');
END;
CREATE TRIGGER token_revocation_no_update BEFORE UPDATE ON token_revocation BEGIN
    SELECT RAISE(ABORT, 'token_revocation: the ledger only grows; UPDATE is refused');
END;
CREATE TRIGGER token_revocation_no_delete BEFORE DELETE ON token_revocation BEGIN
    SELECT RAISE(ABORT, 'token_revocation: the ledger only grows; DELETE is refused');
END;
