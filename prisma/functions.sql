-- Every function and trigger that the migrations leave, and the rule that each function holds.
--
-- To read, not to run: migrations make the functions. npm run generate:functions reads them from a migrated database
-- and writes this file. The rules are in test/structure/functions/function-rules.ts.

-- Appends one record to the revocation log, in the transaction that ends the tokens. Deferred triggers call it.
-- services/revocation/README.md#the-log
CREATE OR REPLACE FUNCTION public.append_revocation(_kind text, _operator uuid, _subject text, _minimum integer, _expires timestamp with time zone, _cause jsonb DEFAULT NULL::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
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
        "hash" = revocation_hash("hash", "log_epoch" + CASE WHEN "timeline" = now_on THEN 0 ELSE 1 END, "sequence" + 1,
            _kind, _operator, _subject, _minimum, until, at)
    RETURNING * INTO STRICT head;
    INSERT INTO "revocation_log"
        ("sequence", "log_epoch", "kind", "operator_id", "subject", "minimum_epoch", "expires_at", "recorded_at", "previous_hash", "hash", "cause")
    VALUES (head."sequence", head."log_epoch", _kind, _operator, _subject, _minimum, until, at, head."previous_hash", head."hash", _cause);
    PERFORM pg_notify('auth4agent_revocation', head."sequence"::text);
END $function$;

-- Appends a record for each of many ended edges, and locks the head of the log once for all of them.
-- services/revocation/README.md#the-log
CREATE OR REPLACE FUNCTION public.append_ended_edges(_edges uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
    at timestamptz := date_trunc('milliseconds', clock_timestamp());
    until timestamptz := date_trunc('milliseconds', tokens_have_expired());
    now_on integer := wal_timeline();
    head "revocation_head";
    edge uuid;
BEGIN
    SELECT * INTO STRICT head FROM "revocation_head" FOR UPDATE;
    IF head."timeline" <> now_on THEN
        head."log_epoch" := head."log_epoch" + 1;
    END IF;
    FOREACH edge IN ARRAY _edges LOOP
        head."sequence" := head."sequence" + 1;
        head."previous_hash" := head."hash";
        head."hash" := revocation_hash(head."hash", head."log_epoch", head."sequence", 'edge', NULL, edge::text, 0, until, at);
        INSERT INTO "revocation_log"
            ("sequence", "log_epoch", "kind", "operator_id", "subject", "minimum_epoch", "expires_at", "recorded_at", "previous_hash", "hash")
        VALUES (head."sequence", head."log_epoch", 'edge', NULL, edge::text, 0, until, at, head."previous_hash", head."hash");
    END LOOP;
    UPDATE "revocation_head" SET "sequence" = head."sequence", "log_epoch" = head."log_epoch", "timeline" = now_on,
        "previous_hash" = head."previous_hash", "hash" = head."hash";
    PERFORM pg_notify('auth4agent_revocation', head."sequence"::text);
END $function$;

-- Each record contains the hash of the record before it; `recordHash` of clients/core computes the same.
-- docs/protocol.md#the-hash
CREATE OR REPLACE FUNCTION public.revocation_hash(_previous bytea, _log_epoch integer, _sequence bigint, _kind text, _operator uuid, _subject text, _minimum integer, _expires timestamp with time zone, _recorded timestamp with time zone)
 RETURNS bytea
 LANGUAGE sql
 STABLE
AS $function$
    SELECT sha256(_previous || convert_to(concat_ws(E'\n',
        _log_epoch, _sequence, _kind, coalesce(_operator::text, ''), _subject, _minimum,
        (extract(epoch FROM _expires) * 1000)::bigint, (extract(epoch FROM _recorded) * 1000)::bigint), 'UTF8'))
$function$;

-- A promotion begins a new log epoch. Fails on a standby.
-- services/revocation/README.md#the-log
CREATE OR REPLACE FUNCTION public.wal_timeline()
 RETURNS integer
 LANGUAGE sql
AS $function$
    SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer
$function$;

-- A record stays until the longest token has expired: an hour, and five minutes for clocks that differ.
-- docs/protocol.md#forgetting
CREATE OR REPLACE FUNCTION public.tokens_have_expired()
 RETURNS timestamp with time zone
 LANGUAGE sql
AS $function$
    SELECT clock_timestamp() + interval '65 minutes'
$function$;

-- An operator that gets a higher epoch is in the log, with the cause for security events.
-- docs/protocol.md#what-a-record-ends
CREATE OR REPLACE FUNCTION public.log_operator()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM append_revocation('operator', NEW."id", '', NEW."epoch", tokens_have_expired(), jsonb_build_object('type', CASE
        WHEN NEW."status" <> OLD."status" THEN NEW."status"::text
        WHEN (NEW."delegate_to", NEW."max_grant_ttl") IS DISTINCT FROM (OLD."delegate_to", OLD."max_grant_ttl") THEN 'policy'
        ELSE 'tokens'
    END));
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER operators_log AFTER UPDATE OF epoch ON public.operators DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.epoch > old.epoch)) EXECUTE FUNCTION log_operator();

-- An agent that gets a higher epoch is in the log, with the cause for security events.
-- docs/protocol.md#what-a-record-ends
CREATE OR REPLACE FUNCTION public.log_agent()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
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
END $function$;
CREATE CONSTRAINT TRIGGER agents_log AFTER UPDATE OF epoch ON public.agents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.epoch > old.epoch)) EXECUTE FUNCTION log_agent();

-- A user that gets a higher epoch is in the log, with the cause for security events.
-- docs/protocol.md#what-a-record-ends
CREATE OR REPLACE FUNCTION public.log_user()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM append_revocation('agent', NEW."operator_id", NEW."subject", NEW."epoch", tokens_have_expired(),
        jsonb_build_object('type', CASE WHEN NEW."status" = OLD."status" THEN 'user' ELSE NEW."status"::text END));
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER users_log AFTER UPDATE OF epoch ON public.users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.epoch > old.epoch)) EXECUTE FUNCTION log_user();

-- The cause of an ended agent is the key event of the same transaction.
-- docs/signals.md#which-record-becomes-which-event
CREATE OR REPLACE FUNCTION public.key_event_of_now(_agent uuid, _types key_event_type[])
 RETURNS text
 LANGUAGE sql
 SET search_path TO '$user', 'public'
AS $function$
    SELECT "type"::text FROM "agent_key_events"
    WHERE "agent_id" = _agent AND "type" = ANY (_types) AND "xmin" = pg_current_xact_id()::xid
    ORDER BY "seq" DESC LIMIT 1
$function$;

-- A revoked token is in the log until it expires.
-- docs/protocol.md#what-a-record-ends
CREATE OR REPLACE FUNCTION public.log_token()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM append_revocation('token', NEW."operator_id", NEW."jti", 0, NEW."expires_at");
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER revoked_tokens_log AFTER INSERT ON public.revoked_tokens DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_token();

-- A signing key that is retired or compromised is in the log, so verifiers that remember it refuse it.
-- docs/protocol.md#what-a-record-ends
CREATE OR REPLACE FUNCTION public.log_key()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM append_revocation('key', NULL, NEW."kid", 0, tokens_have_expired());
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER jwks_keys_log AFTER UPDATE OF state ON public.jwks_keys DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.state = ANY (ARRAY['retired'::key_state, 'compromised'::key_state])) AND (old.state <> new.state))) EXECUTE FUNCTION log_key();

-- A higher first epoch ends all tokens of the deployment.
-- docs/protocol.md#what-a-record-ends
CREATE OR REPLACE FUNCTION public.log_deployment()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM append_revocation('deployment', NULL, '', NEW."first_epoch", tokens_have_expired());
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER deployment_log AFTER UPDATE OF first_epoch ON public.deployment DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.first_epoch > old.first_epoch)) EXECUTE FUNCTION log_deployment();

-- A raised epoch of an operator begins at the first epoch of the deployment, so no lost epoch is used again.
-- docs/operations.md#backup-and-restore
CREATE OR REPLACE FUNCTION public.raise_from_first_epoch()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    NEW."epoch" := greatest(OLD."epoch", (SELECT "first_epoch" FROM "deployment")) + NEW."epoch" - OLD."epoch";
    RETURN NEW;
END $function$;
CREATE TRIGGER operators_first_epoch BEFORE UPDATE OF epoch ON public.operators FOR EACH ROW WHEN ((new.epoch > old.epoch)) EXECUTE FUNCTION raise_from_first_epoch();

-- Another issuer that gets a higher generation is in the log: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.log_issuer()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM append_revocation('issuer', NULL, NEW."issuer", NEW."generation", tokens_have_expired());
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER issuers_log AFTER UPDATE OF generation ON public.issuers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.generation > old.generation)) EXECUTE FUNCTION log_issuer();

-- Trust in a domain, statement, subject, users, provider, client or consent that ends or gets a new id is in the log: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.log_edge()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM append_revocation('edge', NULL, OLD."edge_id"::text, 0, tokens_have_expired());
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER clients_changed_log AFTER UPDATE OF edge_id ON public.clients DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.edge_id <> old.edge_id)) EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER clients_log AFTER DELETE ON public.clients DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((old.status = 'allowed'::client_status)) EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER consents_changed_log AFTER UPDATE OF edge_id ON public.consents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.edge_id <> old.edge_id)) EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER consents_log AFTER DELETE ON public.consents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER identity_providers_changed_log AFTER UPDATE OF edge_id ON public.identity_providers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.edge_id <> old.edge_id)) EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER identity_providers_log AFTER DELETE ON public.identity_providers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER issuer_domains_log AFTER DELETE ON public.issuer_domains DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER issuer_subjects_changed_log AFTER UPDATE OF edge_id ON public.issuer_subjects DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.edge_id <> old.edge_id)) EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER issuer_subjects_log AFTER DELETE ON public.issuer_subjects DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER operator_audience_access_deleted_log AFTER DELETE ON public.operator_audience_access DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((old.ended_at IS NULL)) EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER operator_audience_access_log AFTER UPDATE OF ended_at ON public.operator_audience_access DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.ended_at IS NOT NULL) AND (old.ended_at IS NULL))) EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER operator_user_targets_deleted_log AFTER DELETE ON public.operator_user_targets DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((old.ended_at IS NULL)) EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER operator_user_targets_log AFTER UPDATE OF ended_at ON public.operator_user_targets DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.ended_at IS NOT NULL) AND (old.ended_at IS NULL))) EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER trust_statements_log AFTER UPDATE OF ended_at ON public.trust_statements DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.ended_at IS NOT NULL) AND (old.ended_at IS NULL))) EXECUTE FUNCTION log_edge();
CREATE CONSTRAINT TRIGGER trust_statements_renamed_log AFTER UPDATE OF edge_id ON public.trust_statements DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.edge_id <> old.edge_id)) EXECUTE FUNCTION log_edge();

-- The id of a connection that ends before it expires is in the log, because its tokens name it: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.log_connection()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM append_revocation('edge', NULL, OLD."id"::text, 0, tokens_have_expired());
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER connections_log AFTER DELETE ON public.connections DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((old.expires_at > (now() - '00:10:00'::interval))) EXECUTE FUNCTION log_connection();

-- The edge of a caller that is no longer listed is in the log: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.log_caller_edges()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
    gone uuid[] := ARRAY(SELECT "edge_id" FROM "before" WHERE "ended_at" IS NULL ORDER BY "edge_id");
BEGIN
    IF cardinality(gone) > 0 THEN
        PERFORM append_ended_edges(gone);
    END IF;
    RETURN NULL;
END $function$;
CREATE TRIGGER operator_audience_callers_deleted_log AFTER DELETE ON public.operator_audience_callers REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION log_caller_edges();
CREATE TRIGGER operator_audience_callers_log AFTER UPDATE ON public.operator_audience_callers REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION log_caller_edges();

-- A deleted attestor ends the tokens that rest on it.
-- docs/attestation.md#rules
CREATE OR REPLACE FUNCTION public.log_attestor()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM append_ended_edges(ARRAY[OLD."id"]);
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER attestors_log AFTER DELETE ON public.attestors DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_attestor();

-- A deleted rule, or a rule with a new id, ends the tokens that rest on it.
-- docs/attestation.md#rules
CREATE OR REPLACE FUNCTION public.log_enrolment_rule()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM append_ended_edges(ARRAY[OLD."edge_id"]);
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER enrolment_rules_deleted_log AFTER DELETE ON public.enrolment_rules DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_enrolment_rule();
CREATE CONSTRAINT TRIGGER enrolment_rules_log AFTER UPDATE ON public.enrolment_rules DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((old.edge_id <> new.edge_id)) EXECUTE FUNCTION log_enrolment_rule();

-- Epochs and versions of operators, agents and users only rise.
-- docs/protocol.md#9-epochs-and-revocation
CREATE OR REPLACE FUNCTION public.only_rises()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NEW."epoch" < OLD."epoch" OR NEW."version" < OLD."version" THEN
        RAISE EXCEPTION '% may not lower an epoch or a version', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $function$;
CREATE TRIGGER agents_only_rise BEFORE UPDATE ON public.agents FOR EACH ROW EXECUTE FUNCTION only_rises();
CREATE TRIGGER operators_only_rise BEFORE UPDATE ON public.operators FOR EACH ROW EXECUTE FUNCTION only_rises();
CREATE TRIGGER users_only_rise BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION only_rises();

-- A signing key only moves forward through its states, and never becomes another key.
-- docs/protocol.md#11-signing-keys
CREATE OR REPLACE FUNCTION public.key_goes_forward()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$;
CREATE TRIGGER jwks_keys_forward BEFORE UPDATE ON public.jwks_keys FOR EACH ROW EXECUTE FUNCTION key_goes_forward();

-- Each caller that an audience lists has one edge, and only the owner of the domain lets others call: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.follow_callers(_operator uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    WITH "listed" AS (
        SELECT a."audience", unnest(a."callers") AS "caller"
        FROM "operators" o JOIN "operator_audiences" a ON a."operator_id" = o."id"
        WHERE o."id" = _operator AND o."status" IN ('active', 'lapsed', 'suspended')
    ), "ended" AS (
        UPDATE "operator_audience_callers" SET "ended_at" = date_trunc('milliseconds', clock_timestamp())
        WHERE "operator_id" = _operator AND "ended_at" IS NULL
            AND ("audience", "caller") NOT IN (SELECT "audience", "caller" FROM "listed")
    )
    INSERT INTO "operator_audience_callers" ("operator_id", "audience", "caller")
    SELECT DISTINCT _operator, "audience", "caller" FROM "listed"
    ON CONFLICT ("operator_id", "audience", "caller") WHERE "ended_at" IS NULL DO NOTHING;
END $function$;

-- Finds whether the edges of an audience differ from its list of callers: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.callers_differ(_operator uuid, _audience text)
 RETURNS boolean
 LANGUAGE sql
 SET search_path TO '$user', 'public'
AS $function$
    SELECT ARRAY(
        SELECT DISTINCT unnest(a."callers") AS "caller"
        FROM "operators" o JOIN "operator_audiences" a ON a."operator_id" = o."id"
        WHERE o."id" = _operator AND o."status" IN ('active', 'lapsed', 'suspended') AND a."audience" = _audience
        ORDER BY "caller"
    ) <> ARRAY(
        SELECT "caller" FROM "operator_audience_callers"
        WHERE "operator_id" = _operator AND "audience" = _audience AND "ended_at" IS NULL
        ORDER BY "caller"
    )
$function$;

-- Edges follow a changed list of callers at commit: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.follow_callers_of_audience()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    IF TG_OP <> 'INSERT' AND callers_differ(OLD."operator_id", OLD."audience") THEN
        PERFORM follow_callers(OLD."operator_id");
    END IF;
    IF TG_OP <> 'DELETE' AND callers_differ(NEW."operator_id", NEW."audience") THEN
        PERFORM follow_callers(NEW."operator_id");
    END IF;
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER operator_audiences_callers AFTER INSERT OR DELETE OR UPDATE ON public.operator_audiences DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION follow_callers_of_audience();

-- Edges follow a changed status of the owner at commit: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.follow_callers_of_operator()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM follow_callers(NEW."id");
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER operators_callers AFTER UPDATE OF status ON public.operators DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.status <> old.status)) EXECUTE FUNCTION follow_callers_of_operator();

-- The edge of a caller never begins again and never becomes another one: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.refuse_other_caller_edge()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'An edge of a caller can only end' USING ERRCODE = 'integrity_constraint_violation';
END $function$;
CREATE TRIGGER operator_audience_callers_fixed BEFORE UPDATE ON public.operator_audience_callers FOR EACH ROW WHEN (((old.ended_at IS NOT NULL) OR (new.ended_at IS NULL) OR (old.edge_id <> new.edge_id) OR (old.operator_id <> new.operator_id) OR (old.audience <> new.audience) OR (old.caller <> new.caller))) EXECUTE FUNCTION refuse_other_caller_edge();

-- Decides whether a rule lets users do less than another one: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.narrows_user_access(_before jsonb, _after jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO '$user', 'public'
AS $function$
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
        OR (COALESCE((_before ->> 'device')::boolean, false) AND NOT COALESCE((_after ->> 'device')::boolean, false))
        OR (_after - ARRAY['domains', 'scopes', 'clients', 'max_days', 'device'])
            <> (_before - ARRAY['domains', 'scopes', 'clients', 'max_days', 'device']))
$function$;

-- Each rule that lets users come has one edge, and only the owner of the domain lets them come: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.follow_access(_operator uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
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
END $function$;

-- The edge of a rule for users ends when the rule becomes narrower: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.follow_access_of_audience()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
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
END $function$;
CREATE TRIGGER operator_audiences_access AFTER UPDATE ON public.operator_audiences FOR EACH ROW WHEN (((new.users IS DISTINCT FROM old.users) OR (new.audience <> old.audience) OR (new.operator_id <> old.operator_id))) EXECUTE FUNCTION follow_access_of_audience();
CREATE TRIGGER operator_audiences_new_access AFTER INSERT ON public.operator_audiences FOR EACH ROW WHEN ((new.users IS NOT NULL)) EXECUTE FUNCTION follow_access_of_audience();
CREATE TRIGGER operator_audiences_no_access AFTER DELETE ON public.operator_audiences FOR EACH ROW WHEN ((old.users IS NOT NULL)) EXECUTE FUNCTION follow_access_of_audience();

-- Each domain to which the users of an operator may go has one edge: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.follow_user_targets(_operator uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
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
END $function$;

-- Edges of users follow a changed status or a changed list of targets: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.follow_users_of_operator()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    PERFORM follow_access(NEW."id");
    PERFORM follow_user_targets(NEW."id");
    RETURN NULL;
END $function$;
CREATE TRIGGER operators_users AFTER UPDATE ON public.operators FOR EACH ROW WHEN (((new.status <> old.status) OR (new.users_to IS DISTINCT FROM old.users_to))) EXECUTE FUNCTION follow_users_of_operator();

-- An edge of users never begins again and never becomes another one: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.refuse_other_user_edge()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'An edge of user access can only end' USING ERRCODE = 'integrity_constraint_violation';
END $function$;
CREATE TRIGGER operator_audience_access_fixed BEFORE UPDATE ON public.operator_audience_access FOR EACH ROW WHEN (((old.ended_at IS NOT NULL) OR (new.ended_at IS NULL) OR (old.edge_id <> new.edge_id) OR (old.operator_id <> new.operator_id) OR (old.audience <> new.audience))) EXECUTE FUNCTION refuse_other_user_edge();
CREATE TRIGGER operator_user_targets_fixed BEFORE UPDATE ON public.operator_user_targets FOR EACH ROW WHEN (((old.ended_at IS NOT NULL) OR (new.ended_at IS NULL) OR (old.edge_id <> new.edge_id) OR (old.operator_id <> new.operator_id) OR (old.domain <> new.domain))) EXECUTE FUNCTION refuse_other_user_edge();

-- The statements of a root key end when a manifest no longer lists the key.
-- docs/federation.md#what-happens-to-a-statement
CREATE OR REPLACE FUNCTION public.end_statements_of_removed_keys()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
    part text := translate(split_part(NEW."manifest", '.', 2), '-_', '+/');
    payload jsonb := convert_from(decode(rpad(part, (length(part) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
    kids text[] := ARRAY(
        SELECT translate(encode(sha256(convert_to(
            format('{"crv":"Ed25519","kty":"OKP","x":"%s"}', "key" -> 'jwk' ->> 'x'), 'UTF8')), 'base64'), '+/=', '-_')
        FROM jsonb_array_elements(payload -> 'root' -> 'keys') AS "key");
BEGIN
    UPDATE "trust_statements" SET "ended_at" = date_trunc('milliseconds', clock_timestamp()), "end" = 'revoked'
    WHERE "signer_id" = NEW."operator_id" AND "issuer_id" IS NULL AND "ended_at" IS NULL AND "kid" <> ALL (kids);
    RETURN NULL;
END $function$;
CREATE TRIGGER operator_manifests_end_statements AFTER INSERT ON public.operator_manifests FOR EACH ROW WHEN (new.changes_root) EXECUTE FUNCTION end_statements_of_removed_keys();

-- The trust anchor of an admitted issuer never changes.
-- docs/federation.md#admit-an-issuer-of-a-federation
CREATE OR REPLACE FUNCTION public.keep_anchor()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'The anchor of an issuer never changes';
END $function$;
CREATE TRIGGER issuers_keep_anchor BEFORE UPDATE OF anchor ON public.issuers FOR EACH ROW WHEN ((new.anchor IS DISTINCT FROM old.anchor)) EXECUTE FUNCTION keep_anchor();

-- Tells the processes that issuers or statements have changed, so they read their copies again: rule (j).
-- services/revocation/README.md#the-rules
CREATE OR REPLACE FUNCTION public.notify_trust()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM pg_notify('auth4agent_trust', '');
    RETURN NULL;
END $function$;
CREATE TRIGGER issuer_domains_notify AFTER INSERT OR DELETE OR UPDATE ON public.issuer_domains FOR EACH STATEMENT EXECUTE FUNCTION notify_trust();
CREATE TRIGGER issuer_ended_keys_notify AFTER INSERT ON public.issuer_ended_keys FOR EACH STATEMENT EXECUTE FUNCTION notify_trust();
CREATE TRIGGER issuer_keys_notify AFTER INSERT OR DELETE OR UPDATE ON public.issuer_keys FOR EACH STATEMENT EXECUTE FUNCTION notify_trust();
CREATE TRIGGER issuers_notify AFTER INSERT OR UPDATE OF status, generation, keys_as_of ON public.issuers FOR EACH STATEMENT EXECUTE FUNCTION notify_trust();
CREATE TRIGGER trust_anchors_notify AFTER INSERT OR DELETE OR UPDATE ON public.trust_anchors FOR EACH STATEMENT EXECUTE FUNCTION notify_trust();
CREATE TRIGGER trust_chains_notify AFTER INSERT OR DELETE OR UPDATE ON public.trust_chains FOR EACH STATEMENT EXECUTE FUNCTION notify_trust();

-- The audit, signed requests, key events, manifests and statements are never changed, and only old rows go.
-- docs/operations.md#the-audit-and-the-log
CREATE OR REPLACE FUNCTION public.append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $function$;
CREATE TRIGGER agent_key_events_no_update BEFORE UPDATE OR TRUNCATE ON public.agent_key_events FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_logs_append_only BEFORE UPDATE OR TRUNCATE ON public.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_logs_keep_young BEFORE DELETE ON public.audit_logs FOR EACH ROW WHEN ((old.at > (now() - '30 days'::interval))) EXECUTE FUNCTION append_only();
CREATE TRIGGER operator_manifests_no_update BEFORE UPDATE OR TRUNCATE ON public.operator_manifests FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER signed_requests_append_only BEFORE UPDATE OR TRUNCATE ON public.signed_requests FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER signed_requests_keep_young BEFORE DELETE ON public.signed_requests FOR EACH ROW WHEN ((old.at > (now() - '30 days'::interval))) EXECUTE FUNCTION append_only();
CREATE TRIGGER trust_statements_no_delete BEFORE DELETE ON public.trust_statements FOR EACH ROW WHEN (((old.issuer_id IS NULL) AND (LEAST(old.replaced_at, old.expires_at) > (now() - '30 days'::interval)))) EXECUTE FUNCTION append_only();
CREATE TRIGGER trust_statements_no_truncate BEFORE TRUNCATE ON public.trust_statements FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- Ids are UUIDv7, so a range of time is a range of ids.
-- docs/operations.md#partitions
CREATE OR REPLACE FUNCTION public.first_id_of(_time timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT (lpad(to_hex(floor(extract(epoch FROM _time) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$function$;

-- The partitions of a table, with the first id and the end of each.
-- docs/operations.md#partitions
CREATE OR REPLACE FUNCTION public.partitions_of(_table text)
 RETURNS TABLE(name text, lower uuid, upper uuid, is_default boolean)
 LANGUAGE sql
 STABLE
 SET search_path TO '$user', 'public'
AS $function$
    SELECT c.relname::text, (regexp_match(bounds, 'FROM \(''([0-9a-f-]+)''\)'))[1]::uuid,
        (regexp_match(bounds, 'TO \(''([0-9a-f-]+)''\)'))[1]::uuid, bounds = 'DEFAULT'
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid, pg_get_expr(c.relpartbound, c.oid) AS bounds
    WHERE i.inhparent = _table::regclass
$function$;

-- A partition gives nobody more rights than its table.
-- docs/operations.md#partitions
CREATE OR REPLACE FUNCTION public.copy_rights(_from text, _to text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
    change text;
BEGIN
    FOR change IN
        WITH rights AS (
            SELECT oid, '' AS "column", acl.* FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) AS acl
            WHERE oid IN (_from::regclass, _to::regclass)
            UNION ALL
            SELECT attrelid, format('(%I)', attname), acl.* FROM pg_attribute, aclexplode(attacl) AS acl
            WHERE attrelid IN (_from::regclass, _to::regclass)
        ), named AS (
            SELECT *, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS role FROM rights
        )
        SELECT format('REVOKE %s %s ON %I FROM %s', privilege_type, "column", _to, role) FROM named
        WHERE oid = _to::regclass
        UNION ALL
        SELECT format('GRANT %s %s ON %I TO %s %s', privilege_type, "column", _to, role,
            CASE WHEN is_grantable THEN 'WITH GRANT OPTION' END)
        FROM named WHERE oid = _from::regclass
    LOOP
        EXECUTE change;
    END LOOP;
END $function$;

-- A partition has the triggers, constraints, indexes and rights of its table.
-- docs/operations.md#partitions
CREATE OR REPLACE FUNCTION public.add_partition(_table text, _name text, _bounds text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
    definition text;
BEGIN
    -- Another process may be adding the same one.
    PERFORM pg_advisory_xact_lock(hashtextextended('partitions of ' || _table, 0));
    IF to_regclass(_name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES)', _name, _table);
    PERFORM copy_rights(_table, _name);
    FOR definition IN
        SELECT pg_get_triggerdef(oid) FROM pg_trigger
        WHERE tgrelid = _table::regclass AND NOT tgisinternal AND tgtype & 1 = 0
    LOOP
        EXECUTE regexp_replace(definition, ' ON \S+ FOR EACH STATEMENT ', format(' ON %I FOR EACH STATEMENT ', _name));
    END LOOP;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I %s', _table, _name, _bounds);
END $function$;

-- No partition goes that may have a record of the last 30 days.
-- docs/operations.md#partitions
CREATE OR REPLACE FUNCTION public.drop_partition(_table text, _name text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
    youngest timestamptz := now() - interval '30 days';
    newest timestamptz;
BEGIN
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', _table);
    IF NOT EXISTS (SELECT FROM partitions_of(_table) WHERE "name" = _name) THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT "at" FROM %I ORDER BY "id" DESC LIMIT 1', _name) INTO newest;
    IF newest > youngest OR NOT EXISTS (
        SELECT FROM partitions_of(_table) WHERE "name" = _name AND "upper" <= first_id_of(youngest)
    ) THEN
        RAISE EXCEPTION '% is append-only', _name;
    END IF;
    EXECUTE format('DROP TABLE %I', _name);
END $function$;

-- An assertion whose record may have been removed counts as used, whatever a clock says.
-- docs/protocol.md#assertions
CREATE OR REPLACE FUNCTION public.refuse_forgotten_assertion()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    IF NEW."keep_until" <= (SELECT "clock_reached" FROM "deployment") THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $function$;
CREATE TRIGGER used_assertions_forgotten BEFORE INSERT ON public.used_assertions FOR EACH ROW EXECUTE FUNCTION refuse_forgotten_assertion();

-- Computes the keys of an agent after a key event; `applyKeyEvent` of clients/core computes the same.
-- docs/protocol.md#keys-of-an-agent
CREATE OR REPLACE FUNCTION public.keys_after_event(_before jsonb, _type key_event_type, _event text)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
    part text := translate(split_part(_event, '.', 2), '-_', '+/');
    claims jsonb;
    jwk jsonb;
    kid text;
BEGIN
    IF _type IN ('deactivate', 'move') THEN RETURN _before; END IF;
    claims := convert_from(decode(rpad(part, (length(part) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
    jwk := claims -> 'key';
    IF _type = 'inception' THEN
        RETURN jsonb_build_object('x', jwk -> 'x', 'added', '[]'::jsonb);
    ELSIF _type = 'add_key' THEN
        -- The thumbprint of RFC 7638.
        kid := translate(encode(sha256(convert_to(CASE jwk ->> 'kty'
            WHEN 'EC' THEN format('{"crv":"%s","kty":"EC","x":"%s","y":"%s"}', jwk ->> 'crv', jwk ->> 'x', jwk ->> 'y')
            ELSE format('{"crv":"%s","kty":"OKP","x":"%s"}', jwk ->> 'crv', jwk ->> 'x') END, 'UTF8')), 'base64'),
            '+/=', '-_');
        RETURN jsonb_set(_before, '{added}', _before -> 'added'
            || jsonb_build_object('kid', kid, 'jwk', jwk, 'exp', claims -> 'exp'));
    ELSIF _type = 'remove_key' THEN
        RETURN jsonb_set(_before, '{added}', coalesce((
            SELECT jsonb_agg(key ORDER BY place) FROM jsonb_array_elements(_before -> 'added') WITH ORDINALITY AS added (key, place)
            WHERE key ->> 'kid' <> claims ->> 'kid'), '[]'));
    END IF;
    RETURN jsonb_set(_before, '{x}', jwk -> 'x');
END $function$;

-- Each key event has the keys of the agent after it.
-- docs/protocol.md#keys-of-an-agent
CREATE OR REPLACE FUNCTION public.set_keys_of_event()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    NEW."keys" := "keys_after_event"(
        (SELECT "keys" FROM "agent_key_events" WHERE "agent_id" = NEW."agent_id" AND "seq" = NEW."seq" - 1),
        NEW."type", NEW."event");
    RETURN NEW;
END $function$;
CREATE TRIGGER agent_key_events_keys BEFORE INSERT ON public.agent_key_events FOR EACH ROW EXECUTE FUNCTION set_keys_of_event();

-- An operator has at most `max_agents` agents.
-- docs/protocol.md#13-times-sizes-and-limits
CREATE OR REPLACE FUNCTION public.count_agents()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    INSERT INTO "operator_totals" AS "t"
    SELECT "operator_id", 'agents', 0, count(*) FROM "inserted" WHERE "status" <> 'pending' GROUP BY 1 ORDER BY 1
    ON CONFLICT ("operator_id", "what", "day") DO UPDATE SET "amount" = "t"."amount" + EXCLUDED."amount";
    IF EXISTS (SELECT FROM "operator_totals" JOIN "inserted" USING ("operator_id") WHERE "what" = 'agents'
        AND "status" = 'active' AND "amount" > (SELECT "max_agents" FROM "deployment")) THEN
        RAISE EXCEPTION 'The operator has too many agents' USING ERRCODE = 'A4A02';
    END IF;
    RETURN NULL;
END $function$;
CREATE TRIGGER agents_count_inserted AFTER INSERT ON public.agents REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION count_agents();

-- An approved agent counts toward the agents of its operator.
-- docs/protocol.md#13-times-sizes-and-limits
CREATE OR REPLACE FUNCTION public.count_approved_agent()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
    total bigint;
BEGIN
    INSERT INTO "operator_totals" AS "t" VALUES (NEW."operator_id", 'agents', 0, 1)
    ON CONFLICT ("operator_id", "what", "day") DO UPDATE SET "amount" = "t"."amount" + 1 RETURNING "amount" INTO total;
    IF NEW."status" = 'active' AND total > (SELECT "max_agents" FROM "deployment") THEN
        RAISE EXCEPTION 'The operator has too many agents' USING ERRCODE = 'A4A02';
    END IF;
    RETURN NULL;
END $function$;
CREATE TRIGGER agents_count_approved AFTER UPDATE OF status ON public.agents FOR EACH ROW WHEN (((old.status = 'pending'::agent_status) AND (new.status <> 'pending'::agent_status))) EXECUTE FUNCTION count_approved_agent();

-- An operator has at most 100,000 users.
-- docs/protocol.md#13-times-sizes-and-limits
CREATE OR REPLACE FUNCTION public.count_users()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
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
END $function$;
CREATE TRIGGER users_count_changed AFTER UPDATE OF status ON public.users FOR EACH ROW WHEN (((old.status = 'removed'::user_status) <> (new.status = 'removed'::user_status))) EXECUTE FUNCTION count_users();
CREATE TRIGGER users_count_inserted AFTER INSERT ON public.users FOR EACH ROW WHEN ((new.status <> 'removed'::user_status)) EXECUTE FUNCTION count_users();

-- The row of a user stays until every token with its epochs has expired.
-- docs/people.md#users
CREATE OR REPLACE FUNCTION public.keep_ended_users()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'A user is removed first, and its row stays until its tokens have expired'
        USING ERRCODE = 'integrity_constraint_violation';
END $function$;
CREATE TRIGGER users_keep BEFORE DELETE ON public.users FOR EACH ROW WHEN (((old.status <> 'removed'::user_status) OR (old.removed_at IS NULL) OR (old.removed_at > (now() - '01:05:00'::interval)))) EXECUTE FUNCTION keep_ended_users();
CREATE TRIGGER users_no_truncate BEFORE TRUNCATE ON public.users FOR EACH STATEMENT EXECUTE FUNCTION keep_ended_users();

-- A change of what an operator demands or lets others call raises its version, so copies notice it.
-- docs/architecture.md#the-services
CREATE OR REPLACE FUNCTION public.raise_version_of_operator()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    UPDATE "operators" SET "version" = "version" + 1
    WHERE "id" = CASE WHEN TG_OP = 'DELETE' THEN OLD."operator_id" ELSE NEW."operator_id" END;
    RETURN NULL;
END $function$;
CREATE TRIGGER attestation_requirements_version AFTER INSERT OR DELETE OR UPDATE ON public.attestation_requirements FOR EACH ROW EXECUTE FUNCTION raise_version_of_operator();
CREATE TRIGGER attestors_version AFTER INSERT OR DELETE OR UPDATE ON public.attestors FOR EACH ROW EXECUTE FUNCTION raise_version_of_operator();
CREATE TRIGGER enrolment_rules_version AFTER INSERT OR DELETE OR UPDATE ON public.enrolment_rules FOR EACH ROW EXECUTE FUNCTION raise_version_of_operator();
CREATE TRIGGER operator_audiences_version AFTER INSERT OR DELETE OR UPDATE ON public.operator_audiences FOR EACH ROW EXECUTE FUNCTION raise_version_of_operator();

-- The id of an attestor or a rule never names another one, because tokens and agents contain it.
-- services/attestation/README.md#how-a-result-reaches-a-token
CREATE OR REPLACE FUNCTION public.refuse_other_attestation_id()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'An attestor or a rule keeps its id and its operator' USING ERRCODE = 'integrity_constraint_violation';
END $function$;
CREATE TRIGGER attestors_fixed BEFORE UPDATE ON public.attestors FOR EACH ROW WHEN (((old.id <> new.id) OR (old.operator_id <> new.operator_id) OR (old.type <> new.type))) EXECUTE FUNCTION refuse_other_attestation_id();
CREATE TRIGGER enrolment_rules_fixed BEFORE UPDATE ON public.enrolment_rules FOR EACH ROW WHEN (((old.id <> new.id) OR (old.operator_id <> new.operator_id))) EXECUTE FUNCTION refuse_other_attestation_id();

-- A rule has no more agents than its limit.
-- docs/attestation.md#rules
CREATE OR REPLACE FUNCTION public.check_places_of_rule()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
    limit_of_rule integer := (SELECT ("content"->>'maxAgents')::integer FROM "enrolment_rules" WHERE "id" = NEW."enrolment_rule_id");
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW."enrolment_rule_id"::text, 0));
    IF (SELECT count(*) FROM "agents" WHERE "enrolment_rule_id" = NEW."enrolment_rule_id" AND "status" <> 'revoked')
        > limit_of_rule THEN
        RAISE EXCEPTION 'The enrolment rule has no place left' USING ERRCODE = 'A4A01';
    END IF;
    RETURN NULL;
END $function$;
CREATE CONSTRAINT TRIGGER agents_places AFTER INSERT OR UPDATE OF enrolment_rule_id ON public.agents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.enrolment_rule_id IS NOT NULL)) EXECUTE FUNCTION check_places_of_rule();

-- A reserved block of a status list stays reserved, so no two tokens have the same place.
-- docs/status-lists.md#how-it-is-made
CREATE OR REPLACE FUNCTION public.keep_reserved_blocks()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    IF NEW."blocks" < OLD."blocks" OR NEW."secret" <> OLD."secret" OR NEW."alg" <> OLD."alg" THEN
        RAISE EXCEPTION 'The reserved blocks of a status list cannot change';
    END IF;
    RETURN NEW;
END $function$;
CREATE TRIGGER status_lists_reserved BEFORE UPDATE ON public.status_lists FOR EACH ROW EXECUTE FUNCTION keep_reserved_blocks();

-- Tells the processes that a stream of security events has something to deliver.
-- docs/architecture.md#security-events-inside
CREATE OR REPLACE FUNCTION public.notify_signal_stream()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM pg_notify('auth4agent_signals', NEW."id"::text);
    RETURN NULL;
END $function$;
CREATE TRIGGER signal_streams_changed AFTER UPDATE ON public.signal_streams FOR EACH ROW WHEN (((old.status <> new.status) OR (old.endpoint_url <> new.endpoint_url) OR (jsonb_array_length(new.pending) > jsonb_array_length(old.pending)))) EXECUTE FUNCTION notify_signal_stream();
CREATE TRIGGER signal_streams_created AFTER INSERT ON public.signal_streams FOR EACH ROW EXECUTE FUNCTION notify_signal_stream();

-- The streams of an operator that has lost its domain are deleted, because nobody could delete them.
-- docs/signals.md#bounds
CREATE OR REPLACE FUNCTION public.delete_streams_of_operator()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    DELETE FROM "signal_streams" WHERE "operator_id" = NEW."id";
    RETURN NULL;
END $function$;
CREATE TRIGGER operators_streams AFTER UPDATE OF status ON public.operators FOR EACH ROW WHEN ((new.status = ANY (ARRAY['released'::operator_status, 'superseded'::operator_status]))) EXECUTE FUNCTION delete_streams_of_operator();

-- The providers of an operator that has lost its domain are deleted, because nobody could remove them.
-- docs/people.md#what-ends-what
CREATE OR REPLACE FUNCTION public.delete_providers_of_operator()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    DELETE FROM "identity_providers" WHERE "operator_id" = NEW."id";
    RETURN NULL;
END $function$;
CREATE TRIGGER operators_providers AFTER UPDATE OF status ON public.operators FOR EACH ROW WHEN ((new.status = ANY (ARRAY['released'::operator_status, 'superseded'::operator_status]))) EXECUTE FUNCTION delete_providers_of_operator();

-- The clients of an operator that has lost its domain are deleted, because it has no audiences.
-- docs/people.md#what-ends-what
CREATE OR REPLACE FUNCTION public.delete_clients_of_operator()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
    DELETE FROM "clients" WHERE "operator_id" = NEW."id";
    RETURN NULL;
END $function$;
CREATE TRIGGER operators_clients AFTER UPDATE OF status ON public.operators FOR EACH ROW WHEN ((new.status = ANY (ARRAY['released'::operator_status, 'superseded'::operator_status]))) EXECUTE FUNCTION delete_clients_of_operator();
