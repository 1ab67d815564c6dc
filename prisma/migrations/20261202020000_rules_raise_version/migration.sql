-- Copies of an operator in memory must notice its rules for audiences too. They allow tokens as long as the operator has
-- the same version.
ALTER FUNCTION "raise_version_for_attestation"() RENAME TO "raise_version_of_operator";
CREATE TRIGGER "operator_audiences_version" AFTER INSERT OR UPDATE OR DELETE ON "operator_audiences"
    FOR EACH ROW EXECUTE FUNCTION "raise_version_of_operator"();
