-- AlterTable
ALTER TABLE "issuers" ADD COLUMN     "anchor" TEXT;

-- CreateTable
CREATE TABLE "trust_anchors" (
    "entity_id" TEXT NOT NULL,
    "jwks" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "auto_admit" BOOLEAN NOT NULL,
    "permitted_names" TEXT[],
    "unpinned_kids" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "trust_anchors_pkey" PRIMARY KEY ("entity_id")
);

-- CreateTable
CREATE TABLE "trust_chains" (
    "subject" TEXT NOT NULL,
    "id" UUID NOT NULL,
    "anchor_id" TEXT NOT NULL,
    "statements" TEXT[],
    "found_at" TIMESTAMPTZ(3) NOT NULL,
    "refresh_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "problem" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "trust_chains_pkey" PRIMARY KEY ("subject")
);

-- CreateTable
CREATE TABLE "subordinates" (
    "entity_id" TEXT NOT NULL,
    "jwks" TEXT NOT NULL,
    "entity_types" TEXT[],
    "metadata_policy" TEXT NOT NULL DEFAULT '',
    "constraints" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "subordinates_pkey" PRIMARY KEY ("entity_id")
);

-- CreateIndex
CREATE INDEX "trust_chains_anchor" ON "trust_chains"("anchor_id");

-- CreateIndex
CREATE INDEX "trust_chains_expires" ON "trust_chains"("expires_at");

-- AddForeignKey
ALTER TABLE "trust_chains" ADD CONSTRAINT "trust_chains_anchor_id_fkey" FOREIGN KEY ("anchor_id") REFERENCES "trust_anchors"("entity_id") ON DELETE CASCADE ON UPDATE CASCADE;


-- What Prisma's schema cannot say.

-- An edge is never re-based on another anchor.
CREATE FUNCTION "keep_anchor"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The anchor of an issuer never changes';
END $$;
CREATE TRIGGER "issuers_keep_anchor" BEFORE UPDATE OF "anchor" ON "issuers"
    FOR EACH ROW WHEN (NEW."anchor" IS DISTINCT FROM OLD."anchor") EXECUTE FUNCTION "keep_anchor"();

-- Copies in memory know until when a chain counts.
CREATE TRIGGER "trust_chains_notify" AFTER INSERT OR UPDATE OR DELETE ON "trust_chains"
    FOR EACH STATEMENT EXECUTE FUNCTION "notify_trust"();
CREATE TRIGGER "trust_anchors_notify" AFTER INSERT OR UPDATE OR DELETE ON "trust_anchors"
    FOR EACH STATEMENT EXECUTE FUNCTION "notify_trust"();
