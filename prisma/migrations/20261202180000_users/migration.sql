-- People of an operator for whom one of its identity providers has vouched.
CREATE TYPE "user_status" AS ENUM ('active', 'disabled', 'removed');

CREATE TABLE "users" (
    "operator_id" UUID NOT NULL,
    "subject" TEXT NOT NULL,
    "provider_id" UUID,
    "provider_edge" UUID,
    "tenant" TEXT NOT NULL DEFAULT '',
    "sub" TEXT NOT NULL DEFAULT '',
    "name" TEXT NOT NULL DEFAULT '',
    "groups" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "status" "user_status" NOT NULL DEFAULT 'active',
    "epoch" INTEGER NOT NULL DEFAULT 1,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "signed_in_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "disabled_at" TIMESTAMPTZ(3),
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "users_pkey" PRIMARY KEY ("operator_id", "subject"),
    -- A look-up takes the epoch of the agent or of the user with a subject. So no user may have that of an agent.
    CONSTRAINT "users_subject" CHECK ("subject" NOT LIKE 'did:%')
);

CREATE INDEX "users_operator_status" ON "users"("operator_id", "status", "subject");

ALTER TABLE "users" ADD CONSTRAINT "users_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- What Prisma's schema cannot say.

-- Jobs find removed users, and users whose provider is gone, by these. A removed user has no provider.
CREATE INDEX "users_removed" ON "users"("removed_at") WHERE "removed_at" IS NOT NULL;
CREATE INDEX "users_provider" ON "users"("provider_id") WHERE "provider_id" IS NOT NULL;

CREATE TRIGGER "users_only_rise" BEFORE UPDATE ON "users" FOR EACH ROW EXECUTE FUNCTION "only_rises"();

-- Older followers know the kind of the record, so they refuse the tokens too. Nothing else has the subject of a user.
CREATE FUNCTION "log_user"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM append_revocation('agent', NEW."operator_id", NEW."subject", NEW."epoch", tokens_have_expired(),
        jsonb_build_object('type', CASE WHEN NEW."status" = OLD."status" THEN 'user' ELSE NEW."status"::text END));
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "users_log" AFTER UPDATE OF "epoch" ON "users"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW."epoch" > OLD."epoch") EXECUTE FUNCTION "log_user"();

-- The next row with the subject begins at epoch 1. So the row stays until every token with its epochs has expired.
CREATE FUNCTION "keep_ended_users"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A user is removed first, and its row stays until its tokens have expired'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER "users_keep" BEFORE DELETE ON "users" FOR EACH ROW
    WHEN (OLD."status" <> 'removed' OR OLD."removed_at" IS NULL OR OLD."removed_at" > now() - interval '65 minutes')
    EXECUTE FUNCTION "keep_ended_users"();
CREATE TRIGGER "users_no_truncate" BEFORE TRUNCATE ON "users" FOR EACH STATEMENT EXECUTE FUNCTION "keep_ended_users"();

-- Counts the users of an operator that are not removed. The row of the total makes the number exact.
CREATE FUNCTION "count_users"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    change integer := CASE WHEN NEW."status" = 'removed' THEN -1 ELSE 1 END;
    total bigint;
BEGIN
    INSERT INTO "operator_totals" AS "t" VALUES (NEW."operator_id", 'users', 0, change)
    ON CONFLICT ("operator_id", "what", "day") DO UPDATE SET "amount" = "t"."amount" + change RETURNING "amount" INTO total;
    IF change > 0 AND total > 100000 THEN
        RAISE EXCEPTION 'The operator has too many users' USING ERRCODE = 'A4A03';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER "users_count_inserted" AFTER INSERT ON "users" FOR EACH ROW
    WHEN (NEW."status" <> 'removed') EXECUTE FUNCTION "count_users"();
CREATE TRIGGER "users_count_changed" AFTER UPDATE OF "status" ON "users" FOR EACH ROW
    WHEN ((OLD."status" = 'removed') <> (NEW."status" = 'removed')) EXECUTE FUNCTION "count_users"();
