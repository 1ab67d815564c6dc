-- AlterTable
ALTER TABLE "trust_proposals" ADD COLUMN     "dismissed_at" TIMESTAMPTZ(3),
ADD COLUMN     "proven_since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "deployment" ADD COLUMN     "max_agents" INTEGER;

-- CreateTable
CREATE TABLE "operator_totals" (
    "operator_id" UUID NOT NULL,
    "what" TEXT NOT NULL,
    "day" INTEGER NOT NULL,
    "amount" BIGINT NOT NULL,

    CONSTRAINT "operator_totals_pkey" PRIMARY KEY ("operator_id","what","day")
);

-- CreateIndex
CREATE INDEX "operator_totals_day" ON "operator_totals"("day");


-- What Prisma's schema cannot say.

UPDATE "trust_proposals" SET "proven_since" = "operators"."domain_verified_at" FROM "operators"
WHERE "operators"."id" = "proposer_id" AND "domain_verified_at" IS NOT NULL;

-- Agents that are not pending stay for good. Their number is counted here, because counting rows takes too long. The
-- row of the sum is locked until the transaction ends, so the bound is exact. One statement may
-- insert many agents, so the first function adds them together. Ending a pending agent is never refused.
INSERT INTO "operator_totals" SELECT "operator_id", 'agents', 0, count(*) FROM "agents" WHERE "status" <> 'pending' GROUP BY 1;
CREATE FUNCTION "count_agents"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO "operator_totals" AS "t"
    SELECT "operator_id", 'agents', 0, count(*) FROM "inserted" WHERE "status" <> 'pending' GROUP BY 1 ORDER BY 1
    ON CONFLICT ("operator_id", "what", "day") DO UPDATE SET "amount" = "t"."amount" + EXCLUDED."amount";
    IF EXISTS (SELECT FROM "operator_totals" JOIN "inserted" USING ("operator_id") WHERE "what" = 'agents'
        AND "status" = 'active' AND "amount" > (SELECT "max_agents" FROM "deployment")) THEN
        RAISE EXCEPTION 'The operator has too many agents' USING ERRCODE = 'A4A02';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER "agents_count_inserted" AFTER INSERT ON "agents" REFERENCING NEW TABLE AS "inserted"
    FOR EACH STATEMENT EXECUTE FUNCTION "count_agents"();
CREATE FUNCTION "count_approved_agent"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    total bigint;
BEGIN
    INSERT INTO "operator_totals" AS "t" VALUES (NEW."operator_id", 'agents', 0, 1)
    ON CONFLICT ("operator_id", "what", "day") DO UPDATE SET "amount" = "t"."amount" + 1 RETURNING "amount" INTO total;
    IF NEW."status" = 'active' AND total > (SELECT "max_agents" FROM "deployment") THEN
        RAISE EXCEPTION 'The operator has too many agents' USING ERRCODE = 'A4A02';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER "agents_count_approved" AFTER UPDATE OF "status" ON "agents" FOR EACH ROW
    WHEN (OLD."status" = 'pending' AND NEW."status" <> 'pending') EXECUTE FUNCTION "count_approved_agent"();

-- Old records may be removed. Young ones may not, whatever a process believes the time to be.
DROP TRIGGER "audit_logs_append_only" ON "audit_logs";
CREATE TRIGGER "audit_logs_append_only" BEFORE UPDATE OR TRUNCATE ON "audit_logs"
    FOR EACH STATEMENT EXECUTE FUNCTION "append_only"();
CREATE TRIGGER "audit_logs_keep_young" BEFORE DELETE ON "audit_logs" FOR EACH ROW
    WHEN (OLD."at" > now() - interval '30 days') EXECUTE FUNCTION "append_only"();
DROP TRIGGER "signed_requests_append_only" ON "signed_requests";
CREATE TRIGGER "signed_requests_append_only" BEFORE UPDATE OR TRUNCATE ON "signed_requests"
    FOR EACH STATEMENT EXECUTE FUNCTION "append_only"();
CREATE TRIGGER "signed_requests_keep_young" BEFORE DELETE ON "signed_requests" FOR EACH ROW
    WHEN (OLD."at" > now() - interval '30 days') EXECUTE FUNCTION "append_only"();

-- A statement that has not counted for long is no more than its record in the audit.
DROP TRIGGER "trust_statements_no_delete" ON "trust_statements";
CREATE TRIGGER "trust_statements_no_delete" BEFORE DELETE ON "trust_statements" FOR EACH ROW
    WHEN (OLD."issuer_id" IS NULL AND least(OLD."replaced_at", OLD."expires_at") > now() - interval '30 days')
    EXECUTE FUNCTION "append_only"();
CREATE INDEX "trust_statements_replaced" ON "trust_statements"("replaced_at")
    WHERE "issuer_id" IS NULL AND "replaced_at" IS NOT NULL;
CREATE INDEX "trust_statements_expired" ON "trust_statements"("expires_at") WHERE "issuer_id" IS NULL;
