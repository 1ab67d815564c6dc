-- Which users may come to an audience, and to which owners the users of an operator may go.
ALTER TABLE "operator_audiences" ADD COLUMN "users" JSONB;
ALTER TABLE "operators" ADD COLUMN "users_to" TEXT[] DEFAULT ARRAY[]::TEXT[];

CREATE TABLE "operator_audience_access" (
    "edge_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "operator_id" UUID NOT NULL,
    "audience" TEXT NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "operator_audience_access_pkey" PRIMARY KEY ("edge_id")
);
CREATE INDEX "operator_audience_access_audience" ON "operator_audience_access"("operator_id", "audience");
ALTER TABLE "operator_audience_access" ADD CONSTRAINT "operator_audience_access_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "operator_user_targets" (
    "edge_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "operator_id" UUID NOT NULL,
    "domain" TEXT NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "operator_user_targets_pkey" PRIMARY KEY ("edge_id")
);
CREATE INDEX "operator_user_targets_domain" ON "operator_user_targets"("operator_id", "domain");
ALTER TABLE "operator_user_targets" ADD CONSTRAINT "operator_user_targets_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- What Prisma's schema cannot say.

-- A rule has one edge, and so has a domain. Tokens for users are issued by these indexes.
CREATE UNIQUE INDEX "operator_audience_access_live" ON "operator_audience_access"("operator_id", "audience")
    WHERE "ended_at" IS NULL;
CREATE UNIQUE INDEX "operator_user_targets_live" ON "operator_user_targets"("operator_id", "domain")
    WHERE "ended_at" IS NULL;

-- The one place that decides what "narrower" is. A member that is absent has its default. A scope without groups is for
-- every user. A member that this function does not know counts as narrower when it changes, so nothing is forgotten.
CREATE FUNCTION "narrows_user_access"(_before jsonb, _after jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
    SELECT _before IS NOT NULL AND (_after IS NULL
        OR (NOT COALESCE(_after -> 'domains' ? '*', false) AND EXISTS (
            SELECT FROM jsonb_array_elements_text(_before -> 'domains') AS d("domain")
            WHERE NOT COALESCE(_after -> 'domains' ? d."domain", false)
        ))
        OR EXISTS (
            SELECT FROM jsonb_array_elements(_before -> 'scopes') AS b("scope")
            WHERE NOT EXISTS (
                SELECT FROM jsonb_array_elements(_after -> 'scopes') AS a("scope")
                WHERE a."scope" ->> 'name' = b."scope" ->> 'name'
                    AND (COALESCE(a."scope" -> 'groups', '[]') = '[]'
                        OR (COALESCE(b."scope" -> 'groups', '[]') <> '[]' AND a."scope" -> 'groups' @> (b."scope" -> 'groups')))
                    AND (a."scope" - ARRAY['name', 'words', 'groups', 'is_default'])
                        = (b."scope" - ARRAY['name', 'words', 'groups', 'is_default'])
            )
        )
        OR (COALESCE(_before ->> 'clients', 'listed') = 'any' AND COALESCE(_after ->> 'clients', 'listed') <> 'any')
        OR COALESCE((_after ->> 'max_days')::int, 30) < COALESCE((_before ->> 'max_days')::int, 30)
        OR (_after - ARRAY['domains', 'scopes', 'clients', 'max_days'])
            <> (_before - ARRAY['domains', 'scopes', 'clients', 'max_days']))
$$;

-- Each rule of an operator that owns its domain has a live edge, and nothing else has one.
CREATE FUNCTION "follow_access"(_operator uuid) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    WITH "ruled" AS (
        SELECT a."audience"
        FROM "operators" o JOIN "operator_audiences" a ON a."operator_id" = o."id"
        WHERE o."id" = _operator AND o."status" IN ('active', 'lapsed', 'suspended') AND a."users" IS NOT NULL
    ), "ended" AS (
        UPDATE "operator_audience_access" SET "ended_at" = date_trunc('milliseconds', clock_timestamp())
        WHERE "operator_id" = _operator AND "ended_at" IS NULL AND "audience" NOT IN (SELECT "audience" FROM "ruled")
    )
    INSERT INTO "operator_audience_access" ("operator_id", "audience")
    SELECT _operator, "audience" FROM "ruled"
    ON CONFLICT ("operator_id", "audience") WHERE "ended_at" IS NULL DO NOTHING;
END $$;

-- A narrower rule ends its edge at once and begins another one. It is compared before the commit, because the record of
-- the end locks the head of the log. What is narrower only in between counts too, so a transaction that changes a rule
-- twice keeps no edge by chance.
CREATE FUNCTION "follow_access_of_audience"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE "operator_audience_access" SET "ended_at" = date_trunc('milliseconds', clock_timestamp())
        WHERE "operator_id" = OLD."operator_id" AND "audience" = OLD."audience" AND "ended_at" IS NULL
            AND (TG_OP = 'DELETE' OR OLD."operator_id" <> NEW."operator_id" OR OLD."audience" <> NEW."audience"
                OR narrows_user_access(OLD."users", NEW."users"));
        PERFORM follow_access(OLD."operator_id");
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM follow_access(NEW."operator_id");
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER "operator_audiences_access" AFTER UPDATE ON "operator_audiences"
    FOR EACH ROW WHEN (NEW."users" IS DISTINCT FROM OLD."users" OR NEW."audience" <> OLD."audience" OR NEW."operator_id" <> OLD."operator_id")
    EXECUTE FUNCTION "follow_access_of_audience"();
CREATE TRIGGER "operator_audiences_new_access" AFTER INSERT ON "operator_audiences"
    FOR EACH ROW WHEN (NEW."users" IS NOT NULL) EXECUTE FUNCTION "follow_access_of_audience"();
CREATE TRIGGER "operator_audiences_no_access" AFTER DELETE ON "operator_audiences"
    FOR EACH ROW WHEN (OLD."users" IS NOT NULL) EXECUTE FUNCTION "follow_access_of_audience"();

CREATE FUNCTION "follow_user_targets"(_operator uuid) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    WITH "listed" AS (
        SELECT unnest("users_to") AS "domain" FROM "operators"
        WHERE "id" = _operator AND "status" IN ('active', 'lapsed', 'suspended')
    ), "ended" AS (
        UPDATE "operator_user_targets" SET "ended_at" = date_trunc('milliseconds', clock_timestamp())
        WHERE "operator_id" = _operator AND "ended_at" IS NULL AND "domain" NOT IN (SELECT "domain" FROM "listed")
    )
    INSERT INTO "operator_user_targets" ("operator_id", "domain")
    SELECT DISTINCT _operator, "domain" FROM "listed"
    ON CONFLICT ("operator_id", "domain") WHERE "ended_at" IS NULL DO NOTHING;
END $$;

CREATE FUNCTION "follow_users_of_operator"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM follow_access(NEW."id");
    PERFORM follow_user_targets(NEW."id");
    RETURN NULL;
END $$;
CREATE TRIGGER "operators_users" AFTER UPDATE ON "operators"
    FOR EACH ROW WHEN (NEW."status" <> OLD."status" OR NEW."users_to" IS DISTINCT FROM OLD."users_to")
    EXECUTE FUNCTION "follow_users_of_operator"();

-- Tokens for users name these edges, so their end is written to the revocation log when the transaction commits.
CREATE CONSTRAINT TRIGGER "operator_audience_access_log" AFTER UPDATE OF "ended_at" ON "operator_audience_access" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."ended_at" IS NOT NULL AND OLD."ended_at" IS NULL) EXECUTE FUNCTION "log_edge"();
CREATE CONSTRAINT TRIGGER "operator_audience_access_deleted_log" AFTER DELETE ON "operator_audience_access" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD."ended_at" IS NULL) EXECUTE FUNCTION "log_edge"();
CREATE CONSTRAINT TRIGGER "operator_user_targets_log" AFTER UPDATE OF "ended_at" ON "operator_user_targets" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."ended_at" IS NOT NULL AND OLD."ended_at" IS NULL) EXECUTE FUNCTION "log_edge"();
CREATE CONSTRAINT TRIGGER "operator_user_targets_deleted_log" AFTER DELETE ON "operator_user_targets" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD."ended_at" IS NULL) EXECUTE FUNCTION "log_edge"();

-- An edge never begins again, and never becomes another one.
CREATE FUNCTION "refuse_other_user_edge"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'An edge of user access can only end' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER "operator_audience_access_fixed" BEFORE UPDATE ON "operator_audience_access"
    FOR EACH ROW WHEN (OLD."ended_at" IS NOT NULL OR NEW."ended_at" IS NULL OR OLD."edge_id" <> NEW."edge_id"
        OR OLD."operator_id" <> NEW."operator_id" OR OLD."audience" <> NEW."audience")
    EXECUTE FUNCTION "refuse_other_user_edge"();
CREATE TRIGGER "operator_user_targets_fixed" BEFORE UPDATE ON "operator_user_targets"
    FOR EACH ROW WHEN (OLD."ended_at" IS NOT NULL OR NEW."ended_at" IS NULL OR OLD."edge_id" <> NEW."edge_id"
        OR OLD."operator_id" <> NEW."operator_id" OR OLD."domain" <> NEW."domain")
    EXECUTE FUNCTION "refuse_other_user_edge"();
