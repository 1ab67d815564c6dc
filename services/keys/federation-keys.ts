import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { TokenStatus } from '../revocation/index.ts'
import { FEDERATION, isOfKind, JWKS_KINDS } from './domain/key-kinds.ts'
import { publishedKeys } from './published-keys.ts'
import type { PublicSigningKey, VerificationKeys } from './verification-keys.ts'

/** A federation key that signs no longer. */
interface PastKey extends PublicSigningKey {
  readonly createdAt: Date
  /** When it was retired or marked as compromised. */
  readonly endedAt: Date
}

/** The public halves of the keys that federation statements show. */
export interface FederationKeys {
  /** Returns the prepared, active and retiring keys. */
  published(): Promise<readonly PublicSigningKey[]>
  /** Returns the keys of the JWKS, which verify tokens. */
  jwks(): Promise<readonly PublicSigningKey[]>
  /** Returns the retired and compromised keys, oldest first. Reads the database. */
  past(): Promise<readonly PastKey[]>
}

interface FederationKeysDeps {
  readonly prisma: PrismaClient
  readonly verificationKeys: Pick<VerificationKeys, 'list' | 'listNow'>
  readonly tokenStatus: Pick<TokenStatus, 'endedKeys'>
}

/** Creates the reader of the federation keys. */
export function createFederationKeys(deps: FederationKeysDeps): FederationKeys {
  return {
    async published() {
      return (await publishedKeys(deps)).filter((key) => isOfKind(FEDERATION, key))
    },
    async jwks() {
      const keys = await publishedKeys(deps)
      return JWKS_KINDS.flatMap((kind) => keys.filter((key) => isOfKind(kind, key)))
    },
    async past() {
      const rows = await deps.prisma.jwksKey.findMany({
        where: { ...FEDERATION, state: { in: ['retired', 'compromised'] } },
        orderBy: [{ createdAt: 'asc' }, { kid: 'asc' }],
        select: { kid: true, state: true, createdAt: true, retiredAt: true, compromisedAt: true },
      })
      const known = new Map((await deps.verificationKeys.listNow()).map((key) => [key.kid, key]))
      return rows.flatMap(({ kid, state, createdAt, retiredAt, compromisedAt }) => {
        const key = known.get(kid)
        const endedAt = compromisedAt ?? retiredAt
        return key === undefined || endedAt === null ? [] : [{ ...key, state, createdAt, endedAt }]
      })
    },
  }
}
