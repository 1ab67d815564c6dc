-- AlterTable
ALTER TABLE "operator_audiences" ADD COLUMN     "token_status" TEXT;

-- CreateTable
CREATE TABLE "status_lists" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "alg" TEXT NOT NULL,
    "blocks" INTEGER NOT NULL DEFAULT 0,
    "secret" BYTEA NOT NULL,
    "timeline" INTEGER NOT NULL,
    "first_epoch" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ends_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "status_lists_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "status_entries" (
    "list_id" UUID NOT NULL,
    "idx" INTEGER NOT NULL,
    "part" INTEGER NOT NULL,
    "operator_id" UUID NOT NULL,
    "sub" TEXT NOT NULL,
    "jti" TEXT NOT NULL,
    "agent_epoch" INTEGER NOT NULL,
    "operator_epoch" INTEGER NOT NULL,
    "kid" TEXT NOT NULL,
    "edges" TEXT[],
    "issuer" TEXT,
    "generation" INTEGER,
    "chained" JSONB,
    "keep_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "status_entries_pkey" PRIMARY KEY ("list_id","idx","part")
);

-- CreateIndex
CREATE INDEX "status_lists_ends" ON "status_lists"("ends_at");

-- CreateIndex
CREATE INDEX "status_entries_keep_until" ON "status_entries"("keep_until");


-- What Prisma's schema cannot say.

ALTER TABLE "status_lists" ADD CONSTRAINT "status_lists_blocks" CHECK ("blocks" BETWEEN 0 AND 1024);
ALTER TABLE "status_entries" ADD CONSTRAINT "status_entries_idx" CHECK ("idx" BETWEEN 0 AND 1048575);

-- The maker of a list asks other deployments about these.
CREATE INDEX "status_entries_chained" ON "status_entries"("list_id") WHERE "chained" IS NOT NULL;

-- A block that was reserved stays reserved, so no two tokens ever have the same place.
CREATE FUNCTION "keep_reserved_blocks"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW."blocks" < OLD."blocks" OR NEW."secret" <> OLD."secret" OR NEW."alg" <> OLD."alg" THEN
        RAISE EXCEPTION 'The reserved blocks of a status list cannot change';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER "status_lists_reserved" BEFORE UPDATE ON "status_lists"
    FOR EACH ROW EXECUTE FUNCTION "keep_reserved_blocks"();
