-- CreateEnum
CREATE TYPE "issuer_kind" AS ENUM ('auth4agent', 'oauth');

-- CreateEnum
CREATE TYPE "issuer_status" AS ENUM ('enabled', 'disabled');

-- CreateEnum
CREATE TYPE "revocation_mode" AS ENUM ('log', 'introspection', 'none');

-- CreateEnum
CREATE TYPE "trust_kind" AS ENUM ('lets-call', 'accepts-members-of', 'member', 'blocks', 'chains-to');

-- CreateEnum
CREATE TYPE "trust_end" AS ENUM ('revoked', 'narrowed');

-- CreateTable
CREATE TABLE "issuers" (
    "id" UUID NOT NULL,
    "issuer" TEXT NOT NULL,
    "kind" "issuer_kind" NOT NULL,
    "status" "issuer_status" NOT NULL DEFAULT 'enabled',
    "algorithms" TEXT[],
    "token_type" TEXT NOT NULL,
    "jwks_uri" TEXT NOT NULL,
    "revocation_mode" "revocation_mode" NOT NULL,
    "introspection_uri" TEXT,
    "acts_as" TEXT,
    "wrapped_secret" BYTEA,
    "kek_id" TEXT,
    "max_token_ttl" INTEGER NOT NULL,
    "max_staleness_ms" INTEGER NOT NULL,
    "generation" INTEGER NOT NULL DEFAULT 1,
    "accepted_from" TIMESTAMPTZ(3),
    "keys_due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "keys_as_of" TIMESTAMPTZ(3),
    "keys_date" TIMESTAMPTZ(3),
    "keys_problem" TEXT NOT NULL DEFAULT '',
    "statements_due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "statements_problem" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "issuers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "issuer_keys" (
    "issuer_id" UUID NOT NULL,
    "kid" TEXT NOT NULL,
    "alg" TEXT NOT NULL,
    "public_jwk" JSONB NOT NULL,
    "thumbprint" TEXT NOT NULL,
    "first_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "absent_since" TIMESTAMPTZ(3),
    "withdrawn_at" TIMESTAMPTZ(3),

    CONSTRAINT "issuer_keys_pkey" PRIMARY KEY ("issuer_id","kid")
);

-- CreateTable
CREATE TABLE "issuer_domains" (
    "edge_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "issuer_id" UUID NOT NULL,
    "domain" TEXT NOT NULL,
    "operator_id" UUID NOT NULL,
    "thumbprint" TEXT,
    "proven_at" TIMESTAMPTZ(3),
    "next_proof_at" TIMESTAMPTZ(3),
    "failed_proofs" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "issuer_domains_pkey" PRIMARY KEY ("edge_id")
);

-- CreateTable
CREATE TABLE "trust_statements" (
    "edge_id" UUID NOT NULL,
    "jti" TEXT NOT NULL,
    "kind" "trust_kind" NOT NULL,
    "signer_id" UUID NOT NULL,
    "home" TEXT NOT NULL,
    "domain" TEXT NOT NULL,
    "subject_id" UUID NOT NULL,
    "subject_home" TEXT NOT NULL,
    "subject_domain" TEXT NOT NULL,
    "depth" INTEGER NOT NULL,
    "grants" JSONB NOT NULL,
    "aud" TEXT[],
    "is_public" BOOLEAN NOT NULL,
    "version" INTEGER NOT NULL,
    "issued_at" TIMESTAMPTZ(3) NOT NULL,
    "not_before" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "statement" TEXT NOT NULL,
    "kid" TEXT NOT NULL,
    "put_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "replaced_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),
    "end" "trust_end",
    "issuer_id" UUID,
    "unlisted_at" TIMESTAMPTZ(3),
    "signer_epoch" INTEGER,

    CONSTRAINT "trust_statements_pkey" PRIMARY KEY ("edge_id")
);

-- CreateTable
CREATE TABLE "trust_proposals" (
    "id" UUID NOT NULL,
    "proposer_id" UUID NOT NULL,
    "signer_id" UUID NOT NULL,
    "draft" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "trust_proposals_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "issuers_issuer_key" ON "issuers"("issuer");

-- CreateIndex
CREATE UNIQUE INDEX "issuer_keys_thumbprint_key" ON "issuer_keys"("thumbprint");

-- CreateIndex
CREATE UNIQUE INDEX "issuer_domains_operator_id_key" ON "issuer_domains"("operator_id");

-- CreateIndex
CREATE INDEX "issuer_domains_next_proof" ON "issuer_domains"("next_proof_at");

-- CreateIndex
CREATE UNIQUE INDEX "issuer_domains_issuer_domain" ON "issuer_domains"("issuer_id", "domain");

-- CreateIndex
CREATE INDEX "trust_statements_signer" ON "trust_statements"("signer_id", "put_at" DESC);

-- CreateIndex
CREATE INDEX "trust_statements_subject" ON "trust_statements"("subject_id", "put_at" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "trust_statements_version" ON "trust_statements"("home", "signer_id", "kind", "subject_id", "version");

-- CreateIndex
CREATE INDEX "trust_proposals_signer" ON "trust_proposals"("signer_id", "created_at");

-- CreateIndex
CREATE INDEX "trust_proposals_expires" ON "trust_proposals"("expires_at");

-- AddForeignKey
ALTER TABLE "issuer_keys" ADD CONSTRAINT "issuer_keys_issuer_id_fkey" FOREIGN KEY ("issuer_id") REFERENCES "issuers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "issuer_domains" ADD CONSTRAINT "issuer_domains_issuer_id_fkey" FOREIGN KEY ("issuer_id") REFERENCES "issuers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "trust_statements" ADD CONSTRAINT "trust_statements_issuer_id_fkey" FOREIGN KEY ("issuer_id") REFERENCES "issuers"("id") ON DELETE SET NULL ON UPDATE CASCADE;


-- What Prisma's schema cannot say.

ALTER TABLE "issuers" ADD CONSTRAINT "issuers_lifetimes"
    CHECK ("max_token_ttl" BETWEEN 1 AND 3600 AND "max_staleness_ms" BETWEEN 2000 AND 60000);
ALTER TABLE "trust_statements" ADD CONSTRAINT "trust_statements_depth"
    CHECK ("depth" BETWEEN 0 AND 2 AND ("depth" > 0) = ("kind" = 'accepts-members-of'));
ALTER TABLE "trust_statements" ADD CONSTRAINT "trust_statements_end" CHECK (("ended_at" IS NULL) = ("end" IS NULL));

-- A signer has at most one statement of each kind about each subject that is neither replaced nor ended.
CREATE UNIQUE INDEX "trust_statements_live" ON "trust_statements"("home", "signer_id", "kind", "subject_id")
    WHERE "replaced_at" IS NULL AND "ended_at" IS NULL;

-- What ends here ends tokens, so it is written to the revocation log when the transaction commits.
CREATE FUNCTION "log_issuer"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_revocation('issuer', NULL, NEW."issuer", NEW."generation", tokens_have_expired());
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "issuers_log" AFTER UPDATE OF "generation" ON "issuers" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."generation" > OLD."generation") EXECUTE FUNCTION "log_issuer"();

CREATE FUNCTION "log_edge"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_revocation('edge', NULL, OLD."edge_id"::text, 0, tokens_have_expired());
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "issuer_domains_log" AFTER DELETE ON "issuer_domains" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION "log_edge"();
CREATE CONSTRAINT TRIGGER "trust_statements_log" AFTER UPDATE OF "ended_at" ON "trust_statements" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."ended_at" IS NOT NULL AND OLD."ended_at" IS NULL) EXECUTE FUNCTION "log_edge"();

-- A block makes the owner's other edges begin anew under other ids, so that everything that they have allowed ends.
CREATE CONSTRAINT TRIGGER "trust_statements_renamed_log" AFTER UPDATE OF "edge_id" ON "trust_statements"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW."edge_id" <> OLD."edge_id") EXECUTE FUNCTION "log_edge"();

-- A statement is proof of what was allowed, so it stays.
CREATE TRIGGER "trust_statements_no_delete" BEFORE DELETE OR TRUNCATE ON "trust_statements"
    FOR EACH STATEMENT EXECUTE FUNCTION "append_only"();

-- Copies in memory are read again when anything has been added or changed.
CREATE FUNCTION "notify_trust"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('auth4agent_trust', '');
    RETURN NULL;
END $$;
CREATE TRIGGER "issuers_notify" AFTER INSERT OR UPDATE OF "status", "generation", "keys_as_of" ON "issuers"
    FOR EACH STATEMENT EXECUTE FUNCTION "notify_trust"();
CREATE TRIGGER "issuer_keys_notify" AFTER INSERT OR UPDATE OR DELETE ON "issuer_keys"
    FOR EACH STATEMENT EXECUTE FUNCTION "notify_trust"();
CREATE TRIGGER "issuer_domains_notify" AFTER INSERT OR UPDATE OR DELETE ON "issuer_domains"
    FOR EACH STATEMENT EXECUTE FUNCTION "notify_trust"();
CREATE TRIGGER "trust_statements_notify" AFTER INSERT OR UPDATE ON "trust_statements"
    FOR EACH STATEMENT EXECUTE FUNCTION "notify_trust"();
