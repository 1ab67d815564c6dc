-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "operator_status" AS ENUM ('pending', 'active', 'lapsed', 'suspended', 'superseded', 'released');

-- CreateEnum
CREATE TYPE "agent_status" AS ENUM ('pending', 'active', 'suspended', 'revoked');

-- CreateEnum
CREATE TYPE "key_purpose" AS ENUM ('access_token');

-- CreateEnum
CREATE TYPE "key_state" AS ENUM ('prepared', 'active', 'retiring', 'retired', 'compromised');

-- CreateEnum
CREATE TYPE "audit_outcome" AS ENUM ('done', 'refused');

-- CreateTable
CREATE TABLE "deployment" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "issuer" TEXT NOT NULL,

    CONSTRAINT "deployment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operators" (
    "id" UUID NOT NULL,
    "domain" TEXT NOT NULL,
    "root_public_key" BYTEA NOT NULL,
    "root_key_thumbprint" TEXT NOT NULL,
    "status" "operator_status" NOT NULL DEFAULT 'pending',
    "version" INTEGER NOT NULL DEFAULT 1,
    "epoch" INTEGER NOT NULL DEFAULT 1,
    "require_bound_challenges" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "domain_verified_at" TIMESTAMPTZ(3),
    "suspended_at" TIMESTAMPTZ(3),
    "takeover_at" TIMESTAMPTZ(3),
    "failed_proofs" INTEGER NOT NULL DEFAULT 0,
    "next_proof_at" TIMESTAMPTZ(3),
    "lapsed_at" TIMESTAMPTZ(3),

    CONSTRAINT "operators_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operator_audiences" (
    "operator_id" UUID NOT NULL,
    "audience" TEXT NOT NULL,
    "callers" TEXT[],

    CONSTRAINT "operator_audiences_pkey" PRIMARY KEY ("operator_id","audience")
);

-- CreateTable
CREATE TABLE "agents" (
    "id" UUID NOT NULL,
    "operator_id" UUID NOT NULL,
    "did" TEXT NOT NULL,
    "label" TEXT NOT NULL DEFAULT '',
    "status" "agent_status" NOT NULL DEFAULT 'pending',
    "allowed_scopes" TEXT[],
    "require_bound_challenges" BOOLEAN NOT NULL DEFAULT false,
    "version" INTEGER NOT NULL DEFAULT 1,
    "epoch" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "approved_at" TIMESTAMPTZ(3),
    "suspended_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "agents_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agent_keys" (
    "agent_id" UUID NOT NULL,
    "public_key" BYTEA NOT NULL,
    "thumbprint" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "retired_at" TIMESTAMPTZ(3),

    CONSTRAINT "agent_keys_pkey" PRIMARY KEY ("agent_id","public_key")
);

-- CreateTable
CREATE TABLE "redemptions" (
    "challenge_id" UUID NOT NULL,
    "jti" TEXT NOT NULL,
    "agent_id" UUID NOT NULL,
    "key_thumbprint" TEXT NOT NULL,
    "keep_until" TIMESTAMPTZ(3) NOT NULL,
    "parent_jti" TEXT,
    "grant_id" UUID,

    CONSTRAINT "redemptions_pkey" PRIMARY KEY ("challenge_id")
);

-- CreateTable
CREATE TABLE "challenge_keys" (
    "slot" BIGINT NOT NULL,
    "id" TEXT NOT NULL,
    "wrapped_key" BYTEA NOT NULL,
    "kek_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "challenge_keys_pkey" PRIMARY KEY ("slot")
);

-- CreateTable
CREATE TABLE "jwks_keys" (
    "kid" TEXT NOT NULL,
    "purpose" "key_purpose" NOT NULL,
    "alg" TEXT NOT NULL,
    "state" "key_state" NOT NULL,
    "public_jwk" JSONB NOT NULL,
    "wrapped_key" BYTEA,
    "kek_id" TEXT,
    "external_ref" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "activated_at" TIMESTAMPTZ(3),
    "retiring_at" TIMESTAMPTZ(3),
    "retired_at" TIMESTAMPTZ(3),
    "compromised_at" TIMESTAMPTZ(3),

    CONSTRAINT "jwks_keys_pkey" PRIMARY KEY ("kid")
);

-- CreateTable
CREATE TABLE "revoked_tokens" (
    "operator_id" UUID NOT NULL,
    "jti" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "revoked_tokens_pkey" PRIMARY KEY ("operator_id","jti")
);

-- CreateTable
CREATE TABLE "used_assertions" (
    "issuer" TEXT NOT NULL,
    "jti" TEXT NOT NULL,
    "keep_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "used_assertions_pkey" PRIMARY KEY ("issuer","jti")
);

-- CreateTable
CREATE TABLE "audit_logs" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "operator_id" UUID,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "outcome" "audit_outcome" NOT NULL,
    "reason" TEXT NOT NULL DEFAULT '',
    "request_id" TEXT NOT NULL,

    CONSTRAINT "audit_logs_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "operators_domain_status" ON "operators"("domain", "status");

-- CreateIndex
CREATE INDEX "operators_next_proof" ON "operators"("next_proof_at");

-- CreateIndex
CREATE INDEX "operators_expires" ON "operators"("expires_at");

-- CreateIndex
CREATE INDEX "agents_operator_status" ON "agents"("operator_id", "status", "id");

-- CreateIndex
CREATE INDEX "agents_expires" ON "agents"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "agents_operator_did" ON "agents"("operator_id", "did");

-- CreateIndex
CREATE INDEX "redemptions_keep_until" ON "redemptions"("keep_until");

-- CreateIndex
CREATE UNIQUE INDEX "challenge_keys_id_key" ON "challenge_keys"("id");

-- CreateIndex
CREATE INDEX "revoked_tokens_expires" ON "revoked_tokens"("expires_at");

-- CreateIndex
CREATE INDEX "used_assertions_keep_until" ON "used_assertions"("keep_until");

-- CreateIndex
CREATE INDEX "audit_logs_operator" ON "audit_logs"("operator_id", "id" DESC);

-- AddForeignKey
ALTER TABLE "operator_audiences" ADD CONSTRAINT "operator_audiences_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agents" ADD CONSTRAINT "agents_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_keys" ADD CONSTRAINT "agent_keys_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;



-- What Prisma's schema cannot say.

-- A database belongs to one issuer.
ALTER TABLE "deployment" ADD CONSTRAINT "deployment_one_row" CHECK ("id" = 1);

-- A domain has one owner at most.
CREATE UNIQUE INDEX "operators_owner" ON "operators"("domain") WHERE "status" IN ('active', 'lapsed', 'suspended');

-- An agent has one current key at most.
CREATE UNIQUE INDEX "agent_keys_current" ON "agent_keys"("agent_id") WHERE "retired_at" IS NULL;

-- One active signing key a purpose and algorithm at most.
CREATE UNIQUE INDEX "jwks_keys_active" ON "jwks_keys"("purpose", "alg") WHERE "state" = 'active';

-- A private half is here or elsewhere, and gone once it cannot be needed.
ALTER TABLE "jwks_keys" ADD CONSTRAINT "jwks_keys_private_half" CHECK (
    CASE WHEN "state" IN ('retired', 'compromised') THEN "wrapped_key" IS NULL
         ELSE ("wrapped_key" IS NULL) <> ("external_ref" IS NULL) END
);

-- What was done to an operator and its agents, without stepping over all the tokens in between.
CREATE INDEX "audit_logs_operator_changes" ON "audit_logs"("operator_id", "id" DESC) WHERE "action" <> 'token.issue';

-- Epochs and versions only rise.
CREATE FUNCTION "only_rises"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW."epoch" < OLD."epoch" OR NEW."version" < OLD."version" THEN
        RAISE EXCEPTION '% may not lower an epoch or a version', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER "operators_only_rise" BEFORE UPDATE ON "operators" FOR EACH ROW EXECUTE FUNCTION "only_rises"();
CREATE TRIGGER "agents_only_rise" BEFORE UPDATE ON "agents" FOR EACH ROW EXECUTE FUNCTION "only_rises"();

-- The audit is append-only.
CREATE FUNCTION "append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER "audit_logs_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_logs"
    FOR EACH STATEMENT EXECUTE FUNCTION "append_only"();
