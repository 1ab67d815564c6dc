-- OpenID providers at which the users of an operator sign in.
CREATE TABLE "identity_providers" (
    "id" UUID NOT NULL,
    "edge_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "operator_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "wrapped_secret" BYTEA NOT NULL,
    "kek_id" TEXT NOT NULL,
    "auth_method" TEXT NOT NULL,
    "scopes" TEXT[],
    "subject_claim" TEXT NOT NULL,
    "required_claims" JSONB NOT NULL,
    "groups_claim" TEXT NOT NULL,
    "signals" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "identity_providers_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "identity_providers_operator_name" ON "identity_providers"("operator_id", "name");

ALTER TABLE "identity_providers" ADD CONSTRAINT "identity_providers_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A provider that is removed, or that gets another edge, ends the tokens of its users.
CREATE CONSTRAINT TRIGGER "identity_providers_log" AFTER DELETE ON "identity_providers"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "log_edge"();
CREATE CONSTRAINT TRIGGER "identity_providers_changed_log" AFTER UPDATE OF "edge_id" ON "identity_providers"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW."edge_id" <> OLD."edge_id") EXECUTE FUNCTION "log_edge"();

-- An operator that has lost its domain can make no calls any more, so nobody could remove its providers.
CREATE FUNCTION "delete_providers_of_operator"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM "identity_providers" WHERE "operator_id" = NEW."id";
    RETURN NULL;
END $$;
CREATE TRIGGER "operators_providers" AFTER UPDATE OF "status" ON "operators" FOR EACH ROW
    WHEN (NEW."status" IN ('released', 'superseded')) EXECUTE FUNCTION "delete_providers_of_operator"();
