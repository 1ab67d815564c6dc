import { parseAudience } from '@auth4agent/core/token/audience'
import { create } from '@bufbuild/protobuf'
import { beforeEach, expect, it } from 'vitest'
import { LookupAudienceOwnerResponseSchema } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { createKnownOwners, type KnownOwners, type Owners } from './known-owners.ts'

const SHOP = 'https://api.shop.example/v1'
const DOMAINS = ['api.shop.example', 'shop.example']

let now: { operatorId?: string; operatorVersion?: number }
let asked: { audiences: string[] }[]
let known: KnownOwners

const knownOwners = (capacity?: number) =>
  createKnownOwners(
    {
      async lookupAudienceOwner(request) {
        asked.push(request)
        return create(LookupAudienceOwnerResponseSchema, now)
      },
    },
    capacity,
  )

beforeEach(() => {
  now = { operatorId: 'shop', operatorVersion: 1 }
  asked = []
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

it('asks once, and says from which owner and version each decision was made', async () => {
  const seen = { value: 'shop 1', owners: [{ domains: DOMAINS, operatorId: 'shop', version: 1 }] }
  expect(await known.decide(decide(), false)).toEqual(seen)
  expect(await known.decide(decide(), false)).toEqual(seen)
  expect(asked).toEqual([{ host: 'api.shop.example', audiences: [SHOP], callers: ['acme.example'] }])
})

it('remembers that nobody owns an audience', async () => {
  now = {}
  for (const _ of [1, 2]) {
    const { owners } = await known.decide(decide(), false)
    expect(owners).toEqual([{ domains: DOMAINS, operatorId: '', version: 0 }])
  }
  expect(asked).toHaveLength(1)
})

it.each([
  ['for another audience', { audience: 'https://api.shop.example/v2' }],
  ['for another caller', { callers: ['bolt.example'] }],
  ['for more callers', { callers: ['acme.example', 'bolt.example'] }],
])('asks %s', async (_, question) => {
  await known.decide(decide(), false)
  await known.decide(decide('', question), false)
  expect(asked).toHaveLength(2)
})

it('asks again when the decision must be fresh, and remembers the new answer', async () => {
  await known.decide(decide(), false)
  now.operatorVersion = 2
  expect((await known.decide(decide(), true)).value).toBe('shop 2')
  expect((await known.decide(decide(), false)).value).toBe('shop 2')
  expect(asked).toHaveLength(2)
})

it.each([
  ['another version', { operatorId: 'shop', operatorVersion: 2 }, 'shop 2'],
  ['another owner', { operatorId: 'other', operatorVersion: 1 }, 'other 1'],
  ['no owner', {}, ' 0'],
])('refuses by no remembered owner when there is %s', async (_, next, value) => {
  await known.decide(decide(), false)
  now = next
  expect((await known.decide(decide('shop 1'), false)).value).toBe(value)
  expect((await known.decide(decide('shop 1'), false)).value).toBe(value)
})

it('decides once when it refuses and the owner is the same', async () => {
  await known.decide(decide(), false)
  let decisions = 0
  const refuse = async (owners: Owners) => {
    decisions += 1
    return decide('shop 1')(owners)
  }
  expect(await refusalOf(known.decide(refuse, false))).toBe('AUDIENCE_NOT_ALLOWED')
  expect(decisions).toBe(1)
  expect(asked).toHaveLength(2)
})

it('asks once for a decision that refuses by a new answer, and does not remember it', async () => {
  expect(await refusalOf(known.decide(decide('shop 1'), false))).toBe('AUDIENCE_NOT_ALLOWED')
  expect(asked).toHaveLength(1)
  await known.decide(decide(), false)
  expect(asked).toHaveLength(2)
})

it('neither remembers an answer without a version, as of an older process, nor demands one', async () => {
  now = { operatorId: 'shop' }
  for (const _ of [1, 2]) expect((await known.decide(decide(), false)).owners).toEqual([])
  expect(asked).toHaveLength(2)
})

it('forgets the answer that was not used for longest', async () => {
  known = knownOwners(2)
  const use = (path: string) => known.decide(decide('', { audience: `https://api.shop.example/${path}` }), false)
  for (const path of ['a', 'b', 'a', 'c', 'a', 'b']) await use(path)
  const paths = asked.flatMap(({ audiences }) => audiences).map((audience) => audience.at(-1))
  expect(paths).toEqual(['a', 'b', 'c', 'b'])
})
