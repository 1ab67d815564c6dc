import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { AGENT_RELEASE_TYPE } from '@auth4agent/core/key-events/jws-types'
import type { KeyPair } from '@auth4agent/core/keys/ed25519'
import { signCompactJws } from '../../support/jws.ts'
import type { SeededAgent, SeededOperator } from './seed.ts'

/** Issuer of a server to which agents of the world move. */
export const OTHER_ISSUER = 'https://auth.other-server.com'
/** An operator of that server. */
export const OTHER_OPERATOR = '22222222-2222-8222-8222-222222222222'

/** What differs from a good release. A member that is undefined is left out. */
export interface ReleaseEdits {
  readonly signer?: KeyPair
  readonly header?: object
  readonly claims?: object
}

/** Returns the DID of an agent under another domain. */
export function underDomain(did: string, domain: string): string {
  return did.replace(/^(did:agent:)[^:]*/, `$1${domain}`)
}

/** Signs the release of an agent whose move waits. `domain` is the one to which it moves. */
export function releaseOf(
  { id, pair }: Pick<SeededOperator, 'id' | 'pair'>,
  { did, waiting }: Pick<SeededAgent, 'did' | 'waiting'>,
  domain: string,
  { signer = pair, header, claims }: ReleaseEdits = {},
): string {
  const typ = AGENT_RELEASE_TYPE
  const good = { iss: id, sub: did, event: waiting, to: underDomain(did, domain), iat: Math.floor(Date.now() / 1000) }
  const kid = thumbprint(signer.publicKey)
  return signCompactJws({ alg: 'EdDSA', typ, kid, ...header }, { ...good, ...claims }, signer.privateKey)
}
