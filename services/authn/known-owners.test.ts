import { parseAudience } from '@auth4agent/core/token/audience'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { beforeEach, expect, it } from 'vitest'
import {
  AudienceRuleSchema,
  LookupAudienceOwnerResponseSchema,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { CAUSE } from '../../test/support/cause.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { createKnownOwners, type KnownOwners, type Owners } from './known-owners.ts'
import type { Timeline } from './timeline.ts'

const SHOP = 'https://api.shop.example/v1'
const DOMAINS = ['api.shop.example', 'shop.example']

let now: MessageInitShape<typeof LookupAudienceOwnerResponseSchema>
let asked: { audiences: string[] }[]
let known: KnownOwners
let timeline: Timeline

const knownOwners = (capacity?: number) =>
  createKnownOwners(
    {
      async lookupAudienceOwner(request) {
        asked.push(request)
        return create(LookupAudienceOwnerResponseSchema, now)
      },
    },
    timeline,
    capacity,
  )

beforeEach(() => {
  now = { operatorId: 'shop', operatorVersion: 1 }
  asked = []
  timeline = { current: 1 }
  known = knownOwners()
})

/** A decision that allows what an owner allows that `refuses` does not name. */
const decide = (refuses = '', { audience = SHOP, callers = ['acme.example'] } = {}) => {
  const parsed = parseAudience(audience)
  if (parsed === undefined) throw new Error('no audience')
  return async (owners: Owners) => {
    const { operatorId, operatorVersion } = await owners.ownerOf(parsed, callers)
    if (refuses === `${operatorId} ${operatorVersion}`) throw new ApiError('AUDIENCE_NOT_ALLOWED')
    return `${operatorId} ${operatorVersion}`
  }
}

const rule = (audience: string, ...callers: string[]) =>
  create(AudienceRuleSchema, { audience, callers, callerEdges: callers.map((each) => `edge of ${each}`) })

it('asks once, and says from which owner and version each decision was made', async () => {
  const seen = { value: 'shop 1', owners: [{ domains: DOMAINS, operatorId: 'shop', version: 1 }] }
  expect(await known.decide(decide(), false, CAUSE)).toEqual(seen)
  expect(await known.decide(decide(), false, CAUSE)).toEqual(seen)
  expect(asked).toEqual([{ host: 'api.shop.example', audiences: [SHOP], callers: ['acme.example'] }])
})

it('remembers that nobody owns an audience', async () => {
  now = {}
  for (const _ of [1, 2]) {
    const { owners } = await known.decide(decide(), false, CAUSE)
    expect(owners).toEqual([{ domains: DOMAINS, operatorId: '', version: 0 }])
  }
  expect(asked).toHaveLength(1)
})

it.each([
  ['for another audience', { audience: 'https://api.shop.example/v2' }],
  ['for another caller', { callers: ['bolt.example'] }],
  ['for more callers', { callers: ['acme.example', 'bolt.example'] }],
])('asks %s', async (_, question) => {
  await known.decide(decide(), false, CAUSE)
  await known.decide(decide('', question), false, CAUSE)
  expect(asked).toHaveLength(2)
})

it('asks again when the decision must be fresh, and remembers the new answer', async () => {
  await known.decide(decide(), false, CAUSE)
  now.operatorVersion = 2
  expect((await known.decide(decide(), true, CAUSE)).value).toBe('shop 2')
  expect((await known.decide(decide(), false, CAUSE)).value).toBe('shop 2')
  expect(asked).toHaveLength(2)
})

it.each([
  ['another version', { operatorId: 'shop', operatorVersion: 2 }, 'shop 2'],
  ['another owner', { operatorId: 'other', operatorVersion: 1 }, 'other 1'],
  ['no owner', {}, ' 0'],
])('refuses by no remembered owner when there is %s', async (_, next, value) => {
  await known.decide(decide(), false, CAUSE)
  now = next
  expect((await known.decide(decide('shop 1'), false, CAUSE)).value).toBe(value)
  expect((await known.decide(decide('shop 1'), false, CAUSE)).value).toBe(value)
})

it('refuses by no remembered owner that only the second decision asks for', async () => {
  const [first, second] = [decide('shop 1'), decide('shop 1', { audience: 'https://api.shop.example/v2' })]
  for (const audience of [SHOP, 'https://api.shop.example/v2'])
    await known.decide(decide('', { audience }), false, CAUSE)
  now.operatorVersion = 2
  const both = async (owners: Owners) => `${await first(owners)}, ${await second(owners)}`
  expect((await known.decide(both, false, CAUSE)).value).toBe('shop 2, shop 2')
})

it('decides once when it refuses and the owner is the same', async () => {
  await known.decide(decide(), false, CAUSE)
  let decisions = 0
  const refuse = async (owners: Owners) => {
    decisions += 1
    return decide('shop 1')(owners)
  }
  expect(await refusalOf(known.decide(refuse, false, CAUSE))).toBe('AUDIENCE_NOT_ALLOWED')
  expect(decisions).toBe(1)
  expect(asked).toHaveLength(2)
})

it('asks once for a decision that refuses by a new answer, and does not remember it', async () => {
  expect(await refusalOf(known.decide(decide('shop 1'), false, CAUSE))).toBe('AUDIENCE_NOT_ALLOWED')
  expect(asked).toHaveLength(1)
  await known.decide(decide(), false, CAUSE)
  expect(asked).toHaveLength(2)
})

it('neither remembers an answer without a version, as of an older process, nor demands one', async () => {
  now = { operatorId: 'shop' }
  for (const _ of [1, 2]) expect((await known.decide(decide(), false, CAUSE)).owners).toEqual([])
  expect(asked).toHaveLength(2)
})

it('forgets the oldest answer of the caller that has the most', async () => {
  known = knownOwners(3)
  const use = (path: string, ...callers: string[]) =>
    known.decide(decide('', { audience: `https://api.shop.example/${path}`, callers }), false, CAUSE)
  await use('other', 'bolt.example', 'carol.example')
  for (const path of ['a', 'b', 'a', 'c', 'b']) await use(path, 'acme.example')
  await use('other', 'bolt.example', 'carol.example')
  await use('a', 'acme.example')
  const paths = asked.flatMap(({ audiences }) => audiences).map((audience) => audience.split('/').at(-1))
  expect(paths).toEqual(['other', 'a', 'b', 'c', 'a'])
})

it('names each owner of a host once', async () => {
  const decisions = [SHOP, 'https://api.shop.example/v2'].map((audience) => decide('', { audience }))
  const { owners } = await known.decide((all) => Promise.all(decisions.map((each) => each(all))), false, CAUSE)
  expect(owners).toEqual([{ domains: DOMAINS, operatorId: 'shop', version: 1 }])
})

it('neither remembers nor checks the owner of a host with more than 16 domains', async () => {
  const hosts = [17, 18].map((labels) => `${'a.'.repeat(labels - 1)}example`)
  for (const [at, audience] of [...hosts, ...hosts].entries()) {
    const { owners } = await known.decide(decide('', { audience }), false, CAUSE)
    expect(owners.map(({ domains }) => domains.length)).toEqual(at % 2 === 0 ? [16] : [])
  }
  expect(asked).toHaveLength(3)
})

it('remembers only the rules and callers that were asked for, although a shared answer has more', async () => {
  const everything = ['acme.example', 'bolt.example', '*']
  now = {
    operatorId: 'shop',
    operatorVersion: 1,
    rules: [SHOP, 'x.example', 'api.shop.example'].map((each) => rule(each, ...everything)),
  }
  const answers: unknown[] = []
  const ask = async (owners: Owners) => {
    const { rules } = await owners.ownerOf({ text: SHOP, host: 'api.shop.example' }, ['bolt.example'])
    answers.push(rules)
  }
  await known.decide(ask, false, CAUSE)
  await known.decide(ask, false, CAUSE)
  const wanted = ['bolt.example', '*']
  expect(answers[1]).toEqual([rule(SHOP, ...wanted), rule('api.shop.example', ...wanted)])
})

it('does not ask again when a look-up fails', async () => {
  await known.decide(decide(), false, CAUSE)
  const twice = async (owners: Owners) => {
    await decide()(owners)
    throw new ApiError('UNAVAILABLE')
  }
  expect(await refusalOf(known.decide(twice, false, CAUSE))).toBe('UNAVAILABLE')
  expect(asked).toHaveLength(1)
})

it('remembers nothing from another timeline of the database', async () => {
  await known.decide(decide(), false, CAUSE)
  timeline.current = 2
  now = { operatorId: 'shop', operatorVersion: 1, rules: [] }
  await known.decide(decide(), false, CAUSE)
  expect(asked).toHaveLength(2)
})

it('does not remember an answer that it requested before a new timeline began', async () => {
  await known.decide(
    async (owners) => {
      const decided = await decide()(owners)
      timeline.current = 2
      return decided
    },
    false,
    CAUSE,
  )
  await known.decide(decide(), false, CAUSE)
  expect(asked).toHaveLength(2)
})
