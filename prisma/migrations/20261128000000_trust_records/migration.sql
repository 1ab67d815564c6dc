-- What Prisma's schema cannot say.

-- The log has two more kinds of records: issuer and edge.
DROP INDEX "revocation_log_unknown";
CREATE INDEX "revocation_log_unknown" ON "revocation_log"("expires_at")
    WHERE "kind" NOT IN ('token', 'agent', 'operator', 'key', 'deployment', 'issuer', 'edge');

-- A check that is answered from the database looks for the records of some issuers and edges.
CREATE INDEX "revocation_log_trust" ON "revocation_log"("kind", "subject") WHERE "kind" IN ('issuer', 'edge');
