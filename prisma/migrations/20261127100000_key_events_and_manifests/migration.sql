-- CreateEnum
CREATE TYPE "key_event_type" AS ENUM ('inception', 'rotate', 'recover', 'add_key', 'remove_key', 'deactivate', 'move');

-- AlterTable
ALTER TABLE "operators" ADD COLUMN "founding_public_key" BYTEA,
ADD COLUMN "frozen_at" TIMESTAMPTZ(3),
ADD COLUMN "hide_allowed_scopes" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN "manifest_seq" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN "require_body_digest" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "agents" ADD COLUMN "moved_from" TEXT,
ADD COLUMN "moved_to" TEXT,
ADD COLUMN "objected_move_signed_at" TIMESTAMPTZ(3),
ADD COLUMN "release" TEXT,
ADD COLUMN "release_manifest_seq" INTEGER;

-- AlterTable
ALTER TABLE "agent_keys" ADD COLUMN "next" TEXT;

-- AlterTable
ALTER TABLE "audit_logs" ADD COLUMN "key_label" TEXT NOT NULL DEFAULT '',
ADD COLUMN "kid" TEXT NOT NULL DEFAULT '',
ADD COLUMN "signed_request_id" UUID;

-- CreateTable
CREATE TABLE "operator_manifests" (
    "operator_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "manifest" TEXT NOT NULL,
    "changes_root" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "operator_manifests_pkey" PRIMARY KEY ("operator_id","seq")
);

-- CreateTable
CREATE TABLE "agent_added_keys" (
    "agent_id" UUID NOT NULL,
    "thumbprint" TEXT NOT NULL,
    "public_jwk" JSONB NOT NULL,
    "label" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "agent_added_keys_pkey" PRIMARY KEY ("agent_id","thumbprint")
);

-- CreateTable
CREATE TABLE "agent_key_events" (
    "agent_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "type" "key_event_type" NOT NULL,
    "event" TEXT NOT NULL,
    "digest" BYTEA NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "agent_key_events_pkey" PRIMARY KEY ("agent_id","seq")
);

-- CreateTable
CREATE TABLE "agent_pending_events" (
    "agent_id" UUID NOT NULL,
    "type" "key_event_type" NOT NULL,
    "event" TEXT NOT NULL,
    "digest" BYTEA NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL,
    "effective_at" TIMESTAMPTZ(3) NOT NULL,
    "released_at" TIMESTAMPTZ(3),
    "release" TEXT,
    "release_manifest_seq" INTEGER,

    CONSTRAINT "agent_pending_events_pkey" PRIMARY KEY ("agent_id","type")
);

-- CreateTable
CREATE TABLE "signed_requests" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "rpc" TEXT NOT NULL,
    "signatures" TEXT[],
    "body" BYTEA,
    "body_digest" TEXT NOT NULL,

    CONSTRAINT "signed_requests_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "agent_pending_events_effective" ON "agent_pending_events"("type", "effective_at");

-- AddForeignKey
ALTER TABLE "operator_manifests" ADD CONSTRAINT "operator_manifests_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_added_keys" ADD CONSTRAINT "agent_added_keys_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_key_events" ADD CONSTRAINT "agent_key_events_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_pending_events" ADD CONSTRAINT "agent_pending_events_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;



-- What Prisma's schema cannot say.

ALTER TABLE "agent_pending_events" ADD CONSTRAINT "agent_pending_events_type" CHECK ("type" IN ('recover', 'move'));

-- The metric auth4agent_operators_frozen counts these rows often.
CREATE INDEX "operators_frozen" ON "operators"("id") WHERE "frozen_at" IS NOT NULL;

-- An event is never changed. Rows go only together with their agent, when a pending agent is removed.
CREATE TRIGGER "agent_key_events_no_update" BEFORE UPDATE OR TRUNCATE ON "agent_key_events"
    FOR EACH STATEMENT EXECUTE FUNCTION "append_only"();
CREATE TRIGGER "signed_requests_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "signed_requests"
    FOR EACH STATEMENT EXECUTE FUNCTION "append_only"();
CREATE TRIGGER "operator_manifests_no_update" BEFORE UPDATE OR TRUNCATE ON "operator_manifests"
    FOR EACH STATEMENT EXECUTE FUNCTION "append_only"();
