-- AlterEnum
ALTER TYPE "revocation_mode" ADD VALUE 'status_list';

-- AlterTable
ALTER TABLE "issuers" ADD COLUMN     "status_list_uri" TEXT;

-- With the mode status_list, the knowledge of revocations may be up to 5 minutes old.
ALTER TABLE "issuers" DROP CONSTRAINT "issuers_lifetimes",
ADD CONSTRAINT "issuers_lifetimes"
    CHECK ("max_token_ttl" BETWEEN 1 AND 3600 AND "max_staleness_ms" BETWEEN 2000 AND 300000);
