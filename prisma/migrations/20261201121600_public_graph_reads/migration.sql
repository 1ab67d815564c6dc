-- What Prisma's schema cannot say.

-- Everybody may ask for the public graph, all of it or around a domain. Such a read must not visit other statements.
CREATE INDEX "trust_statements_public" ON "trust_statements"("edge_id")
    WHERE "is_public" AND "replaced_at" IS NULL AND "ended_at" IS NULL AND "unlisted_at" IS NULL;
CREATE INDEX "trust_statements_domain" ON "trust_statements"("domain")
    WHERE "replaced_at" IS NULL AND "ended_at" IS NULL;
CREATE INDEX "trust_statements_subject_domain" ON "trust_statements"("subject_domain")
    WHERE "replaced_at" IS NULL AND "ended_at" IS NULL;
