-- Two alternative keys that share a half, and an alternative key that is a half of another, may
-- stand beside one classical key no more than beside two: who has a component besides the whole key
-- itself must have the same components in all.
DROP TRIGGER record_reuse_guard;

-- A key belongs to one whole key for ever (draft-ietf-lamps-pq-composite-sigs, "Key Reuse"), and is
-- an authority's or an end entity's. The first record that has a digest decides.
CREATE TRIGGER record_reuse_guard BEFORE INSERT ON record BEGIN
    -- Most ledgers have no blocked key; then nothing is looked up.
    SELECT RAISE(ABORT, 'record: a key of it or of its authority is blocked')
     WHERE EXISTS (SELECT 1 FROM blocked_key)
       AND (EXISTS (SELECT 1 FROM blocked_key
                     WHERE digest IN (NEW.key_digest,
                                      substr(NEW.component_digests, 1, 32),
                                      substr(NEW.component_digests, 33, 32),
                                      substr(NEW.component_digests, 65, 32),
                                      substr(NEW.component_digests, 97, 32)))
            OR EXISTS (SELECT 1 FROM authority_key k JOIN blocked_key b ON b.digest = k.digest
                        WHERE k.authority = NEW.authority));
    SELECT RAISE(ABORT, 'record: a key of it is an authority''s, or part of another key')
      FROM (SELECT NEW.key_digest AS digest
             UNION ALL
            SELECT substr(NEW.component_digests, 1 + 32 * n, 32)
              FROM (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3)
             WHERE 32 * n < length(NEW.component_digests)) d
     WHERE EXISTS (SELECT 1 FROM authority_key k JOIN authority a ON a.id = k.authority
                    WHERE k.digest = d.digest
                      AND (NEW.for_authority IS NOT 1 OR a.key_digest <> NEW.key_digest
                           OR (d.digest <> a.key_digest
                               AND a.component_digests <> NEW.component_digests)))
        OR EXISTS (SELECT 1 FROM record r
                    WHERE r.id = (SELECT min(record) FROM record_key WHERE digest = d.digest)
                      AND (r.key_digest <> NEW.key_digest
                           OR r.for_authority <> NEW.for_authority
                           OR (d.digest <> r.key_digest
                               AND r.component_digests <> NEW.component_digests)));
    SELECT RAISE(ABORT, 'record: its key was certified before')
     WHERE NEW.key_reuse = 0
       AND EXISTS (SELECT 1 FROM record_key WHERE digest = NEW.key_digest);
END;

-- The tables that say whose a key is have what their records and authorities say, and nothing else:
-- a row that names an older record would make it the first that has a digest.
CREATE TRIGGER record_key_insert_guard BEFORE INSERT ON record_key BEGIN
    SELECT RAISE(ABORT, 'record_key: this record has no such key')
     WHERE NOT EXISTS (SELECT 1 FROM record
                        WHERE id = NEW.record
                          AND NEW.digest IN (key_digest,
                                             substr(component_digests, 1, 32),
                                             substr(component_digests, 33, 32),
                                             substr(component_digests, 65, 32),
                                             substr(component_digests, 97, 32)));
END;

CREATE TRIGGER authority_key_insert_guard BEFORE INSERT ON authority_key BEGIN
    SELECT RAISE(ABORT, 'authority_key: this authority has no such key')
     WHERE NOT EXISTS (SELECT 1 FROM authority
                        WHERE id = NEW.authority
                          AND NEW.digest IN (key_digest,
                                             substr(component_digests, 1, 32),
                                             substr(component_digests, 33, 32),
                                             substr(component_digests, 65, 32),
                                             substr(component_digests, 97, 32)));
END;

-- A list leaves nothing out but what expired and stood on a complete list of its scope since.
CREATE TRIGGER crl_whole_guard BEFORE INSERT ON crl BEGIN
    SELECT RAISE(ABORT, 'crl: a complete list starts at the first revocation')
     WHERE NEW.base IS NULL AND NEW.since <> 0;
    SELECT RAISE(ABORT, 'crl: what is left out stood on a stored complete list of the same scope')
     WHERE NEW.settled_through <> 0
       AND (NEW.base IS NOT NULL
            OR NOT EXISTS (SELECT 1 FROM crl b JOIN crl_list l ON l.crl = b.id
                            WHERE b.authority = NEW.authority AND b.base IS NULL
                              AND b.subjects = NEW.subjects AND b.places = NEW.places
                              AND b.through = NEW.settled_through
                              AND b.this_update = NEW.settled_at));
END;
