-- AlterTable
ALTER TABLE "deployment" ADD COLUMN "first_epoch" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN "bus_key" BYTEA NOT NULL DEFAULT decode(replace((gen_random_uuid())::text || (gen_random_uuid())::text, '-'::text, ''::text), 'hex'::text);

-- CreateTable
CREATE TABLE "revocation_log" (
    "sequence" BIGINT NOT NULL,
    "log_epoch" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "operator_id" UUID,
    "subject" TEXT NOT NULL,
    "minimum_epoch" INTEGER NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "previous_hash" BYTEA NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "revocation_log_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "revocation_head" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "log_epoch" INTEGER NOT NULL DEFAULT 1,
    "sequence" BIGINT NOT NULL DEFAULT 0,
    "hash" BYTEA NOT NULL,
    "previous_hash" BYTEA NOT NULL,
    "timeline" INTEGER NOT NULL,
    "compacted_through" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "revocation_head_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "verifiers" (
    "incarnation" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "lease_ms" INTEGER NOT NULL,
    "renewals" INTEGER NOT NULL DEFAULT 0,
    "log_epoch" INTEGER NOT NULL DEFAULT 0,
    "acknowledged" BIGINT NOT NULL DEFAULT 0,
    "joined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "verifiers_pkey" PRIMARY KEY ("incarnation")
);

-- CreateIndex
CREATE INDEX "revocation_log_expires" ON "revocation_log"("expires_at");


-- What Prisma's schema cannot say.

ALTER TABLE "revocation_head" ADD CONSTRAINT "revocation_head_one_row" CHECK ("id" = 1);

-- A promotion of a standby begins a new timeline, and with it a new log epoch. Fails on a standby.
CREATE FUNCTION "wal_timeline"() RETURNS integer LANGUAGE sql VOLATILE AS $$
    SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer
$$;

INSERT INTO "revocation_head" ("hash", "previous_hash", "timeline") VALUES ('\x', '\x', wal_timeline());

-- Appends a record. Called when a transaction commits, so the head, which serialises these commits, is locked last and shortly.
CREATE FUNCTION "append_revocation"(_kind text, _operator uuid, _subject text, _minimum integer, _expires timestamptz)
RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    at timestamptz := date_trunc('milliseconds', clock_timestamp());
    until timestamptz := date_trunc('milliseconds', _expires);
    now_on integer := wal_timeline();
    head "revocation_head";
BEGIN
    UPDATE "revocation_head" SET
        "sequence" = "sequence" + 1,
        "log_epoch" = "log_epoch" + CASE WHEN "timeline" = now_on THEN 0 ELSE 1 END,
        "timeline" = now_on,
        "previous_hash" = "hash",
        "hash" = sha256("hash" || convert_to(concat_ws(E'\n',
            "log_epoch" + CASE WHEN "timeline" = now_on THEN 0 ELSE 1 END, "sequence" + 1, _kind,
            coalesce(_operator::text, ''), _subject, _minimum,
            (extract(epoch FROM until) * 1000)::bigint, (extract(epoch FROM at) * 1000)::bigint), 'UTF8'))
    RETURNING * INTO STRICT head;
    INSERT INTO "revocation_log"
        ("sequence", "log_epoch", "kind", "operator_id", "subject", "minimum_epoch", "expires_at", "recorded_at", "previous_hash", "hash")
    VALUES (head."sequence", head."log_epoch", _kind, _operator, _subject, _minimum, until, at, head."previous_hash", head."hash");
    PERFORM pg_notify('auth4agent_revocation', head."sequence"::text);
END $$;

-- The longest life of a token, an hour, and five minutes for clocks that differ.
CREATE FUNCTION "tokens_have_expired"() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp() + interval '65 minutes'
$$;

CREATE FUNCTION "log_operator"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_revocation('operator', NEW."id", '', NEW."epoch", tokens_have_expired());
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "operators_log" AFTER UPDATE OF "epoch" ON "operators" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."epoch" > OLD."epoch") EXECUTE FUNCTION "log_operator"();

CREATE FUNCTION "log_agent"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_revocation('agent', NEW."operator_id", NEW."did", NEW."epoch", tokens_have_expired());
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "agents_log" AFTER UPDATE OF "epoch" ON "agents" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."epoch" > OLD."epoch") EXECUTE FUNCTION "log_agent"();

CREATE FUNCTION "log_token"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_revocation('token', NEW."operator_id", NEW."jti", 0, NEW."expires_at");
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "revoked_tokens_log" AFTER INSERT ON "revoked_tokens" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION "log_token"();

CREATE FUNCTION "log_key"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_revocation('key', NULL, NEW."kid", 0, tokens_have_expired());
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "jwks_keys_log" AFTER UPDATE OF "state" ON "jwks_keys" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."state" = 'compromised' AND OLD."state" <> 'compromised') EXECUTE FUNCTION "log_key"();

CREATE FUNCTION "log_deployment"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_revocation('deployment', NULL, '', NEW."first_epoch", tokens_have_expired());
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "deployment_log" AFTER UPDATE OF "first_epoch" ON "deployment" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."first_epoch" > OLD."first_epoch") EXECUTE FUNCTION "log_deployment"();

-- An operator's epoch counts as no less than the deployment's first epoch, which after a restore is beyond all that were lost.
-- So it goes on from there when it is raised the next time.
CREATE FUNCTION "raise_from_first_epoch"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW."epoch" := greatest(OLD."epoch", (SELECT "first_epoch" FROM "deployment")) + NEW."epoch" - OLD."epoch";
    RETURN NEW;
END $$;
CREATE TRIGGER "operators_first_epoch" BEFORE UPDATE OF "epoch" ON "operators"
    FOR EACH ROW WHEN (NEW."epoch" > OLD."epoch") EXECUTE FUNCTION "raise_from_first_epoch"();

-- What was ended before there was a log, and may be unexpired. The head is written once: each version of a row that its own
-- transaction made is read again by the next change of it, and others wait for this.
DO $$
DECLARE
    head "revocation_head";
    row record;
    at timestamptz := date_trunc('milliseconds', clock_timestamp());
BEGIN
    SELECT * INTO STRICT head FROM "revocation_head";
    FOR row IN
        SELECT 'token' AS "kind", "operator_id", "jti" AS "subject", 0 AS "epoch", "expires_at" AS "until"
        FROM "revoked_tokens" WHERE "expires_at" > now()
        UNION ALL SELECT 'operator', "id", '', "epoch", tokens_have_expired() FROM "operators" WHERE "epoch" > 1
        UNION ALL SELECT 'agent', "operator_id", "did", "epoch", tokens_have_expired() FROM "agents" WHERE "epoch" > 1
        UNION ALL SELECT 'key', NULL, "kid", 0, tokens_have_expired() FROM "jwks_keys" WHERE "state" = 'compromised'
    LOOP
        row."until" := date_trunc('milliseconds', row."until");
        head."sequence" := head."sequence" + 1;
        head."previous_hash" := head."hash";
        head."hash" := sha256(head."hash" || convert_to(concat_ws(E'\n',
            head."log_epoch", head."sequence", row."kind", coalesce(row."operator_id"::text, ''), row."subject", row."epoch",
            (extract(epoch FROM row."until") * 1000)::bigint, (extract(epoch FROM at) * 1000)::bigint), 'UTF8'));
        INSERT INTO "revocation_log"
            ("sequence", "log_epoch", "kind", "operator_id", "subject", "minimum_epoch", "expires_at", "recorded_at", "previous_hash", "hash")
        VALUES (head."sequence", head."log_epoch", row."kind", row."operator_id", row."subject", row."epoch", row."until", at,
            head."previous_hash", head."hash");
    END LOOP;
    UPDATE "revocation_head" SET "sequence" = head."sequence", "hash" = head."hash", "previous_hash" = head."previous_hash";
END $$;
