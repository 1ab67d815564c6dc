-- AlterEnum
ALTER TYPE "key_purpose" ADD VALUE 'introspection';

-- AlterTable
ALTER TABLE "operator_audiences" ADD COLUMN "dpop" TEXT;


-- What Prisma's schema cannot say.

-- PostgreSQL forbids using the new purpose in the transaction that adds it, so no constraint here names it.
ALTER TABLE "operator_audiences" ADD CONSTRAINT "operator_audiences_dpop"
    CHECK ("dpop" IN ('required', 'required-with-nonce'));
