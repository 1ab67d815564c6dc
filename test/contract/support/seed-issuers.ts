import { randomUUID } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { ed25519Jwk } from '@auth4agent/core/key-events/sign-key-event'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { Db } from '../../../services/platform/db/db.ts'

/** An issuer of the world. */
interface SeededIssuer {
  readonly id: string
  readonly issuer: string
  /** The `kid` of its withdrawn key. */
  readonly withdrawn: string
}

/** A time beyond every test, so that no job of the server fetches from the issuers. */
const NEVER = new Date(Date.now() + 86_400_000)

/** Inserts an enabled and a disabled issuer, each with a withdrawn key. */
export async function seedIssuers(db: Db) {
  return { enabled: await seedIssuer(db, 'enabled'), disabled: await seedIssuer(db, 'disabled') }
}

/** Inserts an issuer of another deployment that nothing is fetched from. */
export async function seedIssuer({ prisma }: Db, status: 'enabled' | 'disabled'): Promise<SeededIssuer> {
  const { publicKey } = generateKeyPair()
  const [id, withdrawn] = [randomUUID(), thumbprint(publicKey)]
  const issuer = `https://auth-${id}.com`
  await prisma.issuer.create({
    data: {
      id,
      issuer,
      status,
      kind: 'auth4agent',
      algorithms: ['EdDSA'],
      tokenType: 'at+jwt',
      jwksUri: `${issuer}/.well-known/jwks.json`,
      revocationMode: 'none',
      maxTokenTtl: 300,
      maxStalenessMs: 5000,
      keysDueAt: NEVER,
      statementsDueAt: NEVER,
      keys: {
        create: {
          kid: withdrawn,
          alg: 'EdDSA',
          publicJwk: { ...ed25519Jwk(publicKey) },
          thumbprint: withdrawn,
          absentSince: new Date(),
          withdrawnAt: new Date(),
        },
      },
    },
  })
  return { id, issuer, withdrawn }
}
