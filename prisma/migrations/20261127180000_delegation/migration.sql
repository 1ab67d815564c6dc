-- AlterEnum
ALTER TYPE "key_purpose" ADD VALUE 'grant';

-- AlterTable
ALTER TABLE "operators" ADD COLUMN "delegate_to" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN "max_grant_ttl" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "agents" ADD COLUMN "max_delegation_depth" INTEGER NOT NULL DEFAULT 0;


-- What Prisma's schema cannot say.

-- PostgreSQL forbids using the new purpose in the transaction that adds it, so no constraint here names it.
ALTER TABLE "operators" ADD CONSTRAINT "operators_delegate_to"
    CHECK ("delegate_to" IS NOT NULL AND cardinality("delegate_to") <= 16);
ALTER TABLE "operators" ADD CONSTRAINT "operators_max_grant_ttl"
    CHECK ("max_grant_ttl" = 0 OR "max_grant_ttl" BETWEEN 60 AND 3600);
ALTER TABLE "agents" ADD CONSTRAINT "agents_max_delegation_depth" CHECK ("max_delegation_depth" BETWEEN 0 AND 8);
