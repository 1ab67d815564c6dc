-- The refresh token of the identity provider, sealed, and the key under which it is. Null without the signals `refresh`.
-- Older processes neither read nor write the columns, and they let nobody choose these signals.
ALTER TABLE "users" ADD COLUMN "provider_token" BYTEA,
ADD COLUMN "provider_token_key" TEXT,
ADD COLUMN "checked_at" TIMESTAMPTZ(6),
ADD COLUMN "asked_at" TIMESTAMPTZ(6);

-- When the user was last signed out. A sign-in that began to be redeemed before does not count.
ALTER TABLE "users" ADD COLUMN "signed_out_at" TIMESTAMPTZ(6);
