-- CreateTable
CREATE TABLE "operator_audience_callers" (
    "edge_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "operator_id" UUID NOT NULL,
    "audience" TEXT NOT NULL,
    "caller" TEXT NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "operator_audience_callers_pkey" PRIMARY KEY ("edge_id")
);

-- CreateIndex
CREATE INDEX "operator_audience_callers_audience" ON "operator_audience_callers"("operator_id", "audience");

-- CreateIndex
CREATE INDEX "operator_audience_callers_caller" ON "operator_audience_callers"("caller");

-- AddForeignKey
ALTER TABLE "operator_audience_callers" ADD CONSTRAINT "operator_audience_callers_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- What Prisma's schema cannot say.

-- A caller that is listed has one edge. Tokens are issued by this index.
CREATE UNIQUE INDEX "operator_audience_callers_live" ON "operator_audience_callers"("operator_id", "audience", "caller")
    WHERE "ended_at" IS NULL;

-- Processes of every version write the lists of callers, and earlier versions write each list anew. So the edges follow
-- the lists when a transaction commits: a caller that is still listed keeps its edge. An operator that no longer owns its
-- domain lets nobody call.
CREATE FUNCTION "follow_callers"(_operator uuid) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    WITH "listed" AS (
        SELECT a."audience", unnest(a."callers") AS "caller"
        FROM "operators" o JOIN "operator_audiences" a ON a."operator_id" = o."id"
        WHERE o."id" = _operator AND o."status" IN ('active', 'lapsed', 'suspended')
    ), "ended" AS (
        UPDATE "operator_audience_callers" SET "ended_at" = date_trunc('milliseconds', clock_timestamp())
        WHERE "operator_id" = _operator AND "ended_at" IS NULL
            AND ("audience", "caller") NOT IN (SELECT "audience", "caller" FROM "listed")
    )
    INSERT INTO "operator_audience_callers" ("operator_id", "audience", "caller")
    SELECT DISTINCT _operator, "audience", "caller" FROM "listed"
    ON CONFLICT ("operator_id", "audience", "caller") WHERE "ended_at" IS NULL DO NOTHING;
END $$;

CREATE FUNCTION "callers_differ"(_operator uuid, _audience text) RETURNS boolean LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT ARRAY(
        SELECT DISTINCT unnest(a."callers") AS "caller"
        FROM "operators" o JOIN "operator_audiences" a ON a."operator_id" = o."id"
        WHERE o."id" = _operator AND o."status" IN ('active', 'lapsed', 'suspended') AND a."audience" = _audience
        ORDER BY "caller"
    ) <> ARRAY(
        SELECT "caller" FROM "operator_audience_callers"
        WHERE "operator_id" = _operator AND "audience" = _audience AND "ended_at" IS NULL
        ORDER BY "caller"
    )
$$;

-- A policy can change many audiences. The first one that differs follows all of them at once, so the head of the log is
-- locked once, and the others find no difference.
CREATE FUNCTION "follow_callers_of_audience"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND callers_differ(OLD."operator_id", OLD."audience") THEN
        PERFORM follow_callers(OLD."operator_id");
    END IF;
    IF TG_OP <> 'DELETE' AND callers_differ(NEW."operator_id", NEW."audience") THEN
        PERFORM follow_callers(NEW."operator_id");
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "operator_audiences_callers" AFTER INSERT OR UPDATE OR DELETE ON "operator_audiences"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "follow_callers_of_audience"();

CREATE FUNCTION "follow_callers_of_operator"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM follow_callers(NEW."id");
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "operators_callers" AFTER UPDATE OF "status" ON "operators" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."status" <> OLD."status") EXECUTE FUNCTION "follow_callers_of_operator"();

-- Appends the records that end edges. A policy can end thousands at once, and everybody who ends something waits for the
-- head. So the head is written once: each version of a row that its own transaction made is read again by its next change.
CREATE FUNCTION "append_ended_edges"(_edges uuid[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
        head."hash" := sha256(head."hash" || convert_to(concat_ws(E'\n',
            head."log_epoch", head."sequence", 'edge', '', edge, 0,
            (extract(epoch FROM until) * 1000)::bigint, (extract(epoch FROM at) * 1000)::bigint), 'UTF8'));
        INSERT INTO "revocation_log"
            ("sequence", "log_epoch", "kind", "operator_id", "subject", "minimum_epoch", "expires_at", "recorded_at", "previous_hash", "hash")
        VALUES (head."sequence", head."log_epoch", 'edge', NULL, edge::text, 0, until, at, head."previous_hash", head."hash");
    END LOOP;
    UPDATE "revocation_head" SET "sequence" = head."sequence", "log_epoch" = head."log_epoch", "timeline" = now_on,
        "previous_hash" = head."previous_hash", "hash" = head."hash";
    PERFORM pg_notify('auth4agent_revocation', head."sequence"::text);
END $$;

-- Tokens name the edge that allowed them, so its end is written to the revocation log. follow_callers runs when the
-- transaction commits, so the head is locked shortly here too.
CREATE FUNCTION "log_caller_edges"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    gone uuid[] := ARRAY(SELECT "edge_id" FROM "before" WHERE "ended_at" IS NULL ORDER BY "edge_id");
BEGIN
    IF cardinality(gone) > 0 THEN
        PERFORM append_ended_edges(gone);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER "operator_audience_callers_log" AFTER UPDATE ON "operator_audience_callers"
    REFERENCING OLD TABLE AS "before" FOR EACH STATEMENT EXECUTE FUNCTION "log_caller_edges"();
CREATE TRIGGER "operator_audience_callers_deleted_log" AFTER DELETE ON "operator_audience_callers"
    REFERENCING OLD TABLE AS "before" FOR EACH STATEMENT EXECUTE FUNCTION "log_caller_edges"();

-- An edge never begins again, and never becomes another one.
CREATE FUNCTION "refuse_other_caller_edge"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'An edge of a caller can only end' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER "operator_audience_callers_fixed" BEFORE UPDATE ON "operator_audience_callers"
    FOR EACH ROW WHEN (OLD."ended_at" IS NOT NULL OR NEW."ended_at" IS NULL OR OLD."edge_id" <> NEW."edge_id"
        OR OLD."operator_id" <> NEW."operator_id" OR OLD."audience" <> NEW."audience" OR OLD."caller" <> NEW."caller")
    EXECUTE FUNCTION "refuse_other_caller_edge"();

-- The callers that are listed now.
INSERT INTO "operator_audience_callers" ("operator_id", "audience", "caller")
SELECT DISTINCT a."operator_id", a."audience", c."caller"
FROM "operator_audiences" a
JOIN "operators" o ON o."id" = a."operator_id" AND o."status" IN ('active', 'lapsed', 'suspended')
CROSS JOIN LATERAL unnest(a."callers") AS c("caller");
