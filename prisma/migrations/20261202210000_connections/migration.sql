-- Some clients want to know how long ago the person authenticated.
ALTER TABLE "web_sessions" ADD COLUMN "auth_time" TIMESTAMPTZ(3);

-- The key of the MACs in refresh tokens, sealed under the key-encryption key.
ALTER TABLE "deployment" ADD COLUMN "refresh_key_id" TEXT,
    ADD COLUMN "wrapped_refresh_key" BYTEA,
    ADD COLUMN "refresh_kek_id" TEXT;

-- What users let clients do, and who is connected because of it.
CREATE TABLE "consents" (
    "id" UUID NOT NULL,
    "edge_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "operator_id" UUID NOT NULL,
    "subject" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "audience" TEXT NOT NULL,
    "owner_id" UUID NOT NULL,
    "capabilities" TEXT[],
    "client_digest" TEXT NOT NULL,
    "given_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "consents_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "connections" (
    "id" UUID NOT NULL,
    "consent_id" UUID NOT NULL,
    "scopes" TEXT[],
    "jkt" TEXT NOT NULL,
    "client_edge" UUID NOT NULL,
    "vouched_at" TIMESTAMPTZ(3) NOT NULL,
    "n" INTEGER NOT NULL DEFAULT 0,
    "moved_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "connections_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "consents_user_client_audience" ON "consents"("operator_id", "subject", "client_id", "audience");
CREATE INDEX "consents_operator" ON "consents"("operator_id", "given_at", "id");
CREATE INDEX "consents_operator_client" ON "consents"("operator_id", "client_id", "given_at", "id");
CREATE INDEX "consents_operator_audience" ON "consents"("operator_id", "audience", "given_at", "id");
CREATE INDEX "consents_owner" ON "consents"("owner_id", "given_at", "id");
CREATE INDEX "consents_owner_subject" ON "consents"("owner_id", "subject", "given_at", "id");
CREATE INDEX "consents_owner_client" ON "consents"("owner_id", "client_id", "given_at", "id");
CREATE INDEX "consents_owner_audience" ON "consents"("owner_id", "audience", "given_at", "id");
CREATE INDEX "connections_consent" ON "connections"("consent_id", "created_at");
CREATE INDEX "connections_expires" ON "connections"("expires_at");

ALTER TABLE "consents" ADD CONSTRAINT "consents_operator_id_subject_fkey" FOREIGN KEY ("operator_id", "subject") REFERENCES "users"("operator_id", "subject") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "connections" ADD CONSTRAINT "connections_consent_id_fkey" FOREIGN KEY ("consent_id") REFERENCES "consents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A consent that is withdrawn, or that becomes narrower, ends the tokens of its client for its user.
CREATE CONSTRAINT TRIGGER "consents_log" AFTER DELETE ON "consents"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "log_edge"();
CREATE CONSTRAINT TRIGGER "consents_changed_log" AFTER UPDATE OF "edge_id" ON "consents"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW."edge_id" <> OLD."edge_id") EXECUTE FUNCTION "log_edge"();

-- The id of a connection is the edge of its tokens, none of which lives longer than it.
CREATE FUNCTION "log_connection"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_revocation('edge', NULL, OLD."id"::text, 0, tokens_have_expired());
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "connections_log" AFTER DELETE ON "connections"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD."expires_at" > now() - interval '10 minutes') EXECUTE FUNCTION "log_connection"();
