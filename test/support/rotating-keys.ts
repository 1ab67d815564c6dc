import { afterEach, beforeEach } from 'vitest'
import type { KeyPurpose } from '../../gen/prisma/enums.ts'
import { type KeyKind, tokenKind } from '../../services/keys/domain/key-kinds.ts'
import { createKeyAges } from '../../services/keys/key-ages.ts'
import type { KeyProvider, NewSigningKey } from '../../services/keys/key-provider.ts'
import { createKeyVault } from '../../services/keys/key-vault.ts'
import { createSealedKeys } from '../../services/keys/sealed-keys.ts'
import { createSigningKeys } from '../../services/keys/signing-keys.ts'
import { generateTokenKey } from '../../services/platform/crypto/token-key.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { until } from './until.ts'

/** Times of every instance, in seconds. */
export const TIMES = { rotateAfterS: 1000, publishS: 100, retireAfterS: 500 }

const sealed = createSealedKeys(createKeyVault(new Uint8Array(32).fill(7)))

/** Creates a new database for each test, and instances that keep their signing keys in it. */
export function rotatingKeys() {
  let database: TestDatabase
  beforeEach(async () => {
    database = await testDatabase()
  })
  afterEach(() => database.drop())
  const prisma = () => database.db.prisma
  /** Creates an instance whose keys age as the test sets it. */
  const instance = (provider: Partial<KeyProvider> = {}) => {
    const clock = { s: 0 }
    const logged: object[] = []
    const keys = createSigningKeys({
      prisma: prisma(),
      provider: { ...sealed, ...provider },
      times: TIMES,
      ages: createKeyAges(() => clock.s * 1000),
      log: { info: (fields) => void logged.push(fields), warn: (fields) => void logged.push(fields) },
    })
    return { keys, clock, logged }
  }
  const rowsOf = (alg: string, purpose: KeyPurpose = 'access_token') =>
    prisma().jwksKey.findMany({ where: { purpose, alg }, orderBy: [{ createdAt: 'asc' }, { kid: 'asc' }] })
  const statesOf = async (alg: string, purpose?: KeyPurpose) => (await rowsOf(alg, purpose)).map(({ state }) => state)
  return {
    prisma,
    instance,
    /** Creates an instance and waits for the end of its first pass. */
    started: async () => {
      const made = instance()
      await made.keys.ensureFirst()
      await made.keys.runSchedule()
      return made
    },
    rowsOf,
    statesOf,
    untilStates: (alg: string, states: readonly string[]) =>
      until(
        () => statesOf(alg),
        (now) => now.join() === states.join(),
      ),
    activeKid: async (alg: string) => (await rowsOf(alg)).find(({ state }) => state === 'active')?.kid ?? '',
    auditOf: (subject: string) => prisma().auditLog.findMany({ where: { subject }, orderBy: { id: 'asc' } }),
    /** Returns all rows that a change of keys may write, for a later comparison. */
    everything: async () => ({
      keys: await prisma().jwksKey.findMany({ orderBy: { kid: 'asc' } }),
      audit: await prisma().auditLog.count(),
      assertions: await prisma().usedAssertion.count(),
    }),
    /** Changes the state in a row directly, so that only the rules of the database apply. */
    move: (kid: string, state: string) =>
      prisma().$executeRaw`UPDATE jwks_keys SET state = ${state}::key_state WHERE kid = ${kid}`,
  }
}

/** Creates a key outside the database, by default a token key. */
export async function keyFromElsewhere(kind: KeyKind = tokenKind('EdDSA')): Promise<NewSigningKey> {
  return sealed.seal(kind, (await generateTokenKey(kind.alg)).secret)
}
