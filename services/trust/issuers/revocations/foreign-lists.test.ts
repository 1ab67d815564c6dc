import { describe, expect, it } from 'vitest'
import { knownKeyOf } from '../../../../test/support/access-tokens.ts'
import { NOW_S } from '../../../../test/support/assertions.ts'
import {
  ACME,
  ACME_DID,
  ALPHA,
  AUDIENCE,
  alpha,
  EDGES,
  letsCall,
} from '../../../../test/support/federation/foreign-parties.ts'
import { foreignWorld } from '../../../../test/support/federation/foreign-world.ts'
import { type StatusListChange, statusListToken } from '../../../../test/support/status-list-tokens.ts'
import type { KnownIssuer } from '../known-issuer.ts'

const OPERATOR = 'd0000000-0000-8000-8000-000000000001'
const partner = { domain: 'partner.example', edgeId: EDGES.alphaAcme, operatorId: OPERATOR, provenAt: undefined }
const { key, entry } = knownKeyOf('ES256')
const lists = { mode: 'status_list', maxStalenessMs: 300_000, algorithms: ['ES256'] } as const
/** Another server that issues JWTs. Its lists are anywhere on its origin. */
const OAUTH: KnownIssuer = {
  ...alpha,
  ...lists,
  kind: 'oauth',
  keys: new Map([['key:1', entry]]),
  domains: new Map([['partner.example', partner]]),
}
/** Another deployment. */
const DEPLOYMENT: KnownIssuer = { ...alpha, ...lists, keys: new Map([[entry.kid, entry]]) }
const URI = `${ALPHA}/lists/1`
const OWN_URI = `${ALPHA}/v1/status-lists/1`
const at = (idx: unknown, uri: unknown = URI) => ({ status: { status_list: { idx, uri } } })

const claims = { iss: ALPHA, aud: [AUDIENCE], scope: 'read', iat: NOW_S, nbf: NOW_S, exp: NOW_S + 900, jti: 'jti-1' }
const oauthToken = (edits: object = at(7)) =>
  key.sign({ alg: 'ES256', typ: 'at+jwt', kid: 'key:1' }, { ...claims, sub: 'service-7', ...edits })
const agentToken = (edits: object) => {
  const agent = { sub: ACME_DID, client_id: ACME_DID, operator_id: ACME, epoch: [1, 2] }
  return key.sign({ alg: 'ES256', typ: 'at+jwt', kid: key.kid }, { ...claims, ...agent, ...edits })
}

/** An issuer that signs its lists at each request, and everything that verifies its tokens. */
function world(row = OAUTH) {
  const state = { change: {} as StatusListChange, answer: undefined as string | Error | undefined }
  const asked: string[] = []
  const to = row.kind === 'oauth' ? { to: `${ALPHA} partner.example ${OPERATOR}` } : {}
  const parts = foreignWorld({
    issuers: [row],
    rows: [letsCall(to)],
    fetchList(url) {
      asked.push(url)
      const { nowS } = parts.clock
      const header = { kid: row.kind === 'oauth' ? 'key:1' : key.kid, ...state.change.header }
      const times = { iat: nowS, exp: nowS + 600, ...state.change.claims }
      return state.answer ?? statusListToken(key, url, { ...state.change, header, claims: times })
    },
  })
  const outcome = async (text = oauthToken()) => {
    const verification = await parts.verify(text)
    return verification.valid ? 'VALID' : verification.reason
  }
  return { ...parts, state, asked, outcome, row }
}

describe('an issuer with the mode status_list', () => {
  it('has its tokens looked up in its list, which is fetched once', async () => {
    const { verify, outcome, asked, state, lists: known, row } = world()
    state.change = { rows: [[8, 1]] }
    expect(await verify(oauthToken())).toMatchObject({
      valid: true,
      trust: { revocationsAsOf: (NOW_S + 1) * 1_000, maxStalenessMs: 60_000, issuer: { mode: 'status_list' } },
    })
    expect(await verify(oauthToken(at(8)))).toMatchObject({ valid: false, revoked: true, reason: 'TOKEN_REVOKED' })
    expect(await outcome()).toBe('VALID')
    expect(asked).toEqual([URI])
    expect(known.asOf(row.id)).toBe((NOW_S + 1) * 1_000)
    expect(known.asOf('other')).toBeUndefined()
  })

  it('may be another deployment, whose lists are below its own address', async () => {
    const { outcome, asked, state } = world(DEPLOYMENT)
    expect(await outcome(agentToken(at(7, OWN_URI)))).toBe('VALID')
    expect(await outcome(agentToken(at(7, URI)))).toBe('MALFORMED_TOKEN')
    expect(await outcome(agentToken({}))).toBe('STATUS_MISSING')
    expect(asked).toEqual([OWN_URI])
    state.change = { rows: [[7, 2]] }
    expect(await outcome(agentToken(at(7, `${OWN_URI}0`)))).toBe('TOKEN_REVOKED')
  })

  it.each<[string, string, StatusListChange | Error]>([
    ['suspended', 'TOKEN_REVOKED', { rows: [[7, 2]] }],
    ['of a value that the issuer has made up', 'TOKEN_REVOKED', { bits: 8, rows: [[7, 200]] }],
    ['not in its list', 'STATUS_MISSING', { size: 4 }],
    ['not in its list, which is older', 'ISSUER_REVOCATIONS_STALE', { size: 4, claims: { iat: NOW_S - 1 } }],
    ['in a list that cannot be fetched', 'ISSUER_REVOCATIONS_STALE', new Error('down')],
    ['in a list that is too old', 'ISSUER_REVOCATIONS_STALE', { claims: { iat: NOW_S - 60 } }],
    ['in a list of more than 5 minutes', 'ISSUER_REVOCATIONS_STALE', { claims: { iat: NOW_S - 299, ttl: 3_600 } }],
    ['in a list under an unknown key', 'ISSUER_REVOCATIONS_STALE', { header: { kid: key.kid } }],
    ['in a list of another algorithm', 'ISSUER_REVOCATIONS_STALE', { header: { alg: 'EdDSA' } }],
    ['in a list of another address', 'ISSUER_REVOCATIONS_STALE', { claims: { sub: `${URI}0` } }],
  ])('is asked once about a token that is %s: %s', async (_name, expected, change) => {
    const { outcome, state, asked, problems } = world()
    if (change instanceof Error) state.answer = change
    else state.change = change
    expect(await outcome()).toBe(expected)
    expect(await outcome()).toBe(expected)
    expect(asked).toHaveLength(1)
    expect(problems.length).toBe(expected === 'ISSUER_REVOCATIONS_STALE' && !('size' in change) ? 1 : 0)
  })

  it('is stale when its list cannot be renewed in time, and then valid again', async () => {
    const { outcome, state, clock, problems, asked } = world()
    expect(await outcome()).toBe('VALID')
    state.answer = new Error('down')
    clock.nowS += 59
    expect(await outcome()).toBe('VALID')
    clock.nowS += 1
    expect(await outcome()).toBe('ISSUER_REVOCATIONS_STALE')
    clock.nowS += 2
    expect(await outcome()).toBe('ISSUER_REVOCATIONS_STALE')
    expect(asked.length).toBeGreaterThan(2)
    expect(problems).toHaveLength(1)
    state.answer = undefined
    clock.nowS += 1
    expect(await outcome()).toBe('VALID')
  })

  it.each([
    ['no status', {}],
    ['another mechanism', { status: { other: { idx: 7, uri: URI } } }],
    ['a negative place', at(-1)],
    ['a place with a fraction', at(0.5)],
    ['no address', at(7, null)],
    ['an address on another origin', at(7, 'https://evil.example/lists/1')],
    ['an address on a longer host', at(7, `${ALPHA}.evil.example/lists/1`)],
    ['an address with a user', at(7, 'https://auth.alpha.example@evil.example/lists/1')],
    ['an address in another form', at(7, `${ALPHA}/lists/../lists/1`)],
    ['an address with a fragment', at(7, `${URI}#1`)],
    ['an address with http', at(7, URI.replace('https', 'http'))],
    ['an address of 2049 characters', at(7, `${ALPHA}/${'x'.repeat(2_049 - ALPHA.length - 1)}`)],
  ])('has a token with %s refused without a request', async (_name, status) => {
    const { outcome, asked } = world()
    expect(await outcome(oauthToken(status))).toBe('STATUS_MISSING')
    expect(asked).toEqual([])
  })

  it('has its lists only where the administrator has said, if he has', async () => {
    const { outcome, asked } = world({ ...OAUTH, statusListUri: 'https://lists.example/alpha/' })
    expect(await outcome(oauthToken(at(7, 'https://lists.example/alpha/1')))).toBe('VALID')
    expect(await outcome(oauthToken(at(7, 'https://lists.example/beta/1')))).toBe('STATUS_MISSING')
    expect(await outcome(oauthToken(at(7, URI)))).toBe('STATUS_MISSING')
    expect(asked).toEqual(['https://lists.example/alpha/1'])
  })

  it('has no list fetched for a token that is refused for another reason', async () => {
    const { outcome, asked } = world()
    expect(await outcome(oauthToken({ ...at(7), aud: ['https://other.example'] }))).toBe('AUDIENCE_MISMATCH')
    expect(await outcome(`${oauthToken()}A`)).not.toBe('VALID')
    expect(asked).toEqual([])
  })

  it('has its list forgotten when its key is withdrawn, or when it is disabled', async () => {
    const { row, ...parts } = world()
    expect(await parts.outcome()).toBe('VALID')
    const { entry: other } = knownKeyOf('ES256')
    const token = oauthToken()
    parts.change({ ...row, keys: new Map([['key:1', other]]) })
    expect(await parts.outcome(token)).toBe('SIGNATURE_INVALID')
    parts.change({ ...row, isEnabled: false, generation: 2 })
    expect(await parts.outcome()).toBe('ISSUER_DISABLED')
    parts.state.change = { rows: [[7, 1]] }
    parts.change({ ...row, generation: 2 })
    expect(await parts.outcome()).toBe('TOKEN_REVOKED')
  })

  it('does not use a list whose key has been withdrawn, although the key of the token has not', async () => {
    const { row, ...parts } = world()
    const { key: second, entry: secondEntry } = knownKeyOf('ES256')
    const both = new Map([...row.keys, ['key:2', secondEntry]])
    parts.change({ ...row, keys: both })
    parts.state.answer = statusListToken(second, URI, { header: { kid: 'key:2' } })
    expect(await parts.outcome()).toBe('VALID')
    parts.change(row)
    expect(await parts.outcome()).toBe('ISSUER_REVOCATIONS_STALE')
  })
})
