import { randomUUID } from 'node:crypto'
import { type KeySigner, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { parseAccessTokenClaims } from '@auth4agent/core/token/claims'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../test/support/agent-calls.ts'
import { agentLog, newKey, newP256Key, registerWithLog, type TestKey } from '../../test/support/agent-log.ts'
import { ISSUER, startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, type TestChallenge } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import type { TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

type AddedKey = KeySigner & { readonly kid: string }

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let agent: Awaited<ReturnType<typeof registerWithLog>> & { readonly operatorId: string }

const now = () => Date.now()
const nowS = () => Math.floor(Date.now() / 1000)

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  await instance.runJobs()
  operator = await freshOperator(database.db)
})
afterAll(() => database.drop())

beforeEach(async () => {
  agent = { ...(await registerWithLog(instance.identity, operator, now)), operatorId: operator.id }
  await agentCalls(instance.identity, operator).setScopes(agent.did, ['read'])
})
afterEach(() => {
  instance.clock.offsetMs = 0
})

const asParty = (key: TestKey) => ({ id: agent.id, did: agent.did, key: key.pair.privateKey, operatorId: operator.id })
const addKey = async <K extends AddedKey>(key: K, seconds = 3600): Promise<K> => {
  await agent.append(agent.key, { type: 'add-key', key, label: 'laptop', exp: nowS() + seconds })
  return key
}
const message = ({ challenge, nonce }: TestChallenge) => Buffer.from(`auth4agents-challenge:${challenge}:${nonce}`)

/** Redeems a challenge that a key has signed. */
async function redeem(key: AddedKey, made?: TestChallenge, wishes: object = {}) {
  const challenge = made ?? (await instance.challenge(agent.did))
  const signature = Uint8Array.from(await key.sign(message(challenge)))
  return instance.redeem(asParty(agent.key), challenge, { signature, kid: key.kid, ...wishes })
}

/** Returns a client assertion that a key has signed. */
async function assertion(key: AddedKey, header: object = {}) {
  const claims = { iss: agent.did, sub: agent.did, aud: ISSUER, exp: nowS() + 60, jti: randomUUID() }
  const input = [{ alg: key.alg, kid: key.kid, ...header }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = Buffer.from(await key.sign(Buffer.from(input))).toString('base64url')
  return { clientAssertion: `${input}.${signature}` }
}

describe.each([
  ['P-256', newP256Key],
  ['Ed25519', newKey],
] as const)('an added key of %s', (_curve, create) => {
  it('obtains a token by a challenge, and the token names it', async () => {
    const key = await addKey(create())
    const { token = '' } = await redeem(key)
    expect(await instance.verify(token)).toMatchObject({ valid: true, claims: { sub: agent.did, agentKey: key.kid } })
    expect(parseAccessTokenClaims(decodeJwt(token))).toMatchObject({ agent_key: key.kid })
    const redemption = await database.db.prisma.redemption.findFirst({ where: { agentId: agent.id } })
    expect(redemption).toMatchObject({ keyThumbprint: key.kid })
  })

  it('obtains, introspects and revokes a token at the OAuth endpoints', async () => {
    const key = await addKey(create())
    const party = asParty(agent.key)
    const { accessToken = '' } = await instance.oauthToken(party, await assertion(key))
    expect(await instance.introspect(party, accessToken, await assertion(key))).toMatchObject({
      active: true,
      agentKey: key.kid,
    })
    await instance.revokeOwn(party, accessToken, await assertion(key))
    expect(await instance.verify(accessToken)).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
  })

  it('gets nothing without its kid, under another kid, and before it is added', async () => {
    const key = create()
    expect(await refusalOf(redeem(key))).toBe('INVALID_SIGNATURE')
    expect(await refusalOf(instance.oauthToken(asParty(agent.key), await assertion(key)))).toBe('INVALID_ASSERTION')
    await addKey(key)
    expect(await refusalOf(redeem(key, undefined, { kid: '' }))).toBe('INVALID_SIGNATURE')
    expect(await refusalOf(redeem(key, undefined, { kid: agent.key.kid }))).toBe('INVALID_SIGNATURE')
  })

  it('ends with its removal, and its tokens with it', async () => {
    const key = await addKey(create())
    const { token = '' } = await redeem(key)
    const late = await instance.challenge(agent.did)
    await agent.append(agent.key, { type: 'remove-key', kid: key.kid })
    expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'AGENT_TOKENS_ENDED' })
    expect(await refusalOf(redeem(key, late))).toBe('INVALID_SIGNATURE')
    expect(await refusalOf(instance.oauthToken(asParty(agent.key), await assertion(key)))).toBe('INVALID_ASSERTION')
  })

  it('is no identity key: it signs no events', async () => {
    const key = await addKey(create())
    const event = await signKeyEvent(
      { publicKey: agent.key.publicKey, sign: (text) => key.sign(text) },
      await agent.state(),
      { type: 'deactivate' },
      nowS(),
    )
    expect(await refusalOf(agent.send(event))).toBe('INVALID_KEY_EVENT')
  })
})

describe('the expiry of an added key', () => {
  it('limits the lifetime of a token', async () => {
    const key = await addKey(newP256Key(), 100)
    const { token = '', expiresIn } = await redeem(key, undefined, { ttl: '10m' })
    expect(expiresIn).toBeLessThanOrEqual(100)
    const { exp } = decodeJwt(token)
    expect(exp).toBe((await agent.state()).addedKeys[0]?.exp)
  })

  it.each([
    ['the clock of this process', 5000],
    ['only the clock of the database', -5000],
  ])('refuses the key when it has passed by %s', async (_clock, offsetMs) => {
    const key = await addKey(newP256Key())
    await redeem(key)
    const expiresAt = new Date((nowS() + (offsetMs > 0 ? 3 : -1)) * 1000)
    await database.db.prisma.agentAddedKey.updateMany({ where: { agentId: agent.id }, data: { expiresAt } })
    // A process without a copy of the agent, whose clock is wrong.
    const other = await startInstance(database.db)
    other.clock.offsetMs = offsetMs
    const challenge = await instance.challenge(agent.did)
    const signature = Uint8Array.from(await key.sign(message(challenge)))
    const redeeming = other.redeem(asParty(agent.key), challenge, { signature, kid: key.kid })
    expect(await refusalOf(redeeming)).toBe('INVALID_SIGNATURE')
  })
})

describe('issueToken with added keys', () => {
  it('redeems challenges of the identity key and of added keys in one batch', async () => {
    const [first, second] = [await addKey(newP256Key()), await addKey(newKey())]
    const keys = [agent.key, first, second, agent.key]
    const challenges = await Promise.all(keys.map(() => instance.challenge(agent.did)))
    const tokens = await Promise.all(keys.map((key, index) => redeem(key, challenges[index])))
    const claims = tokens.map(({ token = '' }) => decodeJwt(token))
    expect(claims.map(({ agent_key }) => agent_key)).toEqual([undefined, first.kid, second.kid, undefined])
  })

  it('refuses a challenge that two keys of the agent have redeemed', async () => {
    const key = await addKey(newP256Key())
    const challenge = await instance.challenge(agent.did)
    await redeem(key, challenge)
    expect(await refusalOf(redeem(agent.key, challenge))).toBe('CHALLENGE_USED')
  })

  it('refuses the removed key of a copy that another process has in memory', async () => {
    const key = await addKey(newP256Key())
    const other = await startInstance(database.db)
    const sign = async () => {
      const challenge = await other.challenge(agent.did)
      const signature = Uint8Array.from(await key.sign(message(challenge)))
      return other.redeem(asParty(agent.key), challenge, { signature, kid: key.kid })
    }
    await sign()
    await agentLog(instance.identity, agent.did, now).append(agent.key, { type: 'remove-key', kid: key.kid })
    expect(await refusalOf(sign())).toBe('INVALID_SIGNATURE')
  })
})
