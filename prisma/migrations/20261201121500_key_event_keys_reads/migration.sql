-- AlterTable
ALTER TABLE "agent_key_events" ADD COLUMN     "keys" JSONB;


-- What Prisma's schema cannot say.

-- Each event has the keys that the agent had after it. So a version of a DID document needs one row, however long the
-- log is. The database computes the keys, because processes of an older version write events too.
CREATE FUNCTION "keys_after_event"(_before jsonb, _type key_event_type, _event text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $$
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
END $$;

-- An insert of several events must insert them in the order of their numbers.
CREATE FUNCTION "set_keys_of_event"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW."keys" := "keys_after_event"(
        (SELECT "keys" FROM "agent_key_events" WHERE "agent_id" = NEW."agent_id" AND "seq" = NEW."seq" - 1),
        NEW."type", NEW."event");
    RETURN NEW;
END $$;
CREATE TRIGGER "agent_key_events_keys" BEFORE INSERT ON "agent_key_events"
    FOR EACH ROW EXECUTE FUNCTION "set_keys_of_event"();

-- The events that exist get their keys. The trigger that refuses updates must let this one pass.
ALTER TABLE "agent_key_events" DISABLE TRIGGER "agent_key_events_no_update";
DO $$
DECLARE
    row record;
    state jsonb;
BEGIN
    FOR row IN SELECT "agent_id", "seq", "type", "event" FROM "agent_key_events" ORDER BY "agent_id", "seq" LOOP
        state := "keys_after_event"(state, row."type", row."event");
        UPDATE "agent_key_events" SET "keys" = state WHERE "agent_id" = row."agent_id" AND "seq" = row."seq";
    END LOOP;
END $$;
ALTER TABLE "agent_key_events" ENABLE TRIGGER "agent_key_events_no_update";
