-- CreateIndex
CREATE INDEX "join_tokens_expires" ON "join_tokens"("expires_at");


-- What Prisma's schema cannot say.

-- The agents of a rule that were unused for longest are found without reading the others.
CREATE INDEX "agents_unused" ON "agents"("enrolment_rule_id", GREATEST("approved_at", "attested_until"))
    WHERE "enrolment_rule_id" IS NOT NULL AND "status" IN ('active', 'suspended');
CREATE INDEX "enrolment_rules_expiring" ON "enrolment_rules"((("content"->>'expireUnused')::integer))
    WHERE ("content"->>'expireUnused')::integer > 0;
