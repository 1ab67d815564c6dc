-- What Prisma's schema cannot say.

-- A verification that is answered from the database asks whether a newer version has written a kind of record that this one does not know.
CREATE INDEX "revocation_log_unknown" ON "revocation_log"("expires_at")
    WHERE "kind" NOT IN ('token', 'agent', 'operator', 'key', 'deployment');
