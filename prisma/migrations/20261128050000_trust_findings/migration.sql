-- DropIndex
DROP INDEX "issuer_keys_thumbprint_key";

-- CreateTable
CREATE TABLE "issuer_ended_keys" (
    "issuer_id" UUID NOT NULL,
    "kid" TEXT NOT NULL,
    "ended_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "issuer_ended_keys_pkey" PRIMARY KEY ("issuer_id","kid")
);

-- CreateIndex
CREATE UNIQUE INDEX "issuer_keys_thumbprint" ON "issuer_keys"("issuer_id", "thumbprint");

-- AddForeignKey
ALTER TABLE "issuer_ended_keys" ADD CONSTRAINT "issuer_ended_keys_issuer_id_fkey" FOREIGN KEY ("issuer_id") REFERENCES "issuers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What Prisma's schema cannot say.

-- Copies in memory must lose a key that has ended.
CREATE TRIGGER "issuer_ended_keys_notify" AFTER INSERT ON "issuer_ended_keys"
    FOR EACH STATEMENT EXECUTE FUNCTION "notify_trust"();

-- Processes of an older version that still run ask for kinds other than these five. Without this index they would
-- read the whole log with each check, because the index revocation_log_unknown does not contain issuers and edges.
CREATE INDEX "revocation_log_unknown_to_older" ON "revocation_log"("expires_at")
    WHERE "kind" NOT IN ('token', 'agent', 'operator', 'key', 'deployment');
