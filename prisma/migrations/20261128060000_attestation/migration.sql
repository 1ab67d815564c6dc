-- AlterTable
ALTER TABLE "agents" ADD COLUMN     "attested_until" TIMESTAMPTZ(3),
ADD COLUMN     "enrolment_rule_id" UUID;

-- AlterTable
ALTER TABLE "deployment" ADD COLUMN     "attestation_key" BYTEA NOT NULL DEFAULT decode(replace((gen_random_uuid())::text || (gen_random_uuid())::text, '-'::text, ''::text), 'hex'::text);

-- CreateTable
CREATE TABLE "attestors" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "operator_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "config" JSONB NOT NULL,
    "result_ttl" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "attestors_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "enrolment_rules" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "edge_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "operator_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "content" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "enrolment_rules_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attestation_requirements" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "operator_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "content" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "attestation_requirements_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attestation_results" (
    "agent_id" UUID NOT NULL,
    "attestor_id" UUID NOT NULL,
    "key_thumbprint" TEXT NOT NULL,
    "claims" JSONB NOT NULL,
    "level" TEXT NOT NULL,
    "verified_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "attestation_results_pkey" PRIMARY KEY ("agent_id","attestor_id")
);

-- CreateTable
CREATE TABLE "attestation_uses" (
    "id" BYTEA NOT NULL,
    "keep_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "attestation_uses_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "join_tokens" (
    "id" UUID NOT NULL,
    "attestor_id" UUID NOT NULL,
    "digest" BYTEA NOT NULL,
    "label" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_by" TEXT,

    CONSTRAINT "join_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "attestors_operator_name" ON "attestors"("operator_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "enrolment_rules_operator_name" ON "enrolment_rules"("operator_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "attestation_requirements_operator_name" ON "attestation_requirements"("operator_id", "name");

-- CreateIndex
CREATE INDEX "attestation_results_attestor" ON "attestation_results"("attestor_id");

-- CreateIndex
CREATE INDEX "attestation_uses_keep_until" ON "attestation_uses"("keep_until");

-- CreateIndex
CREATE UNIQUE INDEX "join_tokens_digest" ON "join_tokens"("digest");

-- CreateIndex
CREATE INDEX "join_tokens_attestor" ON "join_tokens"("attestor_id", "id");

-- CreateIndex
CREATE INDEX "agents_enrolment_rule" ON "agents"("enrolment_rule_id", "status");

-- AddForeignKey
ALTER TABLE "attestors" ADD CONSTRAINT "attestors_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "enrolment_rules" ADD CONSTRAINT "enrolment_rules_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attestation_requirements" ADD CONSTRAINT "attestation_requirements_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attestation_results" ADD CONSTRAINT "attestation_results_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attestation_results" ADD CONSTRAINT "attestation_results_attestor_id_fkey" FOREIGN KEY ("attestor_id") REFERENCES "attestors"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "join_tokens" ADD CONSTRAINT "join_tokens_attestor_id_fkey" FOREIGN KEY ("attestor_id") REFERENCES "attestors"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- What Prisma's schema cannot say.

-- Copies of an operator in memory must notice what it demands of attestation. An operator that is being deleted has no
-- row any more.
CREATE FUNCTION "raise_version_for_attestation"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE "operators" SET "version" = "version" + 1
    WHERE "id" = CASE WHEN TG_OP = 'DELETE' THEN OLD."operator_id" ELSE NEW."operator_id" END;
    RETURN NULL;
END $$;
CREATE TRIGGER "attestors_version" AFTER INSERT OR UPDATE OR DELETE ON "attestors"
    FOR EACH ROW EXECUTE FUNCTION "raise_version_for_attestation"();
CREATE TRIGGER "enrolment_rules_version" AFTER INSERT OR UPDATE OR DELETE ON "enrolment_rules"
    FOR EACH ROW EXECUTE FUNCTION "raise_version_for_attestation"();
CREATE TRIGGER "attestation_requirements_version" AFTER INSERT OR UPDATE OR DELETE ON "attestation_requirements"
    FOR EACH ROW EXECUTE FUNCTION "raise_version_for_attestation"();

-- Tokens name the attestors and the rule on which they rest, so the end of these is written to the revocation log. The
-- head of the log is locked last, when the transaction commits.
CREATE FUNCTION "log_attestor"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_ended_edges(ARRAY[OLD."id"]);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "attestors_log" AFTER DELETE ON "attestors" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION "log_attestor"();

CREATE FUNCTION "log_enrolment_rule"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_ended_edges(ARRAY[OLD."edge_id"]);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "enrolment_rules_deleted_log" AFTER DELETE ON "enrolment_rules"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "log_enrolment_rule"();
CREATE CONSTRAINT TRIGGER "enrolment_rules_log" AFTER UPDATE ON "enrolment_rules" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD."edge_id" <> NEW."edge_id") EXECUTE FUNCTION "log_enrolment_rule"();

-- The id of an attestor, and the id of a rule, are in tokens and agents, so they never name another one.
CREATE FUNCTION "refuse_other_attestation_id"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'An attestor or a rule keeps its id and its operator' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER "attestors_fixed" BEFORE UPDATE ON "attestors" FOR EACH ROW
    WHEN (OLD."id" <> NEW."id" OR OLD."operator_id" <> NEW."operator_id" OR OLD."type" <> NEW."type")
    EXECUTE FUNCTION "refuse_other_attestation_id"();
CREATE TRIGGER "enrolment_rules_fixed" BEFORE UPDATE ON "enrolment_rules" FOR EACH ROW
    WHEN (OLD."id" <> NEW."id" OR OLD."operator_id" <> NEW."operator_id")
    EXECUTE FUNCTION "refuse_other_attestation_id"();

-- A rule has no more agents than its limit, over all processes. The check runs when a transaction commits, so agents
-- that enrol at the same time wait for each other only for this moment. Revoked agents do not count.
CREATE FUNCTION "check_places_of_rule"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    limit_of_rule integer := (SELECT ("content"->>'maxAgents')::integer FROM "enrolment_rules" WHERE "id" = NEW."enrolment_rule_id");
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW."enrolment_rule_id"::text, 0));
    IF (SELECT count(*) FROM "agents" WHERE "enrolment_rule_id" = NEW."enrolment_rule_id" AND "status" <> 'revoked')
        > limit_of_rule THEN
        RAISE EXCEPTION 'The enrolment rule has no place left' USING ERRCODE = 'A4A01';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "agents_places" AFTER INSERT OR UPDATE OF "enrolment_rule_id" ON "agents"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW."enrolment_rule_id" IS NOT NULL)
    EXECUTE FUNCTION "check_places_of_rule"();
