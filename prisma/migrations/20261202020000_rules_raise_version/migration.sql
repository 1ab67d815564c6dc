-- Copies of an operator's rules in memory allow tokens as long as the operator has the same version. Whoever changes a
-- rule raises the version in the same transaction. If it has not, this does, when the transaction commits: the row of the
-- operator is then not one that the transaction has written.
CREATE FUNCTION "raise_version_for_rules"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE "operators" SET "version" = "version" + 1
    WHERE "id" = CASE WHEN TG_OP = 'DELETE' THEN OLD."operator_id" ELSE NEW."operator_id" END
        AND "xmin" <> pg_current_xact_id()::xid;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "operator_audiences_version" AFTER INSERT OR UPDATE OR DELETE ON "operator_audiences"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "raise_version_for_rules"();
