-- AlterTable
ALTER TABLE "signal_streams" ADD COLUMN     "newest" BIGINT NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "signal_dispatch" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "log_epoch" INTEGER NOT NULL,
    "sequence" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "signal_dispatch_pkey" PRIMARY KEY ("id")
);


-- What Prisma's schema cannot say.

ALTER TABLE "signal_dispatch" ADD CONSTRAINT "signal_dispatch_one" CHECK ("id" = 1);
INSERT INTO "signal_dispatch" ("log_epoch", "sequence", "hash") SELECT "log_epoch", "sequence", "hash" FROM "revocation_head";

-- For each record, these find the streams whose receivers have added its subject.
CREATE INDEX "signal_subjects_added" ON "signal_subjects"("key") WHERE "is_added";
CREATE INDEX "signal_subjects_domain" ON "signal_subjects"(split_part("key", ':', 3))
    WHERE "is_added" AND "key" LIKE 'sub did:agent:%';
