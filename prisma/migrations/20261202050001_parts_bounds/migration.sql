-- The audit and the signed requests get a partition for each month. No row is copied: the table of today becomes the
-- first partition. A constraint that was validated before proves that its rows belong there, so PostgreSQL reads none
-- of them while the table is locked. Each of these migrations locks one table, for a moment.

-- Ids are UUIDv7, so a range of time is a range of ids.
CREATE FUNCTION "first_id_of"(_time timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM _time) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION "partitions_of"(_table text) RETURNS TABLE ("name" text, "lower" uuid, "upper" uuid, "is_default" boolean)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT c.relname::text, (regexp_match(bounds, 'FROM \(''([0-9a-f-]+)''\)'))[1]::uuid,
        (regexp_match(bounds, 'TO \(''([0-9a-f-]+)''\)'))[1]::uuid, bounds = 'DEFAULT'
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid, pg_get_expr(c.relpartbound, c.oid) AS bounds
    WHERE i.inhparent = _table::regclass
$$;

-- Rights on the partitioned table suffice for statements that name it. Partitions have the same ones, so that a right
-- that an administrator has taken away cannot be used there.
CREATE FUNCTION "copy_rights"(_from text, _to text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    change text;
BEGIN
    FOR change IN
        WITH rights AS (
            SELECT oid, '' AS "column", acl.* FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) AS acl
            WHERE oid IN (_from::regclass, _to::regclass)
            UNION ALL
            SELECT attrelid, format('(%I)', attname), acl.* FROM pg_attribute, aclexplode(attacl) AS acl
            WHERE attrelid IN (_from::regclass, _to::regclass)
        ), named AS (
            SELECT *, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS role FROM rights
        )
        SELECT format('REVOKE %s %s ON %I FROM %s', privilege_type, "column", _to, role) FROM named
        WHERE oid = _to::regclass
        UNION ALL
        SELECT format('GRANT %s %s ON %I TO %s %s', privilege_type, "column", _to, role,
            CASE WHEN is_grantable THEN 'WITH GRANT OPTION' END)
        FROM named WHERE oid = _from::regclass
    LOOP
        EXECUTE change;
    END LOOP;
END $$;

-- Triggers for each row and indexes come with ATTACH. Triggers for each statement do not, and a statement about the
-- partition itself fires only those of the partition. ATTACH lets others write to the other partitions meanwhile,
-- which CREATE TABLE … PARTITION OF does not.
CREATE FUNCTION "add_partition"(_table text, _name text, _bounds text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    definition text;
BEGIN
    -- Another process may be adding the same one.
    PERFORM pg_advisory_xact_lock(hashtextextended('partitions of ' || _table, 0));
    IF to_regclass(_name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES)', _name, _table);
    PERFORM copy_rights(_table, _name);
    FOR definition IN
        SELECT pg_get_triggerdef(oid) FROM pg_trigger
        WHERE tgrelid = _table::regclass AND NOT tgisinternal AND tgtype & 1 = 0
    LOOP
        EXECUTE regexp_replace(definition, ' ON \S+ FOR EACH STATEMENT ', format(' ON %I FOR EACH STATEMENT ', _name));
    END LOOP;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I %s', _table, _name, _bounds);
END $$;

-- No trigger fires when a table is dropped, so this is where young records are kept.
CREATE FUNCTION "drop_partition"(_table text, _name text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    youngest timestamptz := now() - interval '30 days';
    newest timestamptz;
BEGIN
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', _table);
    IF NOT EXISTS (SELECT FROM partitions_of(_table) WHERE "name" = _name) THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT "at" FROM %I ORDER BY "id" DESC LIMIT 1', _name) INTO newest;
    IF newest > youngest OR NOT EXISTS (
        SELECT FROM partitions_of(_table) WHERE "name" = _name AND "upper" <= first_id_of(youngest)
    ) THEN
        RAISE EXCEPTION '% is append-only', _name;
    END IF;
    EXECUTE format('DROP TABLE %I', _name);
END $$;

-- The last of these migrations drops the two functions that follow.

-- Processes of an older version go on writing until they are replaced, so the bound is more than a month away.
CREATE FUNCTION "bound_ids"(_table text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    highest uuid;
    latest timestamptz := now() + interval '35 days';
BEGIN
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', _table);
    EXECUTE format('SELECT "id" FROM %I ORDER BY "id" DESC LIMIT 1', _table) INTO highest;
    -- The clock of a process may have been wrong once.
    IF highest >= first_id_of(latest) THEN
        latest := to_timestamp(('x' || left(replace(highest::text, '-', ''), 12))::bit(48)::bigint / 1000);
    END IF;
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK ("id" < %L) NOT VALID', _table, _table || '_first_ids',
        first_id_of((date_trunc('month', latest AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'));
END $$;

-- The partitioned table gets what the table has: indexes, constraints, triggers, rights and the owner.
CREATE FUNCTION "partition_by_month"(_table text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    first text := _table || '_first';
    bound_name text := _table || '_first_ids';
    bound text := (SELECT (regexp_match(pg_get_constraintdef(oid), '''([0-9a-f-]+)'''))[1] FROM pg_constraint
        WHERE conrelid = _table::regclass AND conname = bound_name AND convalidated);
    owner text := (SELECT relowner::regrole::text FROM pg_class WHERE oid = _table::regclass);
    definitions text[] := ARRAY(
        SELECT format('ALTER TABLE %I ADD CONSTRAINT %I %s', _table, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conrelid = _table::regclass AND contype <> 'n' AND conname <> bound_name
    ) || ARRAY(
        SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = _table::regclass AND indisvalid
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    ) || ARRAY(
        SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = _table::regclass AND NOT tgisinternal
    );
    step text;
BEGIN
    IF bound IS NULL THEN
        RAISE EXCEPTION 'The constraint % is missing or not validated', bound_name;
    END IF;
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', _table);
    FOR step IN
        -- Triggers for each row come back with ATTACH, as parts of those of the partitioned table.
        SELECT format('DROP TRIGGER %I ON %I', tgname, _table) FROM pg_trigger
        WHERE tgrelid = _table::regclass AND NOT tgisinternal AND tgtype & 1 = 1
        UNION ALL
        SELECT format('ALTER INDEX %I RENAME TO %I', c.relname, first || '_' || c.relname)
        FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = _table::regclass
        UNION ALL
        SELECT format('ALTER TABLE %I RENAME TO %I', _table, first)
        UNION ALL
        SELECT format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES EXCLUDING CONSTRAINTS) PARTITION BY RANGE ("id")',
            _table, first)
    LOOP
        EXECUTE step;
    END LOOP;
    FOREACH step IN ARRAY definitions LOOP
        EXECUTE step;
    END LOOP;
    EXECUTE format('ALTER TABLE %I OWNER TO %s', _table, owner);
    PERFORM copy_rights(first, _table);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', _table, first, bound);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', first, bound_name);
    PERFORM add_partition(_table, _table || '_default', 'DEFAULT');
END $$;

-- Older processes: their ids are of the present, and the bound is more than a month away. The lock is short.
SELECT bound_ids('audit_logs');
