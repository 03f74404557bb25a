-- What the schema of the ledger consists of, one object a row: `kind name: definition`. Of rights, only
-- what nobody but the owner should have: what servers may do is no object of ours. The owner is whoever
-- has the records: the schema itself may be the administrator's, who made it for them.
WITH ledger AS (
    SELECT relowner AS owner FROM pg_class
     WHERE relnamespace = 'espalier'::regnamespace AND relname = 'record')
SELECT line FROM (
    SELECT format('table %s: %s', c.relname,
                  (SELECT string_agg(format('%s %s%s', a.attname,
                                            format_type(a.atttypid, a.atttypmod),
                                            CASE WHEN a.attnotnull THEN ' not null' ELSE '' END),
                                     ', ' ORDER BY a.attnum)
                     FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) AS line
      FROM pg_class c
     WHERE c.relnamespace = 'espalier'::regnamespace AND c.relkind NOT IN ('i', 'S', 't')
     UNION ALL
    SELECT format('index %s: %s%s', c.relname, pg_get_indexdef(c.oid),
                  CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ' INVALID' END)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE c.relnamespace = 'espalier'::regnamespace
     UNION ALL
    SELECT format('constraint %s of %s: %s', o.conname, c.relname, pg_get_constraintdef(o.oid))
      FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
     WHERE o.connamespace = 'espalier'::regnamespace AND o.contype NOT IN ('n', 't')
     UNION ALL
    SELECT format('trigger %s of %s: %s%s', t.tgname, c.relname, pg_get_triggerdef(t.oid),
                  CASE t.tgenabled WHEN 'O' THEN '' ELSE ' DISABLED' END)
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'espalier'::regnamespace AND NOT t.tgisinternal
     UNION ALL
    -- Those of foreign keys have no names of their own.
    SELECT format('references of %s: %s triggers DISABLED', c.relname, count(*))
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'espalier'::regnamespace AND t.tgisinternal AND t.tgenabled <> 'O'
     GROUP BY c.relname
     UNION ALL
    SELECT format('function %s: %s', p.oid::regprocedure, md5(pg_get_functiondef(p.oid)))
      FROM pg_proc p
     WHERE p.pronamespace = 'espalier'::regnamespace
     UNION ALL
    SELECT format('rule %s of %s: %s', r.rulename, c.relname, pg_get_ruledef(r.oid))
      FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
     WHERE c.relnamespace = 'espalier'::regnamespace
     UNION ALL
    SELECT format('policy %s of %s: %s', p.polname, c.relname, pg_get_expr(p.polqual, p.polrelid))
      FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
     WHERE c.relnamespace = 'espalier'::regnamespace
     UNION ALL
    SELECT format('row security of %s: on', relname)
      FROM pg_class
     WHERE relnamespace = 'espalier'::regnamespace AND (relrowsecurity OR relforcerowsecurity)
     UNION ALL
    SELECT format('other owner of %s: %s', c.relname, pg_get_userbyid(c.relowner))
      FROM pg_class c, ledger
     WHERE c.relnamespace = 'espalier'::regnamespace AND c.relowner <> ledger.owner
     UNION ALL
    SELECT format('other owner of %s: %s', p.oid::regprocedure, pg_get_userbyid(p.proowner))
      FROM pg_proc p, ledger
     WHERE p.pronamespace = 'espalier'::regnamespace AND p.proowner <> ledger.owner
     UNION ALL
    SELECT format('right of %s to %s %s: %s',
                  CASE grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(grantee)::text END,
                  privilege, object, CASE WHEN grantable THEN 'and to pass it on' ELSE 'alone' END)
      FROM (
        SELECT x.grantee, c.relowner AS owner, x.privilege_type AS privilege, c.relname AS object,
               x.is_grantable AS grantable,
               x.privilege_type = 'SELECT'
               OR (x.privilege_type = 'INSERT'
                   AND c.relname IN ('authority', 'authority_certificate', 'record', 'certificate',
                                     'revocation', 'blocked_key', 'crl', 'crl_list', 'audit_event',
                                     'token', 'token_revocation', 'lease')) AS given
          FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
         WHERE c.relnamespace = 'espalier'::regnamespace
         UNION ALL
        SELECT x.grantee, c.relowner, x.privilege_type, format('%s.%s', c.relname, a.attname),
               x.is_grantable,
               x.privilege_type = 'SELECT'
               OR (x.privilege_type = 'UPDATE'
                   AND (c.relname, a.attname) IN (('writer', 'turn'), ('lease', 'holder'),
                                                  ('lease', 'until'), ('lease', 'term')))
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
               CROSS JOIN LATERAL aclexplode(a.attacl) x
         WHERE c.relnamespace = 'espalier'::regnamespace
         UNION ALL
        -- These run with the rights of the owner; what the others do anybody could write.
        SELECT x.grantee, p.proowner, x.privilege_type, p.oid::regprocedure::text, x.is_grantable,
               NOT p.prosecdef
          FROM pg_proc p
               CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
         WHERE p.pronamespace = 'espalier'::regnamespace
         UNION ALL
        SELECT x.grantee, n.nspowner, x.privilege_type, 'in the schema', x.is_grantable,
               x.privilege_type = 'USAGE'
          FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) x
         WHERE n.nspname = 'espalier') rights, ledger
     -- What is given to a server is not given to everybody; a function without rights of its own is.
     WHERE grantee NOT IN (rights.owner, ledger.owner)
       AND (grantable OR NOT given OR (grantee = 0 AND privilege <> 'EXECUTE'))
) objects
 -- The table of the migrations is made by their library, as it likes; the rest of what is said of it counts.
 WHERE line NOT LIKE 'table \_sqlx\_migrations: %'
   AND line NOT LIKE 'index \_sqlx\_migrations\_pkey: %'
   AND line NOT LIKE 'constraint % of \_sqlx\_migrations: %'
 ORDER BY line COLLATE "C"
