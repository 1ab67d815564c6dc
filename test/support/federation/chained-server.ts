import { randomUUID } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { afterAll, beforeAll } from 'vitest'
import type { Call } from '../../../services/calls/call.ts'
import { type Db, openDb } from '../../../services/platform/db/db.ts'
import type { Chaining } from '../../../services/trust/index.ts'
import { ISSUER, startInstance, type TestInstance } from '../authn.ts'
import { insertAgent, type TestHolder } from '../authn-agents.ts'
import { silentLog, type TestDatabase, testDatabase } from '../database.ts'
import { anonymous, type TestOperator } from '../identity.ts'
import { agentKey, alphaGrant, chainingWorld, GOOD_GRANT } from './chaining-world.ts'
import { CARGO } from './foreign-parties.ts'
import { type WorldOptions } from './foreign-world.ts'

const TOKEN_URL = `${ISSUER}/oauth/token`
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

type World = ReturnType<typeof chainingWorld>

/** Two processes of B on one database. B has the operator cargo with one agent, and knows A from rows in memory. */
export interface ChainedServer {
  readonly database: TestDatabase
  readonly instances: readonly [TestInstance, TestInstance]
  readonly agent: TestHolder
  /** The operator cargo. */
  readonly owner: TestOperator
  /** What the processes decide by, for another process. */
  readonly chaining: Chaining
  readonly world: World
  /** Runs after a grant is judged and before it is used. */
  between: () => Promise<unknown>
  /** Redeems a grant with a proof by the agent's key, unless the wishes or the call say otherwise. */
  readonly redeem: (
    grant?: string,
    wishes?: Parameters<TestInstance['oauthToken']>[1],
    call?: Call,
    process?: 0 | 1,
  ) => Answer
}

type Answer = ReturnType<TestInstance['oauthToken']>

const nothing = async (): Promise<unknown> => undefined

/** Opens the server before the tests of a file and closes it afterwards. `renew` makes a world for one test. */
export function useChainedServer() {
  let database: TestDatabase
  let otherDb: Db
  let world: World
  let between = nothing
  const chaining: Chaining = {
    findAuthority: (question) => world.chaining.findAuthority(question),
    checkHome: (claims) => world.chaining.checkHome(claims),
    async judgeGrant(...request) {
      const judged = await world.chaining.judgeGrant(...request)
      await between()
      return judged
    },
  }
  let server: Omit<ChainedServer, 'world' | 'between' | 'redeem'>
  beforeAll(async () => {
    database = await testDatabase()
    otherDb = openDb({ url: database.url, poolSize: 10, log: silentLog })
    await database.db.prisma.deployment.create({ data: { issuer: ISSUER } })
    const instances = [
      await startInstance(database.db, { chaining }),
      await startInstance(otherDb, { chaining }),
    ] as const
    const owner = { id: CARGO, domain: 'cargo.example', root: generateKeyPair() }
    const rootPublicKey = Uint8Array.from(owner.root.publicKey)
    const rootKeyThumbprint = thumbprint(rootPublicKey)
    const data = { id: CARGO, domain: owner.domain, status: 'active', rootPublicKey, rootKeyThumbprint } as const
    await database.db.prisma.operator.create({ data })
    server = { database, instances, chaining, owner, agent: await insertAgent(database.db, owner) }
  })
  afterAll(async () => {
    await otherDb.close()
    await database.drop()
  })
  return (options: WorldOptions = {}): ChainedServer => {
    world = chainingWorld(options, ISSUER)
    world.clock.nowS = Math.floor(Date.now() / 1_000)
    between = nothing
    return {
      ...server,
      world,
      get between() {
        return between
      },
      set between(hook) {
        between = hook
      },
      redeem: (grant = grantNow(), wishes = {}, call = provenBy(), process = 0) => {
        return server.instances[process].oauthToken(server.agent, { ...redemption(grant), ...wishes }, call)
      },
    }
  }
}

/** Returns the request that redeems a grant. */
export function redemption(grant: string) {
  return { grantType: JWT_BEARER, assertion: grant, clientAssertion: '', clientAssertionType: '' }
}

/** Signs a grant of A that is valid now. */
export function grantNow(claims: object = {}, header: object = {}): string {
  const nowS = Math.floor(Date.now() / 1_000)
  const token = { ...GOOD_GRANT.token, exp: nowS + 3_600 }
  return alphaGrant({ aud: ISSUER, iat: nowS, exp: nowS + 60, jti: randomUUID(), token, ...claims }, header)
}

/** Returns a call with a DPoP proof for the token endpoint by the key of acme's agent, or by another key. */
export function provenBy(key = agentKey, claims: object = {}): Call {
  const header = { typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk }
  const nowS = Math.floor(Date.now() / 1_000)
  const text = key.sign(header, { jti: randomUUID(), htm: 'POST', htu: TOKEN_URL, iat: nowS, ...claims })
  return { ...anonymous(), dpop: { text, method: 'POST', url: TOKEN_URL } }
}

/** Reads the payload of a token. */
export function payloadOf(token = ''): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
