import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ISSUER } from '../../../test/support/assertions.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { handFeed } from '../../../test/support/hand-feed.ts'
import { emptyLog, fakeIssuer } from '../../../test/support/offline-verifier.ts'
import type { Revocations } from './issuer-options.ts'
import { createRootKeyLook, RootKeyWarning } from './root-key.ts'

const LOG = '/v1/revocations'
const operatorId = 'cccccccc-3333-8333-8333-333333333333'
const OPERATORS = `${ISSUER}/v1/operators`
const KEYS = `/v1/operators/${operatorId}/keys`
const key = { publicKey: new Uint8Array(32).fill(7), sign: async () => new Uint8Array(64) }
const kid = signerKid(key)
const other = { kid: 'o'.repeat(43), label: 'alice', roles: [] }
const asRoot = { id: operatorId, root_keys: [other, { kid, label: 'bob', roles: [] }], keys: [] }
const asWatcher = { id: operatorId, root_keys: [other], keys: [{ kid, label: 'api', roles: ['watch'] }] }
const status = (code: number) => () => Response.json({ reason: 'X' }, { status: code })

/** Makes a look at a key, for which the server answers as given. Its clock stands still until the test moves it. */
function setUp(
  answer: object | (() => Response),
  { revocations = { operatorId, key }, isClosed = false }: { revocations?: Revocations; isClosed?: boolean } = {},
) {
  const asked: { url: string; authorization: string }[] = []
  const warnings: RootKeyWarning[] = []
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
  onTestFinished(() => clock.mockRestore())
  const look = createRootKeyLook({
    revocations,
    issuer: ISSUER,
    locate: async () => ({ operators: OPERATORS }),
    isClosed: () => isClosed,
    onRootKey: (warning) => warnings.push(warning),
    async fetch(url, init) {
      asked.push({ url, authorization: new Headers(init?.headers).get('authorization') ?? '' })
      return typeof answer === 'function' ? answer() : Response.json(answer)
    },
  })
  return { asked, warnings, look, clock }
}

/** Lets everything run that waits for no timer. */
const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('the look at the key of a verifier', () => {
  it.each<[string, object, readonly string[]]>([
    ['a root key', asRoot, [kid]],
    ['a key with the role watch', asWatcher, []],
    ['a root key of another operator, as a mistaken server says', { ...asRoot, id: 'else' }, []],
    ['a key that the server does not list', { id: operatorId, root_keys: [other], keys: [] }, []],
    ['a key about which the answer has another form', { id: operatorId, root_keys: [kid, null] }, []],
    ['a key about which the server does not know', status(404), []],
  ])('%s', async (_name, answer, kids) => {
    const { asked, warnings, look } = setUp(answer)
    look()
    await settled()
    expect(asked).toEqual([
      { url: `${OPERATORS}/${operatorId}/keys`, authorization: expect.stringMatching(/^Bearer ey/) },
    ])
    expect(warnings.map((warning) => warning.kid)).toEqual(kids)
  })

  it('warns of the key of the administrator without a question', async () => {
    const { asked, warnings, look } = setUp(asRoot, { revocations: { operatorId: 'admin', key } })
    look()
    await settled()
    expect([asked, warnings.map(({ message }) => message)]).toEqual([
      [],
      [expect.stringContaining("administrator's key")],
    ])
  })

  it.each([
    ['a root key', asRoot, 1],
    ['a key with the role watch', asWatcher, 0],
  ])('asks once about %s, however often it is called', async (_name, answer, count) => {
    const { asked, warnings, look, clock } = setUp(answer)
    for (const now of [0, 1_000, 400_000, 800_000]) {
      clock.mockReturnValue(now)
      look()
      await settled()
    }
    expect([asked.length, warnings.length]).toEqual([1, count])
  })

  it('asks again five minutes after the server could not answer', async () => {
    let isUp = false
    const { asked, warnings, look, clock } = setUp(() => (isUp ? Response.json(asRoot) : status(503)()))
    for (const now of [0, 1_000, 299_999]) {
      clock.mockReturnValue(now)
      look()
      await settled()
    }
    expect([asked.length, warnings.length]).toEqual([1, 0])
    isUp = true
    clock.mockReturnValue(300_000)
    look()
    await settled()
    expect([asked.length, warnings.length]).toEqual([2, 1])
  })

  it('does not warn after the verifier was closed', async () => {
    const { asked, warnings, look } = setUp(asRoot, { isClosed: true })
    look()
    await settled()
    expect([asked.length, warnings.length]).toEqual([1, 0])
  })

  it.each<[string, Revocations]>([
    ['an Authorization header of the caller', { authorization: async () => 'Bearer x' }],
    ['a feed', handFeed().feed],
    ['status lists', 'status-list'],
  ])('does not ask about %s, which shows no key', async (_name, revocations) => {
    const { asked, look } = setUp(asRoot, { revocations })
    look()
    await settled()
    expect(asked).toEqual([])
  })
})

describe('a verifier that follows revocations', () => {
  it.each<[string, object, readonly unknown[]]>([
    [
      'warns once of a root key',
      asRoot,
      [
        [
          `Auth4Agent verifier of ${ISSUER}: The key ${kid} in revocations is a root key of the operator ${operatorId}, which may do far more than an API needs: use a key of an operator with the role watch, which can only follow revocations`,
        ],
      ],
    ],
    ['does not warn of a key with the role watch', asWatcher, []],
  ])('%s', async (_name, answer, lines) => {
    const warned = vi.spyOn(console, 'warn').mockReturnValue(undefined)
    onTestFinished(() => warned.mockRestore())
    const issuer = fakeIssuer()
    Object.assign(issuer.answers, { [LOG]: emptyLog, [KEYS]: answer })
    await issuer.newVerifier({ revocations: { operatorId, key } }).ready()
    await eventually(() => expect(issuer.asked[KEYS]).toBe(1))
    await settled()
    expect(warned.mock.calls).toEqual(lines)
    expect(issuer.asked[KEYS]).toBe(1)
  })

  it('tells onProblem of a root key, and becomes ready all the same', async () => {
    const told: unknown[][] = []
    const issuer = fakeIssuer()
    Object.assign(issuer.answers, { [LOG]: emptyLog, [KEYS]: asRoot })
    const onProblem = (...problem: unknown[]) => void told.push(problem)
    const verifier = issuer.newVerifier({ revocations: { operatorId, key }, onProblem })
    await eventually(() => expect(told).toHaveLength(1))
    expect(told).toEqual([[expect.any(RootKeyWarning), ISSUER]])
    await verifier.ready()
  })

  it('is ready, and tells of no problem, if nobody answers about its key', async () => {
    const told: unknown[] = []
    const issuer = fakeIssuer()
    issuer.answers[LOG] = emptyLog
    const verifier = issuer.newVerifier({
      revocations: { operatorId, key },
      onProblem: (error) => void told.push(error),
    })
    await verifier.ready()
    await eventually(() => expect(issuer.asked[KEYS]).toBe(1))
    await settled()
    expect(told).toEqual([])
  })
})
