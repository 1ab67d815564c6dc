import { randomUUID } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { ed25519Jwk } from '@auth4agent/core/key-events/sign-key-event'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import type { Prisma } from '../../../gen/prisma/client.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import { createKey, jwksOf } from '../../support/federation/entities.ts'

/** An issuer of the world. */
interface SeededIssuer {
  readonly id: string
  readonly issuer: string
  /** The `kid` of its withdrawn key. */
  readonly withdrawn: string
}

/** A time beyond every test, so that no job of the server fetches from the issuers. */
const NEVER = new Date(Date.now() + 86_400_000)

/**
 * Inserts an enabled and a disabled issuer, each with a withdrawn key, an identity provider with a
 * rule, a trust anchor and a subordinate.
 */
export async function seedIssuers(db: Db, operatorId: string) {
  return {
    enabled: await seedIssuer(db, 'enabled'),
    disabled: await seedIssuer(db, 'disabled'),
    provider: await seedProvider(db, operatorId),
    anchor: await seedAnchor(db),
    subordinate: await seedSubordinate(db),
  }
}

const statementKeys = () => JSON.stringify(jwksOf(createKey()))

/** Inserts a trust anchor that permits no issuer of the tests, so that nothing is fetched. */
export async function seedAnchor({ prisma }: Db): Promise<string> {
  const entityId = `https://anchor-${randomUUID()}.com`
  const row = { entityId, jwks: statementKeys(), position: 0, autoAdmit: false, permittedNames: ['nobody.com'] }
  await prisma.trustAnchor.create({ data: row })
  return entityId
}

/** Inserts a subordinate of our authority. */
async function seedSubordinate({ prisma }: Db): Promise<string> {
  const entityId = `https://as-${randomUUID()}.com`
  await prisma.subordinate.create({ data: { entityId, jwks: statementKeys(), entityTypes: [] } })
  return entityId
}

/** Inserts an identity provider with a key, and a rule about one subject for the agents of an operator. */
async function seedProvider({ prisma }: Db, operatorId: string) {
  const [id, rule, pair] = [randomUUID(), randomUUID(), generateKeyPair()]
  const issuer = `https://idp-${id}.com`
  const subject = { edgeId: rule, tenant: '', sub: 'seeded', operatorId, subject: 'user:seeded' }
  const subjects = { create: { ...subject, audiences: ['https://api.acme-operator.com'], scopes: ['read'] } }
  const keys = { create: keyRow(pair.publicKey) }
  const data = { ...issuerRow(issuer), kind: 'oauth', keysAsOf: new Date(), id, keys, subjects } as const
  await prisma.issuer.create({ data })
  return { id, issuer, rule, pair }
}

/** Inserts an issuer of another deployment that nothing is fetched from. */
export async function seedIssuer({ prisma }: Db, status: 'enabled' | 'disabled'): Promise<SeededIssuer> {
  const { publicKey } = generateKeyPair()
  const id = randomUUID()
  const issuer = `https://auth-${id}.com`
  const at = new Date()
  const key = { ...keyRow(publicKey), absentSince: at, withdrawnAt: at }
  await prisma.issuer.create({ data: { ...issuerRow(issuer), id, status, keys: { create: key } } })
  return { id, issuer, withdrawn: key.kid }
}

/** An issuer with a key, and the operator for whose domain it speaks. */
interface ForeignIssuer {
  readonly issuer: string
  readonly domain: string
  /** Id of the operator. */
  readonly id: string
  readonly pair: KeyPair
}

/** Inserts an enabled issuer that has published a key and speaks for a domain. */
export async function seedForeign(
  { prisma }: Db,
  { issuer, domain, id: operatorId, pair }: ForeignIssuer,
  edits: Partial<Prisma.IssuerCreateInput>,
): Promise<void> {
  const proven = { domain, operatorId, thumbprint: 'x'.repeat(43), provenAt: new Date(), nextProofAt: NEVER }
  const children = { keys: { create: keyRow(pair.publicKey) }, domains: { create: proven } }
  await prisma.issuer.create({ data: { ...issuerRow(issuer), id: randomUUID(), ...children, ...edits } })
}

function keyRow(publicKey: Uint8Array) {
  const kid = thumbprint(publicKey)
  return { kid, alg: 'EdDSA', publicJwk: { ...ed25519Jwk(publicKey) }, thumbprint: kid }
}

function issuerRow(issuer: string) {
  return {
    issuer,
    kind: 'auth4agent',
    algorithms: ['EdDSA'] as string[],
    tokenType: 'at+jwt',
    jwksUri: `${issuer}/.well-known/jwks.json`,
    revocationMode: 'none',
    maxTokenTtl: 300,
    maxStalenessMs: 5000,
    keysDueAt: NEVER,
    statementsDueAt: NEVER,
  } as const
}
