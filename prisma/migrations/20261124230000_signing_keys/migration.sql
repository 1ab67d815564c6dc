-- AlterTable
ALTER TABLE "operator_audiences" ADD COLUMN "token_signing_alg" TEXT;


-- What Prisma's schema cannot say.

ALTER TABLE "operator_audiences" ADD CONSTRAINT "operator_audiences_token_signing_alg"
    CHECK ("token_signing_alg" IN ('EdDSA', 'Ed25519', 'ES256', 'RS256'));

ALTER TABLE "jwks_keys" ADD CONSTRAINT "jwks_keys_alg" CHECK ("alg" IN ('EdDSA', 'Ed25519', 'ES256', 'RS256'));

-- What has signed or was given up never signs again, and what a key is never changes.
CREATE FUNCTION "key_goes_forward"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW."kid", NEW."purpose", NEW."alg", NEW."public_jwk") IS DISTINCT FROM (OLD."kid", OLD."purpose", OLD."alg", OLD."public_jwk") THEN
        RAISE EXCEPTION 'a signing key is what it is';
    END IF;
    IF NEW."state" <> OLD."state" AND NOT (
        (OLD."state" = 'prepared' AND NEW."state" = 'active')
        OR (OLD."state" = 'active' AND NEW."state" = 'retiring')
        OR (OLD."state" = 'retiring' AND NEW."state" = 'retired')
        OR NEW."state" = 'compromised'
    ) THEN
        RAISE EXCEPTION 'a signing key does not go from % to %', OLD."state", NEW."state";
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER "jwks_keys_forward" BEFORE UPDATE ON "jwks_keys" FOR EACH ROW EXECUTE FUNCTION "key_goes_forward"();

-- A key that leaves the key set is in the revocation log, so that verifiers which remember it refuse it from then on.
DROP TRIGGER "jwks_keys_log" ON "jwks_keys";
CREATE CONSTRAINT TRIGGER "jwks_keys_log" AFTER UPDATE OF "state" ON "jwks_keys" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."state" IN ('retired', 'compromised') AND OLD."state" <> NEW."state") EXECUTE FUNCTION "log_key"();
