-- AlterTable
ALTER TABLE "signal_streams" ADD COLUMN     "last_failure" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "last_failure_at" TIMESTAMPTZ(3);
