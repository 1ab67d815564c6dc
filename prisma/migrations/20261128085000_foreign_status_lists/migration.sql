-- AlterEnum
ALTER TYPE "revocation_mode" ADD VALUE 'status_list';

-- AlterTable
ALTER TABLE "issuers" ADD COLUMN     "status_list_uri" TEXT;
