import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { present } from '@auth4agent/core/platform/moment'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keepAdmissions } from './keep-admissions.ts'

const { publicKey, privateKey } = generateKeyPair()
const OPERATOR = 'c0000000-0000-8000-8000-000000000001'
const AUDIENCES = ['https://api.cargo.example', 'https://www.cargo.example']
const MINUTE = 60_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const page = () => ({
  admissions: [],
  issuers: [],
  bound_only: false,
  position: '3-10',
  as_of: new Date().toISOString(),
  max_age: 1_800,
  next_page_token: '',
})

const issuer = {
  issuer: 'https://alpha.example',
  kind: 'auth4agent',
  algorithms: ['EdDSA'],
  revocation_mode: 'log',
  max_token_ttl: 3_600,
  max_staleness_ms: 5_000,
  generation: 1,
  accepted_from: null,
  keys: [],
  keys_as_of: '2027-01-15T07:00:00Z',
  keys_usable_until: '2027-01-16T07:00:00Z',
}

/** Keeps admissions of a server whose answer the test can change. */
function kept(audiences: readonly string[] = AUDIENCES.slice(0, 1)) {
  const server = { answer: (_audience: string): Response => Response.json(page()) }
  const asked: { readonly url: URL; readonly authorization: string }[] = []
  const problems: unknown[] = []
  const admissions = keepAdmissions({
    operatorId: OPERATOR,
    key: { publicKey, sign: async (message) => sign(privateKey, message) },
    issuer: 'https://beta.example',
    audiences,
    fetch: async (address, init) => {
      const url = new URL(address)
      asked.push({ url, authorization: new Headers(init?.headers).get('authorization') ?? '' })
      return server.answer(url.searchParams.get('audience') ?? '')
    },
    locate: async () => 'https://beta.example/v1/trust/admissions',
    skewMs: 10_000,
    onProblem: (error) => problems.push(error),
    onSuccess: () => undefined,
  })
  const copy = (audience = AUDIENCES[0] ?? '') => admissions.of(audience, present())
  return { admissions, asked, server, copy, problems }
}

const refusal = (status: number) => () => Response.json({ reason: 'PERMISSION_DENIED' }, { status })
const unreachable = () => {
  throw new TypeError('fetch failed')
}

describe('keepAdmissions', () => {
  it('reads each audience with a signed request, and again within 75 seconds', async () => {
    const { admissions, asked, copy } = kept(AUDIENCES)
    await vi.advanceTimersByTimeAsync(0)
    await admissions.ready
    expect(asked.map(({ url }) => url.searchParams.get('audience'))).toEqual(AUDIENCES)
    const [, claims = ''] = asked[0]?.authorization.split('.') ?? []
    const rpc = 'GET /v1/trust/admissions'
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ iss: OPERATOR, rpc })
    const first = copy()
    await vi.advanceTimersByTimeAsync(75_001)
    expect(asked).toHaveLength(4)
    expect(copy()).not.toBe(first)
    admissions.close()
  })

  it('uses a copy for half an hour while the server is down, and not for longer', async () => {
    const { admissions, server, copy } = kept()
    await vi.advanceTimersByTimeAsync(0)
    const first = copy()
    server.answer = unreachable
    await vi.advanceTimersByTimeAsync(30 * MINUTE - 1)
    expect(copy()).toBe(first)
    await vi.advanceTimersByTimeAsync(1)
    expect(copy()).toBeUndefined()
    server.answer = () => Response.json(page())
    await vi.advanceTimersByTimeAsync(76_000)
    expect(copy()).toBeDefined()
    admissions.close()
  })

  it('still describes issuers by a copy that is too old, until the server refuses', async () => {
    const { admissions, server, copy } = kept()
    server.answer = () => Response.json({ ...page(), issuers: [issuer] })
    await vi.advanceTimersByTimeAsync(0)
    server.answer = unreachable
    await vi.advanceTimersByTimeAsync(60 * MINUTE)
    expect(copy()).toBeUndefined()
    expect(admissions.issuer(issuer.issuer)).toMatchObject({ mode: 'log' })
    server.answer = refusal(403)
    await vi.advanceTimersByTimeAsync(76_000)
    expect(admissions.issuer(issuer.issuer)).toBeUndefined()
    admissions.close()
  })

  it.each([401, 403])(
    'drops the copy of the audience for which the server answers %i, and of no other',
    async (status) => {
      const { admissions, server, copy } = kept(AUDIENCES)
      await vi.advanceTimersByTimeAsync(0)
      server.answer = (audience) => (audience === AUDIENCES[0] ? refusal(status)() : Response.json(page()))
      await vi.advanceTimersByTimeAsync(75_001)
      expect(copy()).toBeUndefined()
      expect(copy(AUDIENCES[1])).toBeDefined()
      expect(admissions.ageMs(present())).toBe(Number.POSITIVE_INFINITY)
      admissions.close()
    },
  )

  it('keeps a copy if the answer is of an earlier position, and reports why', async () => {
    const { admissions, server, copy, problems } = kept()
    await vi.advanceTimersByTimeAsync(0)
    const first = copy()
    server.answer = () => Response.json({ ...page(), position: '3-9' })
    await vi.advanceTimersByTimeAsync(75_001)
    expect(copy()).toBe(first)
    expect(problems[0]).toMatchObject({ message: expect.stringContaining('earlier position') })
    // A restored database is believed when nothing of the copy before is left.
    await vi.advanceTimersByTimeAsync(30 * MINUTE)
    expect(copy()?.position).toEqual({ logEpoch: 3, sequence: 9 })
    admissions.close()
  })

  it('refuses an answer of more than 4 MiB', async () => {
    const { admissions, server, copy, problems } = kept()
    server.answer = () => new Response(`{"x":"${'x'.repeat(4_200_000)}"}`)
    await vi.advanceTimersByTimeAsync(0)
    await vi.waitFor(() => expect(problems).toHaveLength(1))
    expect(problems[0]).toMatchObject({ message: expect.stringContaining('at most 4194304 bytes') })
    expect(copy()).toBeUndefined()
    admissions.close()
  })

  it('reads again within seconds if something new was found, but not more often than every 15 seconds', async () => {
    const { admissions, asked } = kept()
    await vi.advanceTimersByTimeAsync(0)
    for (const _ of [1, 2, 3]) {
      admissions.refreshSoon()
      await vi.advanceTimersByTimeAsync(2_501)
    }
    expect(asked).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(10_000)
    admissions.refreshSoon()
    await vi.advanceTimersByTimeAsync(2_501)
    expect(asked).toHaveLength(3)
    admissions.close()
  })

  it('asks nothing after close', async () => {
    const { admissions, asked, copy } = kept()
    await vi.advanceTimersByTimeAsync(0)
    admissions.close()
    admissions.refreshSoon()
    await vi.advanceTimersByTimeAsync(10 * MINUTE)
    expect([asked.length, copy()]).toEqual([1, undefined])
  })
})
