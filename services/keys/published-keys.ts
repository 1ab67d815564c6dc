import type { TokenStatus } from '../revocation/index.ts'
import type { PublicSigningKey, VerificationKeys } from './verification-keys.ts'

interface PublishedKeysDeps {
  readonly verificationKeys: Pick<VerificationKeys, 'list'>
  readonly tokenStatus: Pick<TokenStatus, 'endedKeys'>
}

/** Returns the public halves of the prepared, active and retiring keys of all purposes. */
export async function publishedKeys({
  verificationKeys,
  tokenStatus,
}: PublishedKeysDeps): Promise<readonly PublicSigningKey[]> {
  const known = await verificationKeys.list()
  const published = known.filter(({ state }) => state !== 'retired' && state !== 'compromised')
  // The keys in memory may be seconds old, but a compromised key must be absent as soon as the call that marked it
  // has returned.
  const ended = await tokenStatus.endedKeys(published.map(({ kid }) => kid))
  return published.filter(({ kid }) => !ended.has(kid))
}
