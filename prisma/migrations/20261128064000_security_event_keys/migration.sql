-- AlterEnum. PostgreSQL forbids using the new purpose in the transaction that adds it, so no constraint here names it.
ALTER TYPE "key_purpose" ADD VALUE 'security_event';
