-- Older processes: they do not name the column, so their records have the default.
ALTER TABLE "audit_logs" ADD COLUMN "trace_id" TEXT NOT NULL DEFAULT '';
