import { KEEP_BEYOND_EXPIRY_S } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'

/** A session at an identity provider. */
export interface ProviderSession {
  readonly providerId: string
  readonly sid: string
}

/** Longer than a sign-in can take that the provider has answered, in milliseconds. */
const SIGN_IN_MS = 60_000

/** Makes logouts of a session at a provider, and sign-ins that begin with it, happen one after the other. */
export async function lockSid(tx: Tx, { providerId, sid }: ProviderSession): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`sid ${providerId} ${sid}`}, 0))`
}

/** Remembers for a minute that a session at a provider has ended that is nobody's here: a sign-in may be under way. */
export async function rememberEndedSid(tx: Tx, { providerId, sid }: ProviderSession): Promise<void> {
  const keepUntil = new Date(Date.now() + SIGN_IN_MS + KEEP_BEYOND_EXPIRY_S * 1_000)
  await tx.usedAssertion.createMany({ data: [{ ...keyOf(providerId, sid), keepUntil }], skipDuplicates: true })
}

/** Tells whether a session at a provider has ended just now. */
export async function hasSidEnded(tx: Tx, { providerId, sid }: ProviderSession): Promise<boolean> {
  return (await tx.usedAssertion.count({ where: keyOf(providerId, sid) })) > 0
}

function keyOf(providerId: string, sid: string) {
  return { issuer: `provider ${providerId} sid`, jti: sid }
}
