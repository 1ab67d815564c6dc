-- What Prisma's schema cannot say.

-- Two functions append records, and readers of every version compute the hash. So its formula is in one place.
CREATE FUNCTION "revocation_hash"(
    _previous bytea, _log_epoch integer, _sequence bigint, _kind text, _operator uuid, _subject text, _minimum integer,
    _expires timestamptz, _recorded timestamptz
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(_previous || convert_to(concat_ws(E'\n',
        _log_epoch, _sequence, _kind, coalesce(_operator::text, ''), _subject, _minimum,
        (extract(epoch FROM _expires) * 1000)::bigint, (extract(epoch FROM _recorded) * 1000)::bigint), 'UTF8'))
$$;

CREATE OR REPLACE FUNCTION "append_revocation"(
    _kind text, _operator uuid, _subject text, _minimum integer, _expires timestamptz, _cause jsonb DEFAULT NULL
) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    at timestamptz := date_trunc('milliseconds', clock_timestamp());
    until timestamptz := date_trunc('milliseconds', _expires);
    now_on integer := wal_timeline();
    head "revocation_head";
BEGIN
    UPDATE "revocation_head" SET
        "sequence" = "sequence" + 1,
        "log_epoch" = "log_epoch" + CASE WHEN "timeline" = now_on THEN 0 ELSE 1 END,
        "timeline" = now_on,
        "previous_hash" = "hash",
        "hash" = revocation_hash("hash", "log_epoch" + CASE WHEN "timeline" = now_on THEN 0 ELSE 1 END, "sequence" + 1,
            _kind, _operator, _subject, _minimum, until, at)
    RETURNING * INTO STRICT head;
    INSERT INTO "revocation_log"
        ("sequence", "log_epoch", "kind", "operator_id", "subject", "minimum_epoch", "expires_at", "recorded_at", "previous_hash", "hash", "cause")
    VALUES (head."sequence", head."log_epoch", _kind, _operator, _subject, _minimum, until, at, head."previous_hash", head."hash", _cause);
    PERFORM pg_notify('auth4agent_revocation', head."sequence"::text);
END $$;

-- Writes the head once for all edges: each version of a row that its own transaction made is read again by its next change.
CREATE OR REPLACE FUNCTION "append_ended_edges"(_edges uuid[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    at timestamptz := date_trunc('milliseconds', clock_timestamp());
    until timestamptz := date_trunc('milliseconds', tokens_have_expired());
    now_on integer := wal_timeline();
    head "revocation_head";
    edge uuid;
BEGIN
    SELECT * INTO STRICT head FROM "revocation_head" FOR UPDATE;
    IF head."timeline" <> now_on THEN
        head."log_epoch" := head."log_epoch" + 1;
    END IF;
    FOREACH edge IN ARRAY _edges LOOP
        head."sequence" := head."sequence" + 1;
        head."previous_hash" := head."hash";
        head."hash" := revocation_hash(head."hash", head."log_epoch", head."sequence", 'edge', NULL, edge::text, 0, until, at);
        INSERT INTO "revocation_log"
            ("sequence", "log_epoch", "kind", "operator_id", "subject", "minimum_epoch", "expires_at", "recorded_at", "previous_hash", "hash")
        VALUES (head."sequence", head."log_epoch", 'edge', NULL, edge::text, 0, until, at, head."previous_hash", head."hash");
    END LOOP;
    UPDATE "revocation_head" SET "sequence" = head."sequence", "log_epoch" = head."log_epoch", "timeline" = now_on,
        "previous_hash" = head."previous_hash", "hash" = head."hash";
    PERFORM pg_notify('auth4agent_revocation', head."sequence"::text);
END $$;
