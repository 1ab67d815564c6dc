import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { freshOperator } from '../../../test/support/authn-agents.ts'
import { startChainParties } from '../../../test/support/chain-parties.ts'
import { handOn, rootFor } from '../../../test/support/held-chains.ts'
import type { TestOperator } from '../../../test/support/identity.ts'

const { database, instance, key, acme, partner, at, verify } = await startChainParties()
afterAll(() => database.drop())

let owner: TestOperator
let api: string
let other: string
beforeAll(async () => {
  owner = await freshOperator(database.db)
  api = `https://api.${owner.domain}/v1`
  other = `https://other.${owner.domain}`
})

/** Replaces the callers of an audience. */
async function list(audience: string, ...callers: string[]): Promise<void> {
  const operatorId = owner.id
  const where = { operatorId_audience: { operatorId, audience } }
  await database.db.prisma.operatorAudience.upsert({
    where,
    create: { operatorId, audience, callers },
    update: { callers },
  })
}

/** A chain from an agent of acme over one of partner to another one of acme. */
async function chainAt(...audiences: string[]): Promise<string> {
  const tools = Object.fromEntries(audiences.map((audience) => [`${audience}#read`, {}]))
  const to = [acme.domain, partner.domain]
  const root = await rootFor(key, at(0), { tools, to })
  return handOn(key, await handOn(key, root, at(0), at(1), { tools, to }), at(1), at(2), { tools })
}

const answerAt = async (audience: string[], text: string) => {
  const { valid, reason, hop } = await verify(text, { audience })
  return valid ? 'valid' : `${reason} at ${hop}`
}

const ask = (text: string) =>
  instance.introspect(at(0), text, { tokenTypeHint: 'urn:auth4agent:token-type:grant-chain' })

describe('the callers of an audience bind every holder of a chain', () => {
  it.each<[string, () => string[], string]>([
    ['all domains', () => [acme.domain, partner.domain], 'valid'],
    ['every caller', () => ['*'], 'valid'],
    ['nobody', () => [], 'OPERATOR_NOT_TRUSTED at 0'],
    ['the domain of the middle holder alone', () => [partner.domain], 'OPERATOR_NOT_TRUSTED at 0'],
    ['the domain of the first and the last holder alone', () => [acme.domain], 'ACTOR_NOT_TRUSTED at 1'],
  ])('at VerifyToken, if the owner lists %s', async (_, callers, expected) => {
    await list(api, ...callers())
    expect(await answerAt([api], await chainAt(api))).toBe(expected)
  })

  it('at VerifyToken, also for the last holder', async () => {
    await list(api, acme.domain)
    const root = await rootFor(key, at(0), { tools: { [`${api}#read`]: {} }, to: [partner.domain] })
    const text = await handOn(key, root, at(0), at(1), { tools: { [`${api}#read`]: {} } })
    expect(await answerAt([api], text)).toBe('ACTOR_NOT_TRUSTED at 1')
    expect(await answerAt([api], root)).toBe('valid')
  })

  it('only at the audiences that the grants allow, of which one is enough', async () => {
    await list(api, acme.domain)
    await list(other, '*')
    expect(await answerAt([api, other], await chainAt(api, other))).toBe('valid')
    expect(await answerAt([api, other], await chainAt(api))).toBe('ACTOR_NOT_TRUSTED at 1')
    expect(await answerAt([api, other], await chainAt(other))).toBe('valid')
  })

  it('not where no operator owns the audience, nor at the issuer', async () => {
    expect(await answerAt(['https://free.example'], await chainAt('https://free.example'))).toBe('valid')
    expect(await answerAt([ISSUER], await chainAt(ISSUER))).toBe('valid')
  })

  it('not while a chain is only inspected, which names no audience', async () => {
    await list(api, acme.domain)
    expect(await instance.verify(await chainAt(api), { delegation: 'inspect' })).toMatchObject({ valid: true })
  })

  it('at introspection, which tells only the audiences that are open to all holders', async () => {
    await list(api, acme.domain)
    await list(other, '*')
    expect(await ask(await chainAt(api))).toMatchObject({ active: false })
    const answer = await ask(await chainAt(api, other))
    expect(answer).toMatchObject({ active: true, aud: [other] })
    expect(JSON.stringify(answer.authorizationDetails)).not.toContain(`${api}#read`)
    await list(api, '*')
    expect(await ask(await chainAt(api))).toMatchObject({ active: true, aud: [api] })
  })
})
