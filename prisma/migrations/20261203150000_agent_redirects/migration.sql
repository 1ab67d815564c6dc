-- Where a browser may be sent back to when the agent asks a user for consent.
ALTER TABLE "agents" ADD COLUMN "redirect_uris" TEXT[] DEFAULT ARRAY[]::TEXT[];
