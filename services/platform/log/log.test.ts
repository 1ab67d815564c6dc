import { describe, expect, it } from 'vitest'
import { createLogger } from './log.ts'

function setUp(level: Parameters<typeof createLogger>[0] = 'debug') {
  const lines: string[] = []
  return { lines, log: createLogger(level, (line) => lines.push(line)) }
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const SECRET = 'SECRET-VALUE'
const NAMES = ['authorization', 'Authorization', 'token', 'access_token', 'accessToken', 'signature', 'assertion']
const MORE = ['private_key', 'privateKey', 'password', 'PASSWORD', 'kek', 'seed', 'cookie', 'set-cookie']

describe('createLogger', () => {
  it.each([...NAMES, ...MORE])('redacts the field %s at any depth', (name) => {
    const { log, lines } = setUp()
    const secret = { [name]: SECRET }
    log.info(secret, 'flat')
    log.info({ a: { b: { c: secret } } }, 'deep')
    log.info({ list: [secret, [secret]] }, 'listed')
    log.info({ [name]: { inner: SECRET }, deep: { [name]: [SECRET] } }, 'of another type')
    log.error({ error: Object.assign(new Error('x'), secret, { meta: secret }) }, 'on an error')
    log.warn({ inner: { error: Object.assign(new Error('x'), secret) } }, 'on an inner error')
    expect(lines).toHaveLength(6)
    for (const line of lines) {
      expect(line).not.toContain(SECRET)
      expect(line).toContain('[redacted]')
    }
  })

  it('replaces bytes, which may be a key, by their length', () => {
    const { log, lines } = setUp()
    log.info({ a: Buffer.from('AAAA'), b: [new Uint8Array([65, 66])] }, 'x')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ a: '[4 bytes]', b: ['[2 bytes]'] })
  })

  it('stops at a maximum depth, so a circular reference does no harm', () => {
    const { log, lines } = setUp()
    const circle: Record<string, unknown> = { name: 'x' }
    circle.self = circle
    log.info({ circle }, 'x')
    expect(lines[0]).toContain('[too deep]')
  })

  it("writes one JSON object per line with level, time, message and an error's causes", () => {
    const { log, lines } = setUp()
    const at = new Date(0)
    log.error({ error: new Error('outer', { cause: new Error('inner') }), at, none: null, missing: undefined }, 'a\nb')
    expect(lines[0]?.trimEnd()).not.toContain('\n')
    const line = JSON.parse(lines[0] ?? '') as { error: { stack: string } }
    expect(line).toMatchObject({ level: 50, msg: 'a\nb', at: at.toISOString(), none: null })
    expect(line).not.toHaveProperty('pid')
    expect(line.error.stack).toContain('caused by: Error: inner')
  })

  it.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ] as const)('at level %s writes %s', (level, expected) => {
    const { log, lines } = setUp(level)
    for (const name of ['debug', 'info', 'warn', 'error'] as const) log[name]({}, name)
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(expected)
  })

  it('writes a bigint or a symbol as text, and omits a function', () => {
    const { log, lines } = setUp()
    log.info({ seq: 7n, at: [Symbol('x')], run: () => 'source' }, 'x')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ seq: '7', at: ['Symbol(x)'] })
    expect(lines[0]).not.toContain('source')
  })

  it("writes an error's own fields, a cause that is not an error, and the errors of an AggregateError", () => {
    const { log, lines } = setUp()
    const inner = new TypeError('inner')
    log.error({ error: Object.assign(new AggregateError([inner], 'all'), { code: 'E1', cause: { kind: 'k' } }) }, 'x')
    expect(JSON.parse(lines[0] ?? '').error).toMatchObject({
      type: 'AggregateError',
      message: 'all',
      code: 'E1',
      cause: { kind: 'k' },
      errors: [{ type: 'TypeError', message: 'inner' }],
    })
  })

  it.each([
    ['a string', 'why', 'why'],
    ['an object', { kind: 'k', token: SECRET }, { kind: 'k', token: '[redacted]' }],
  ])('writes a cause that is %s', (_, cause, shown) => {
    const { log, lines } = setUp()
    log.error({ error: new RangeError('x', { cause }) }, 'x')
    expect(JSON.parse(lines[0] ?? '').error).toMatchObject({ type: 'RangeError', cause: shown })
  })

  it.each<[string, object]>([
    [
      'with a getter that throws',
      {
        get a() {
          throw new Error('no')
        },
      },
    ],
    ['in a revoked proxy', revokedProxy()],
    ['with an invalid date', { at: Object.create(Date.prototype) }],
  ])('writes unshown=true instead of fields %s', (_, fields) => {
    const { log, lines } = setUp()
    log.info(fields, 'it happened')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'it happened', unshown: true })
  })

  it('stops when errors are causes of each other', () => {
    const { log, lines } = setUp()
    const [first, second] = [new Error('first'), new Error('second')]
    first.cause = second
    second.cause = first
    log.error({ error: first }, 'x')
    expect(JSON.parse(lines[0] ?? '').error.stack.split('caused by')).toHaveLength(7)
  })

  it('adds the fields of the process to each line, if there are any', () => {
    const lines: string[] = []
    createLogger('info', (line) => lines.push(line), { worker: 2 }).info({ a: 1 }, 'x')
    createLogger('info', (line) => lines.push(line)).info({ a: 1 }, 'x')
    const time = expect.any(String)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: 30, time, worker: 2, a: 1, msg: 'x' },
      { level: 30, time, a: 1, msg: 'x' },
    ])
  })
})
