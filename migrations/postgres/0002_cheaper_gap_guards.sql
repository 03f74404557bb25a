-- The guards against gaps of 0001 with the same rules in one look at the index: what they did before
-- grew with the ledger.
CREATE OR REPLACE FUNCTION record_added() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = espalier, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT authority, min(position) AS first, max(position) AS last,
                                     count(*) AS number
                                FROM added GROUP BY authority) a
                WHERE a.last - a.first + 1 <> a.number
                   OR a.first - 1 <> coalesce((SELECT max(r.position) FROM record r
                                                WHERE r.authority = a.authority
                                                  AND r.position < a.first), 0)) THEN
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

CREATE OR REPLACE FUNCTION revocation_added() RETURNS trigger
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
                   OR a.first - 1 <> coalesce((SELECT max(v.position) FROM revocation v
                                                WHERE v.authority = a.authority
                                                  AND v.position < a.first), 0)) THEN
        RAISE EXCEPTION 'revocation: positions of an authority follow each other without a gap';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION audit_event_added() RETURNS trigger
    LANGUAGE plpgsql SET search_path = espalier, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT min(position) AS first, max(position) AS last,
                                     count(*) AS number FROM added) a
                WHERE a.last - a.first + 1 <> a.number
                   OR a.first - 1 <> coalesce((SELECT max(e.position) FROM audit_event e
                                                WHERE e.position < a.first), 0)) THEN
        RAISE EXCEPTION 'audit_event: positions follow each other without a gap';
    END IF;
    RETURN NULL;
END $$;
