-- What devices without a browser have asked for (RFC 8628).
CREATE TABLE "device_requests" (
    "id" UUID NOT NULL,
    "code_hash" BYTEA NOT NULL,
    "user_code" TEXT NOT NULL,
    "owner_id" UUID NOT NULL,
    "client_id" TEXT NOT NULL,
    "client_edge" UUID NOT NULL,
    "client_auth" TEXT NOT NULL,
    "client_digest" TEXT NOT NULL,
    "audience" TEXT NOT NULL,
    "scopes" TEXT[],
    "interval_s" INTEGER NOT NULL DEFAULT 5,
    "polled_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'waiting',
    "consent_id" UUID,
    "key_id" TEXT NOT NULL DEFAULT '',
    "vouched_at" TIMESTAMPTZ(3),

    CONSTRAINT "device_requests_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "device_requests_code" ON "device_requests"("code_hash");
CREATE UNIQUE INDEX "device_requests_user_code" ON "device_requests"("user_code");
CREATE INDEX "device_requests_owner" ON "device_requests"("owner_id", "expires_at");
CREATE INDEX "device_requests_expires" ON "device_requests"("expires_at");

-- A device stays connected only while the owner of the audience lets devices ask.
ALTER TABLE "connections" ADD COLUMN "is_device" BOOLEAN NOT NULL DEFAULT false;

-- A rule that no longer lets devices ask is narrower.
CREATE OR REPLACE FUNCTION narrows_user_access(_before jsonb, _after jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path FROM CURRENT
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
