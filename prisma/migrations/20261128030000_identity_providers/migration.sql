-- CreateTable
CREATE TABLE "issuer_subjects" (
    "edge_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "issuer_id" UUID NOT NULL,
    "tenant" TEXT NOT NULL,
    "sub" TEXT NOT NULL,
    "operator_id" UUID NOT NULL,
    "subject" TEXT NOT NULL,
    "audiences" TEXT[],
    "scopes" TEXT[],
    "put_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "issuer_subjects_pkey" PRIMARY KEY ("edge_id")
);

-- CreateIndex
CREATE INDEX "issuer_subjects_page" ON "issuer_subjects"("issuer_id", "put_at" DESC, "edge_id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "issuer_subjects_subject" ON "issuer_subjects"("issuer_id", "tenant", "sub", "operator_id");

-- AddForeignKey
ALTER TABLE "issuer_subjects" ADD CONSTRAINT "issuer_subjects_issuer_id_fkey" FOREIGN KEY ("issuer_id") REFERENCES "issuers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What Prisma's schema cannot say.

-- A rule that is removed or changed ends its tokens. A changed rule has a new id.
CREATE CONSTRAINT TRIGGER "issuer_subjects_log" AFTER DELETE ON "issuer_subjects" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION "log_edge"();
CREATE CONSTRAINT TRIGGER "issuer_subjects_changed_log" AFTER UPDATE OF "edge_id" ON "issuer_subjects"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW."edge_id" <> OLD."edge_id") EXECUTE FUNCTION "log_edge"();
