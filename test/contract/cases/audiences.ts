import type { World } from '../support/world.ts'

/**
 * Audiences whose operators have chosen a signing algorithm. Any agent may get a token for each of them, but not one
 * token for audiences with different algorithms.
 */
const CHOSEN = {
  'es256.acme-operator.com': ['acme', 'ES256'],
  'rs256.acme-operator.com': ['acme', 'RS256'],
  'ed25519.bravo-operator.com': ['bravo', 'Ed25519'],
} as const

/** Stores the algorithms of {@link CHOSEN}. */
export async function chooseAlgorithms({ db, operators }: World): Promise<void> {
  const data = Object.entries(CHOSEN).map(([audience, [owner, tokenSigningAlg]]) => ({
    operatorId: operators[owner].id,
    audience,
    callers: ['*'],
    tokenSigningAlg,
  }))
  await db.prisma.operatorAudience.createMany({ data, skipDuplicates: true })
}

/** Audiences of acme for which tokens must be bound to a key. */
export const DEMANDS = {
  'required.acme-operator.com': 'required',
  'nonce.acme-operator.com': 'required-with-nonce',
} as const

/** Stores the demands of {@link DEMANDS}. */
export async function demandDpop({ db, operators }: World): Promise<void> {
  const data = Object.entries(DEMANDS).map(([audience, dpop]) => ({
    operatorId: operators.acme.id,
    audience,
    callers: ['*'],
    dpop,
  }))
  await db.prisma.operatorAudience.createMany({ data, skipDuplicates: true })
}
