-- AlterTable
ALTER TABLE "revocation_log" ADD COLUMN     "cause" JSONB;

-- CreateIndex
CREATE INDEX "revocation_log_operator" ON "revocation_log"("operator_id", "sequence");


-- What Prisma's schema cannot say.

-- Security events tell their receivers why tokens have ended. The cause is no part of the record that readers of the log get,
-- and its hash does not cover it: readers of every version compute that hash.
DROP FUNCTION "append_revocation"(text, uuid, text, integer, timestamptz);
CREATE FUNCTION "append_revocation"(
    _kind text, _operator uuid, _subject text, _minimum integer, _expires timestamptz, _cause jsonb DEFAULT NULL
) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
        ("sequence", "log_epoch", "kind", "operator_id", "subject", "minimum_epoch", "expires_at", "recorded_at", "previous_hash", "hash", "cause")
    VALUES (head."sequence", head."log_epoch", _kind, _operator, _subject, _minimum, until, at, head."previous_hash", head."hash", _cause);
    PERFORM pg_notify('auth4agent_revocation', head."sequence"::text);
END $$;

-- An event of a key is in the transaction that ends the tokens. Rows of events are never updated, so xmin says which
-- transaction has inserted one.
CREATE FUNCTION "key_event_of_now"(_agent uuid, _types key_event_type[]) RETURNS text LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT "type"::text FROM "agent_key_events"
    WHERE "agent_id" = _agent AND "type" = ANY (_types) AND "xmin" = pg_current_xact_id()::xid
    ORDER BY "seq" DESC LIMIT 1
$$;

CREATE OR REPLACE FUNCTION "log_agent"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    type text := CASE
        WHEN NEW."moved_to" IS DISTINCT FROM OLD."moved_to" THEN 'move'
        WHEN NEW."status" = 'revoked' AND OLD."status" <> 'revoked'
            THEN coalesce(key_event_of_now(NEW."id", '{deactivate}'), 'revoke')
        WHEN NEW."status" = 'suspended' AND OLD."status" <> 'suspended' THEN 'suspend'
        WHEN NOT OLD."allowed_scopes" <@ NEW."allowed_scopes" THEN 'scopes'
        WHEN NEW."max_delegation_depth" < OLD."max_delegation_depth" THEN 'delegation'
        ELSE key_event_of_now(NEW."id", '{rotate,recover,remove_key}')
    END;
BEGIN
    PERFORM append_revocation('agent', NEW."operator_id", NEW."did", NEW."epoch", tokens_have_expired(), jsonb_strip_nulls(
        jsonb_build_object('type', type, 'scope', CASE WHEN type = 'scopes' THEN array_to_string(NEW."allowed_scopes", ' ') END)));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION "log_operator"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_revocation('operator', NEW."id", '', NEW."epoch", tokens_have_expired(), jsonb_build_object('type', CASE
        WHEN NEW."status" <> OLD."status" THEN NEW."status"::text
        WHEN (NEW."delegate_to", NEW."max_grant_ttl") IS DISTINCT FROM (OLD."delegate_to", OLD."max_grant_ttl") THEN 'policy'
        ELSE 'tokens'
    END));
    RETURN NULL;
END $$;

-- A stream can add a token by its id alone.
CREATE INDEX "revocation_log_token" ON "revocation_log"("subject") WHERE "kind" = 'token';

-- AlterTable
ALTER TABLE "signal_streams" ADD COLUMN     "news_sequence" BIGINT;

-- CreateTable
CREATE TABLE "signal_marks" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "through" BIGINT NOT NULL,

    CONSTRAINT "signal_marks_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "signal_subjects_key" ON "signal_subjects"("key");


-- What Prisma's schema cannot say.

ALTER TABLE "signal_marks" ADD CONSTRAINT "signal_marks_one_row" CHECK ("id" = 1);
INSERT INTO "signal_marks" ("through") SELECT "sequence" FROM "revocation_head";

-- The end of an operator concerns the receivers that have added one of its agents. A DID has the domain of its operator.
CREATE INDEX "signal_subjects_domain" ON "signal_subjects"(split_part("key", ':', 3)) WHERE "is_added" AND "key" LIKE 'sub did:agent:%';
