-- No process keeps a copy of all statements any more. It remembers those between two parties for a minute, and the
-- revocation log tells what of them has ended.
DROP TRIGGER "trust_statements_notify" ON "trust_statements";
