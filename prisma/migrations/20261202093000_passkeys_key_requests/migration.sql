-- Requests for passkeys, which wait until a root key adds the passkey to the manifest.
CREATE TABLE "key_requests" (
    "operator_id" UUID NOT NULL,
    "kid" TEXT NOT NULL,
    "request" TEXT NOT NULL,
    "submitted_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "key_requests_pkey" PRIMARY KEY ("operator_id","kid")
);

CREATE INDEX "key_requests_expires" ON "key_requests"("expires_at");

ALTER TABLE "key_requests" ADD CONSTRAINT "key_requests_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operators"("id") ON DELETE CASCADE ON UPDATE CASCADE;
