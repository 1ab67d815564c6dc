-- Clients that an operator has allowed, or blocked, to act for users at its audiences.
CREATE TYPE "client_status" AS ENUM ('allowed', 'blocked');

CREATE TABLE "clients" (
    "operator_id" UUID NOT NULL,
    "client_id" TEXT NOT NULL,
    "status" "client_status" NOT NULL,
    "edge_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "put_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "clients_pkey" PRIMARY KEY ("operator_id","client_id")
);

ALTER TABLE "clients" ADD CONSTRAINT "clients_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A client that is blocked gets another edge, which no token has named. So the tokens of the earlier one end.
CREATE CONSTRAINT TRIGGER "clients_changed_log" AFTER UPDATE OF "edge_id" ON "clients"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW."edge_id" <> OLD."edge_id") EXECUTE FUNCTION "log_edge"();
CREATE CONSTRAINT TRIGGER "clients_log" AFTER DELETE ON "clients"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD."status" = 'allowed') EXECUTE FUNCTION "log_edge"();

-- An operator that has lost its domain can make no calls any more, and has no audiences.
CREATE FUNCTION "delete_clients_of_operator"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM "clients" WHERE "operator_id" = NEW."id";
    RETURN NULL;
END $$;
CREATE TRIGGER "operators_clients" AFTER UPDATE OF "status" ON "operators" FOR EACH ROW
    WHEN (NEW."status" IN ('released', 'superseded')) EXECUTE FUNCTION "delete_clients_of_operator"();
