import { inflateSync } from 'node:zlib'
import { importKeySet } from '@auth4agent/core/jose/key-set'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { readStatusListToken } from '@auth4agent/core/status-list/status-list-token'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { type Refused, readVectors, type Vector } from '../support/read-vectors.ts'

const file = readVectors('status-lists.json') as {
  now: number
  issuer: string
  uri: string
  jwks: JSONWebKeySet
  accepted: Vector<{ list: string }, { statuses: readonly number[] }>[]
  refused: Vector<{ list: string }, Refused>[]
}
const { uri, issuer, now } = file
const published = importKeySet(file.jwks)
const rules = {
  uri,
  issuer,
  algs: TOKEN_ALGORITHMS,
  findKey: (kid: string) => published?.get(kid),
  nowS: () => now,
  skewS: 10,
}

describe('status-lists.json', () => {
  it.each(file.accepted)('core reads the list: $name', async ({ list: text, expect: { statuses } }) => {
    const read = await readStatusListToken(text, rules)
    if (!read.ok) throw new Error(read.why)
    expect([...statuses, undefined].map((_, idx) => read.list.statusAt(idx))).toEqual([...statuses, undefined])
    expect(read.list.size).toBe(statuses.length)
  })

  it.each(file.accepted)('jose and zlib read the list as well: $name', async ({ list: text, expect: { statuses } }) => {
    const { payload } = await jwtVerify<{ status_list: { bits: number; lst: string } }>(
      text,
      createLocalJWKSet(file.jwks),
      { typ: 'statuslist+jwt', subject: uri, currentDate: new Date(now * 1_000), clockTolerance: 10 },
    )
    const { bits, lst } = payload.status_list
    const bytes = inflateSync(Buffer.from(lst, 'base64url'))
    const places = statuses.map(
      (_, idx) => (bytes.readUInt8(Math.floor((idx * bits) / 8)) >>> ((idx * bits) % 8)) % 2 ** bits,
    )
    expect(places).toEqual(statuses)
  })

  it.each(file.refused)('core refuses the list: $name', async ({ list, expect: { refused } }) => {
    expect(await readStatusListToken(list, rules)).toEqual({ ok: false, why: refused })
  })
})
