-- CreateTable
CREATE TABLE "signal_streams" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "operator_id" UUID NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "delivery_method" TEXT NOT NULL,
    "endpoint_url" TEXT NOT NULL DEFAULT '',
    "wrapped_authorization" BYTEA,
    "kek_id" TEXT,
    "events_requested" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "status" TEXT NOT NULL DEFAULT 'enabled',
    "status_reason" TEXT NOT NULL DEFAULT '',
    "begins_anew" BOOLEAN NOT NULL DEFAULT false,
    "log_epoch" INTEGER NOT NULL,
    "sequence" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL,
    "part" INTEGER NOT NULL DEFAULT 0,
    "acknowledged" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "pending" JSONB NOT NULL DEFAULT '[]',
    "verified_at" TIMESTAMPTZ(3),
    "failures" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3),
    "claimed_by" UUID,
    "claimed_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "signal_streams_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "signal_subjects" (
    "stream_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "is_added" BOOLEAN NOT NULL,

    CONSTRAINT "signal_subjects_pkey" PRIMARY KEY ("stream_id","key")
);

-- CreateIndex
CREATE INDEX "signal_streams_operator" ON "signal_streams"("operator_id", "created_at");

-- AddForeignKey
ALTER TABLE "signal_streams" ADD CONSTRAINT "signal_streams_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "signal_subjects" ADD CONSTRAINT "signal_subjects_stream_id_fkey" FOREIGN KEY ("stream_id") REFERENCES "signal_streams"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- What Prisma's schema cannot say.

ALTER TABLE "signal_streams"
    ADD CONSTRAINT "signal_streams_delivery_method" CHECK ("delivery_method" IN ('push', 'poll')),
    ADD CONSTRAINT "signal_streams_endpoint_url" CHECK (("endpoint_url" <> '') = ("delivery_method" = 'push')),
    ADD CONSTRAINT "signal_streams_authorization" CHECK (
        "wrapped_authorization" IS NULL OR ("delivery_method" = 'push' AND "kek_id" IS NOT NULL)),
    ADD CONSTRAINT "signal_streams_status" CHECK ("status" IN ('enabled', 'paused', 'disabled'));

-- Push looks only for these.
CREATE INDEX "signal_streams_push" ON "signal_streams"("next_attempt_at") WHERE "delivery_method" = 'push';

-- Tells the processes that deliver events of a stream that was made, that has a new status or delivery, or that has
-- more pending events. They hear of new records in the log by its own notification.
CREATE FUNCTION "notify_signal_stream"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('auth4agent_signals', NEW."id"::text);
    RETURN NULL;
END $$;
CREATE TRIGGER "signal_streams_created" AFTER INSERT ON "signal_streams"
    FOR EACH ROW EXECUTE FUNCTION "notify_signal_stream"();
CREATE TRIGGER "signal_streams_changed" AFTER UPDATE ON "signal_streams" FOR EACH ROW
    WHEN (OLD."status" <> NEW."status" OR OLD."endpoint_url" <> NEW."endpoint_url"
        OR jsonb_array_length(NEW."pending") > jsonb_array_length(OLD."pending"))
    EXECUTE FUNCTION "notify_signal_stream"();

-- An operator that has lost its domain can make no calls any more, so nobody could delete its streams.
CREATE FUNCTION "delete_streams_of_operator"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM "signal_streams" WHERE "operator_id" = NEW."id";
    RETURN NULL;
END $$;
CREATE TRIGGER "operators_streams" AFTER UPDATE OF "status" ON "operators" FOR EACH ROW
    WHEN (NEW."status" IN ('released', 'superseded')) EXECUTE FUNCTION "delete_streams_of_operator"();
