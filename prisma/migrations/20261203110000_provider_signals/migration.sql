-- What a logout at the provider ends: sessions, or also tokens. Empty for a provider that sends no logouts.
ALTER TABLE "identity_providers" ADD COLUMN "on_logout" TEXT NOT NULL DEFAULT '';

-- The session at the provider, which a logout token names.
ALTER TABLE "web_sessions" ADD COLUMN "sid" TEXT NOT NULL DEFAULT '';

-- Older processes: they neither read nor write the column. The table has the sessions of 8 hours, so the lock is short.
CREATE INDEX "web_sessions_sid" ON "web_sessions"("provider_id", "sid");
