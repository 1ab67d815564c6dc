-- AlterTable
ALTER TABLE "deployment" ADD COLUMN "clock_reached" TIMESTAMPTZ(3) NOT NULL DEFAULT '1970-01-01 00:00:00 +00:00';


-- What Prisma's schema cannot say.

-- The row that would have told of an earlier use may be gone: such an assertion counts as used, whatever a clock says.
CREATE FUNCTION "refuse_forgotten_assertion"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW."keep_until" <= (SELECT "clock_reached" FROM "deployment") THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER "used_assertions_forgotten" BEFORE INSERT ON "used_assertions"
    FOR EACH ROW EXECUTE FUNCTION "refuse_forgotten_assertion"();
