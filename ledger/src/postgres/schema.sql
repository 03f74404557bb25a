-- What the schema of the ledger consists of, one object a row: `kind name: definition`.
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
) objects
 WHERE line NOT LIKE '%\_sqlx\_migrations%'
 ORDER BY line COLLATE "C"
