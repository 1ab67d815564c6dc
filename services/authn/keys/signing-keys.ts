import type { JwksKey, PrismaClient } from '../../../gen/prisma/client.ts'
import { encodeBase64url } from '../../shared/crypto/base64.ts'
import { generateKeyPair, importSeed, type SigningKey, sign } from '../../shared/crypto/ed25519.ts'
import { thumbprint } from '../../shared/crypto/thumbprint.ts'
import { change, systemAuthor } from '../../shared/ledger/ledger.ts'
import { ACCESS_TOKEN_TYPE, type AccessTokenClaims } from '../../shared/token/claims.ts'
import type { KeyVault } from './key-vault.ts'

/** Signs access tokens with the active key. */
export interface TokenSigner {
  readonly kid: string
  /** The JWT of the claims (RFC 9068): canonical base64url, compact. A promise, for a key may live in another machine. */
  sign(claims: AccessTokenClaims): Promise<string>
}

const PURPOSE = 'access_token'
const ALG = 'EdDSA'

/**
 * Opens the active access token key; an empty deployment makes its first. Instances that start together agree on one, for
 * the database holds at most one active key a purpose and algorithm. Throws WrongKeyError.
 */
export async function openTokenSigner(prisma: PrismaClient, vault: KeyVault): Promise<TokenSigner> {
  const row = (await findActive(prisma)) ?? (await createFirst(prisma, vault))
  return toSigner(row, vault)
}

function findActive(prisma: PrismaClient): Promise<JwksKey | null> {
  return prisma.jwksKey.findFirst({ where: { purpose: PURPOSE, alg: ALG, state: 'active' } })
}

async function createFirst(prisma: PrismaClient, vault: KeyVault): Promise<JwksKey> {
  const { publicKey, seed } = generateKeyPair()
  const kid = thumbprint(publicKey)
  const sealed = vault.seal(seed, { purpose: PURPOSE, id: kid })
  seed.fill(0)
  await change(prisma, systemAuthor('signing-keys'), async (tx, audit) => {
    const row = {
      kid,
      purpose: PURPOSE,
      alg: ALG,
      state: 'active',
      publicJwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) },
      wrappedKey: sealed.wrapped,
      kekId: sealed.kekId,
      activatedAt: new Date(),
    } as const
    const { count } = await tx.jwksKey.createMany({ data: [row], skipDuplicates: true })
    if (count > 0) await audit({ action: 'key.create', subject: kid })
  })
  const active = await findActive(prisma)
  if (active === null) throw new Error('the first signing key was not made')
  return active
}

function toSigner({ kid, wrappedKey, kekId }: JwksKey, vault: KeyVault): TokenSigner {
  if (wrappedKey === null) throw new Error(`the private half of signing key ${kid} is not in the database`)
  const seed = vault.open(wrappedKey, kekId, { purpose: PURPOSE, id: kid })
  const pair = importSeed(seed)
  seed.fill(0)
  pair?.seed.fill(0)
  if (pair === undefined || thumbprint(pair.publicKey) !== kid)
    throw new Error(`signing key ${kid} is not what it says`)
  const header = encodeBase64url(Buffer.from(JSON.stringify({ alg: ALG, typ: ACCESS_TOKEN_TYPE, kid })))
  return { kid, sign: async (claims) => signToken(header, claims, pair.privateKey) }
}

function signToken(header: string, claims: AccessTokenClaims, key: SigningKey): string {
  const signingInput = `${header}.${encodeBase64url(Buffer.from(JSON.stringify(claims)))}`
  return `${signingInput}.${encodeBase64url(sign(key, Buffer.from(signingInput, 'latin1')))}`
}
