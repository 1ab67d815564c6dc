-- Reads both tables, while others read and write them.
ALTER TABLE "audit_logs" VALIDATE CONSTRAINT "audit_logs_first_ids";
ALTER TABLE "signed_requests" VALIDATE CONSTRAINT "signed_requests_first_ids";
