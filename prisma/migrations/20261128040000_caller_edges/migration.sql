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
CREATE INDEX "operator_audience_callers_operator" ON "operator_audience_callers"("operator_id", "ended_at");

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
CREATE FUNCTION "follow_callers"(_operator uuid, _audience text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- The log has forgotten these too.
    DELETE FROM "operator_audience_callers"
    WHERE "operator_id" = _operator AND "ended_at" < clock_timestamp() - interval '65 minutes';
    WITH "listed" AS (
        SELECT a."audience", unnest(a."callers") AS "caller"
        FROM "operators" o JOIN "operator_audiences" a ON a."operator_id" = o."id"
        WHERE o."id" = _operator AND o."status" IN ('active', 'lapsed', 'suspended')
            AND (_audience IS NULL OR a."audience" = _audience)
    ), "ended" AS (
        UPDATE "operator_audience_callers" SET "ended_at" = date_trunc('milliseconds', clock_timestamp())
        WHERE "operator_id" = _operator AND (_audience IS NULL OR "audience" = _audience) AND "ended_at" IS NULL
            AND ("audience", "caller") NOT IN (SELECT "audience", "caller" FROM "listed")
    )
    INSERT INTO "operator_audience_callers" ("operator_id", "audience", "caller")
    SELECT DISTINCT _operator, "audience", "caller" FROM "listed"
    ON CONFLICT ("operator_id", "audience", "caller") WHERE "ended_at" IS NULL DO NOTHING;
END $$;

CREATE FUNCTION "follow_callers_of_audience"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM follow_callers(OLD."operator_id", OLD."audience");
    END IF;
    IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND ROW(NEW."operator_id", NEW."audience") <> ROW(OLD."operator_id", OLD."audience")) THEN
        PERFORM follow_callers(NEW."operator_id", NEW."audience");
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "operator_audiences_callers" AFTER INSERT OR UPDATE OR DELETE ON "operator_audiences"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "follow_callers_of_audience"();

CREATE FUNCTION "follow_callers_of_operator"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM follow_callers(NEW."id", NULL);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "operators_callers" AFTER UPDATE OF "status" ON "operators" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."status" <> OLD."status") EXECUTE FUNCTION "follow_callers_of_operator"();

-- Tokens name the edge that allowed them, so its end is written to the revocation log.
CREATE CONSTRAINT TRIGGER "operator_audience_callers_log" AFTER UPDATE OF "ended_at" ON "operator_audience_callers"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD."ended_at" IS NULL AND NEW."ended_at" IS NOT NULL)
    EXECUTE FUNCTION "log_edge"();
CREATE CONSTRAINT TRIGGER "operator_audience_callers_deleted_log" AFTER DELETE ON "operator_audience_callers"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD."ended_at" IS NULL) EXECUTE FUNCTION "log_edge"();

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
