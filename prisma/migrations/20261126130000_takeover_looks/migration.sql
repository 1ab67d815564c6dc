-- AlterTable
ALTER TABLE "operators" ADD COLUMN "takeover_looks" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN "next_look_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "operators_next_look" ON "operators"("next_look_at");


-- What Prisma's schema cannot say.

-- Who waits already begins to be looked at.
UPDATE "operators" SET "next_look_at" = now() WHERE "takeover_at" IS NOT NULL;
