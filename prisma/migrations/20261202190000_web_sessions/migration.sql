-- Browsers in which users are signed in.
CREATE TABLE "web_sessions" (
    "id" BYTEA NOT NULL,
    "operator_id" UUID NOT NULL,
    "subject" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "provider_id" UUID NOT NULL,
    "provider_edge" UUID NOT NULL,
    "signed_in_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "web_sessions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "web_sessions_user" ON "web_sessions"("operator_id", "subject", "signed_in_at");

CREATE INDEX "web_sessions_expires" ON "web_sessions"("expires_at");

-- A later row of the user begins at epoch 1 again, so no session may outlive the row.
ALTER TABLE "web_sessions" ADD CONSTRAINT "web_sessions_operator_id_subject_fkey" FOREIGN KEY ("operator_id", "subject") REFERENCES "users"("operator_id", "subject") ON DELETE CASCADE ON UPDATE CASCADE;
