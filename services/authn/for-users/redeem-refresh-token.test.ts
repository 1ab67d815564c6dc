import { randomUUID } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import type { TokenResponseSchema } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { provenCall } from '../../../test/support/exchanges.ts'
import { payloadOf } from '../../../test/support/federation/chained-server.ts'
import { anonymous } from '../../../test/support/identity.ts'
import { type ConsentedUser, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { formatRefreshToken } from '../../people/connections/refresh-token.ts'
import { importHmacKey } from '../../platform/crypto/hmac.ts'

const world = useUserWorld()

/** A key of a client. */
function freshHolder() {
  const { publicKey, privateKey: key } = generateKeyPair()
  return { publicKey, key, kid: thumbprint(publicKey) }
}

/** Connects a client, and returns its connection and first answer. */
async function connect(user: ConsentedUser, wishes = {}) {
  const id = randomUUID()
  const { code, redeem } = world()
  const answer = await redeem(await code(user, { id, ...wishes }))
  return { id, refreshToken: answer.refreshToken ?? '', accessToken: answer.accessToken ?? '' }
}

async function isValid(token: string, { audience }: ConsentedUser): Promise<boolean> {
  const { valid } = await world().instances[1].verify(token, {
    audience: [audience],
    scope: 'read',
    delegation: 'accept',
  })
  return valid === true
}

const query = (text: string, values: unknown[]) => world().database.db.pool.query(text, values)
/** Makes the last move of a connection older than the time for which its refresh token is still good. */
const pass = (id: string) => query(`UPDATE connections SET moved_at = moved_at - interval '31 s' WHERE id = $1`, [id])

describe('a refresh token', () => {
  it('gives another token of the same connection, and the next refresh token', async () => {
    const { user: insert, refresh } = world()
    const user = await insert()
    const { id, refreshToken, accessToken } = await connect(user)
    const answer = await refresh(refreshToken, {}, undefined, 1)
    expect(answer).toMatchObject({ tokenType: 'Bearer', expiresIn: 300, scope: 'read write' })
    expect(answer.refreshToken).not.toBe(refreshToken)
    const [first, second] = [payloadOf(accessToken), payloadOf(answer.accessToken)]
    expect(second['edges']).toEqual(first['edges'])
    expect(second['edges']).toContain(id)
    expect(second['jti']).not.toBe(first['jti'])
    expect(await isValid(answer.accessToken ?? '', user)).toBe(true)
    expect(await isValid(accessToken, user)).toBe(true)
  })

  it('whose answer was lost is good for 30 seconds more, and gives the same next refresh token', async () => {
    const { user, refresh } = world()
    const { id, refreshToken } = await connect(await user())
    const next = (await refresh(refreshToken)).refreshToken
    expect((await refresh(refreshToken)).refreshToken).toBe(next)
    await pass(id)
    expect(await refusalOf(refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
  })

  it('that is older ends the connection, because two have it', async () => {
    const { user: insert, refresh, database } = world()
    const user = await insert()
    const { id, refreshToken, accessToken } = await connect(user)
    const next = (await refresh(refreshToken)).refreshToken ?? ''
    const last = (await refresh(next)).refreshToken ?? ''
    expect(await isValid(accessToken, user)).toBe(true)
    let told = 0
    const call = { ...anonymous(), hasEndedTokens: () => void (told += 1) }
    expect(await refusalOf(refresh(refreshToken, {}, call))).toBe('REFRESH_NOT_ACCEPTED')
    expect(told).toBe(1)
    expect(await isValid(accessToken, user)).toBe(false)
    expect(await refusalOf(refresh(last))).toBe('REFRESH_NOT_ACCEPTED')
    const where = { action: 'connection.end', subject: id }
    expect(await database.db.prisma.auditLog.findMany({ where })).toHaveLength(1)
  })

  it('gives one next refresh token, also to 100 requests at two processes at the same time', async () => {
    const { user: insert, refresh } = world()
    const user = await insert()
    const { refreshToken, accessToken } = await connect(user)
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, each) => refresh(refreshToken, {}, undefined, each % 2 === 0 ? 0 : 1)),
    )
    expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1)
    expect(await isValid(accessToken, user)).toBe(true)
  })

  it('that is sent many times does not delay the users of other operators', async () => {
    const { user, refresh, database } = world()
    const [busy, other] = [await connect(await user()), await connect(await user())]
    const client = await database.db.pool.connect()
    await client.query('BEGIN')
    await client.query('SELECT 1 FROM connections WHERE id = $1 FOR UPDATE', [busy.id])
    const waiting = Array.from({ length: 40 }, () => refusalOf(refresh(busy.refreshToken)))
    expect(await refusalOf(refresh(other.refreshToken))).toBeUndefined()
    await client.query('COMMIT')
    client.release()
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([undefined]))
  })

  it('may ask for less, and the next one for all again', async () => {
    const { user, refresh } = world()
    const { refreshToken } = await connect(await user())
    const answer = await refresh(refreshToken, { scope: 'write' })
    expect(answer.scope).toBe('write')
    expect((await refresh(answer.refreshToken ?? '')).scope).toBe('read write')
  })

  it('gives only what the owner and the user still allow', async () => {
    const { user: insert, refresh } = world()
    const user = await insert()
    const { refreshToken } = await connect(user)
    await query('UPDATE consents SET capabilities = $2, edge_id = gen_random_uuid() WHERE id = $1', [
      user.consentId,
      [`${user.audience}#read`],
    ])
    const answer = await refresh(refreshToken)
    expect(answer.scope).toBe('read')
    expect(await refusalOf(refresh(answer.refreshToken ?? '', { scope: 'write' }))).toBe('CONSENT_REQUIRED')
  })

  it('gives no token beyond the end of its connection', async () => {
    const { user, refresh } = world()
    const { id, refreshToken } = await connect(await user())
    await query(`UPDATE connections SET expires_at = clock_timestamp() + interval '100 s' WHERE id = $1`, [id])
    const { expiresIn = 0, refreshToken: next = '' } = await refresh(refreshToken)
    expect(expiresIn).toBeLessThanOrEqual(100)
    await query('UPDATE connections SET expires_at = clock_timestamp() WHERE id = $1', [id])
    expect(await refusalOf(refresh(next))).toBe('REFRESH_NOT_ACCEPTED')
  })
})

const DAY_S = 86_400
const nowS = () => Math.floor(Date.now() / 1_000)
const tells = `UPDATE identity_providers SET signals = 'ssf' WHERE id = $1`
/** Reads how long a connection lasts from an answer, which is a second or more after the sign-in. */
const lasts = (expectedS: number, { authorizationExpiresIn = 0 }: MessageInitShape<typeof TokenResponseSchema>) => {
  expect(authorizationExpiresIn).toBeLessThanOrEqual(expectedS)
  expect(authorizationExpiresIn).toBeGreaterThan(expectedS - 100)
}

describe('a connection lasts', () => {
  it('8 hours from the sign-in, not from the code, if the provider does not tell whom it has ended', async () => {
    const { user: insert, code, redeem, refresh } = world()
    const vouchedAtS = nowS() - 3_600
    const answer = await redeem(await code(await insert(), { vouchedAtS }))
    lasts(7 * 3_600, answer)
    lasts(7 * 3_600, await refresh(answer.refreshToken ?? ''))
  })

  it('as many days as the owner says, if it does', async () => {
    const { user: insert, code, redeem, refresh } = world()
    const user = await insert()
    await query(tells, [user.providerId])
    const answer = await redeem(await code(user))
    lasts(30 * DAY_S, answer)
    lasts(30 * DAY_S, await refresh(answer.refreshToken ?? ''))
  })

  it('shorter from the moment at which the owner allows less', async () => {
    const { user: insert, code, redeem, refresh } = world()
    const user = await insert()
    await query(tells, [user.providerId])
    const days = (count: number) =>
      query(
        `WITH changed AS (
           UPDATE operator_audiences SET users = jsonb_set(users, '{max_days}', to_jsonb($2::int)) WHERE audience = $1
           RETURNING operator_id)
         UPDATE operators SET version = version + 1 WHERE id = (SELECT operator_id FROM changed)`,
        [user.audience, count],
      )
    const answer = await redeem(await code(user, { vouchedAtS: nowS() - 2 * DAY_S }))
    await days(3)
    const next = await refresh(answer.refreshToken ?? '')
    lasts(DAY_S, next)
    await days(1)
    expect(await refusalOf(refresh(next.refreshToken ?? ''))).toBe('REFRESH_NOT_ACCEPTED')
    await days(90)
    lasts(28 * DAY_S, await refresh(next.refreshToken ?? ''))
  })

  it('shorter from the moment at which the provider stops telling', async () => {
    const { user: insert, code, redeem, refresh } = world()
    const user = await insert()
    await query(tells, [user.providerId])
    const answer = await redeem(await code(user, { vouchedAtS: nowS() - 8 * 3_600 }))
    await query(`UPDATE identity_providers SET signals = 'none' WHERE id = $1`, [user.providerId])
    expect(await refusalOf(refresh(answer.refreshToken ?? ''))).toBe('REFRESH_NOT_ACCEPTED')
  })
})

describe('an ending that is undone stays one:', () => {
  const block = `UPDATE clients SET status = 'blocked', edge_id = gen_random_uuid() WHERE operator_id = $1`
  const allow = `UPDATE clients SET status = 'allowed' WHERE operator_id = $1`

  it('a client that was blocked and is allowed again has lost its connections and its codes', async () => {
    const { user: insert, code, redeem, refresh } = world()
    const user = await insert()
    const [{ refreshToken }, unused] = [await connect(user), await code(user)]
    await query(block, [user.owner.id])
    expect(await refusalOf(refresh(refreshToken))).toBe('CLIENT_NOT_ALLOWED')
    await query(allow, [user.owner.id])
    expect(await refusalOf(refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    expect(await refusalOf(redeem(unused))).toBe('CODE_NOT_ACCEPTED')
    const [row] = (await query('SELECT edge_id::text FROM clients WHERE operator_id = $1', [user.owner.id])).rows
    expect(await refusalOf(redeem(await code({ ...user, clientEdge: row.edge_id })))).toBeUndefined()
  })
})

it('a connection that expired stays expired when a clock is set back', async () => {
  const { user, refresh } = world()
  const { refreshToken } = await connect(await user())
  await query(`UPDATE deployment SET clock_reached = now() + $1::interval`, ['31 d'])
  const refusal = await refusalOf(refresh(refreshToken))
  await query(`UPDATE deployment SET clock_reached = now() - $1::interval`, ['1 h'])
  expect(refusal).toBe('REFRESH_NOT_ACCEPTED')
  expect(await refusalOf(refresh(refreshToken))).toBeUndefined()
})

describe('a refresh token is refused, and ends nothing,', () => {
  it.each<readonly [name: string, reason: string, members: object]>([
    ['of another client', 'REFRESH_NOT_ACCEPTED', { clientId: 'https://other.example/client.json' }],
    ['without a client', 'INVALID_ARGUMENT', { clientId: '' }],
    ['for another resource', 'INVALID_AUDIENCE', { resource: ['https://other.example/mcp'] }],
    ['for more scopes', 'SCOPE_NOT_ALLOWED', { scope: 'read admin' }],
    ['that is missing', 'REFRESH_NOT_ACCEPTED', { refreshToken: '' }],
    ['that is an access token', 'REFRESH_NOT_ACCEPTED', { refreshToken: 'eyJ' }],
    [
      'with a known handle and a false MAC',
      'REFRESH_NOT_ACCEPTED',
      { refreshToken: formatRefreshToken(importHmacKey(Buffer.alloc(32)), { connection: randomUUID(), n: 0 }) },
    ],
  ])('%s: %s', async (_, reason, members) => {
    const { user: insert, refresh } = world()
    const user = await insert()
    const { refreshToken, accessToken } = await connect(user)
    expect(await refusalOf(refresh(refreshToken, members))).toBe(reason)
    expect(await isValid(accessToken, user)).toBe(true)
    expect(await refusalOf(refresh(refreshToken, { resource: [user.audience] }))).toBeUndefined()
  })
})

describe('a connection that began with a DPoP proof', () => {
  it('needs a proof of the same key each time, and its refresh token stays', async () => {
    const { user: insert, code, redeem, refresh } = world()
    const user = await insert()
    const [own, other] = [freshHolder(), freshHolder()]
    const answer = await redeem(await code(user), {}, await provenCall(own))
    const refreshToken = answer.refreshToken ?? ''
    expect(answer.tokenType).toBe('DPoP')
    expect(await refusalOf(refresh(refreshToken))).toBe('DPOP_PROOF_REQUIRED')
    expect(await refusalOf(refresh(refreshToken, {}, await provenCall(other)))).toBe('INVALID_DPOP_PROOF')
    const proof = await provenCall(own)
    const again = await refresh(refreshToken, {}, proof)
    expect(again).toMatchObject({ tokenType: 'DPoP', refreshToken })
    expect(payloadOf(again.accessToken)['cnf']).toEqual(payloadOf(answer.accessToken)['cnf'])
    expect(await refusalOf(refresh(refreshToken, {}, proof))).toBe('DPOP_PROOF_USED')
    expect(await refusalOf(refresh(refreshToken, {}, await provenCall(own)))).toBeUndefined()
  })

  it('needs the key that the authorization request has named', async () => {
    const { user: insert, code, redeem } = world()
    const user = await insert()
    const [own, other] = [freshHolder(), freshHolder()]
    const sealed = await code(user, { jkt: own.kid })
    expect(await refusalOf(redeem(sealed))).toBe('DPOP_PROOF_REQUIRED')
    expect(await refusalOf(redeem(sealed, {}, await provenCall(other)))).toBe('INVALID_DPOP_PROOF')
    expect(await refusalOf(redeem(sealed, {}, await provenCall(own)))).toBeUndefined()
  })

  it('is demanded by an owner that wants it', async () => {
    const { user: insert, code, redeem } = world()
    const user = await insert()
    await query(`UPDATE operator_audiences SET dpop = 'required' WHERE audience = $1`, [user.audience])
    const sealed = await code(user)
    expect(await refusalOf(redeem(sealed))).toBe('DPOP_PROOF_REQUIRED')
    expect(await refusalOf(redeem(sealed, {}, await provenCall(freshHolder())))).toBeUndefined()
  })
})

describe('the end of all tokens of the deployment', () => {
  it('voids every refresh token, and later codes give good ones at every process', async () => {
    const { user: insert, code, redeem, refresh, database } = world()
    const user = await insert()
    const { refreshToken } = await connect(user)
    const gone = { refreshKeyId: null, wrappedRefreshKey: null, refreshKekId: null }
    await database.db.prisma.deployment.updateMany({ data: gone })
    expect(await refusalOf(refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    // A process looks for another key at most once a second.
    await expect.poll(async () => refusalOf(redeem(await code(user))), { timeout: 20_000 }).toBeUndefined()
    const { refreshToken: later = '' } = await redeem(await code(user))
    await expect.poll(() => refusalOf(refresh(later, {}, undefined, 1)), { timeout: 20_000 }).toBeUndefined()
    expect(await refusalOf(refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
  })
})
