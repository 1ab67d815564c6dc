-- How the client authenticates to which the user has consented. Without the proof it is another client.
ALTER TABLE "consents" ADD COLUMN "client_auth" TEXT NOT NULL DEFAULT 'none';
