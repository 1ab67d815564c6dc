-- CreateIndex
CREATE INDEX "audit_logs_subject" ON "audit_logs"("operator_id", "subject", "id" DESC);


-- What Prisma's schema cannot say.

-- One action of an operator, without the many tokens, which the index of all its records leads to.
CREATE INDEX "audit_logs_action" ON "audit_logs"("operator_id", "action", "id" DESC) WHERE "action" <> 'token.issue';
DROP INDEX "audit_logs_operator_changes";

-- Refusals, which are few among all that was done.
CREATE INDEX "audit_logs_refused" ON "audit_logs"("operator_id", "id" DESC) WHERE "outcome" = 'refused';
