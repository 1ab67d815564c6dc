import { describe, expect, it } from 'vitest'
import { createLogger } from './log.ts'
import { textLine } from './text-line.ts'

const at = new Date(2026, 0, 2, 3, 4, 5, 6)
const lineOf = (fields: object, message = 'listening') => textLine(at, 'info', fields, message)

describe('textLine', () => {
  it.each<[string, object, string]>([
    ['no field', {}, ''],
    [
      'a plain value',
      { issuer: 'http://localhost:8080', port: 8080, ok: true },
      ' issuer=http://localhost:8080 port=8080 ok=true',
    ],
    ['a string with spaces', { reason: 'npm has ended' }, ' reason="npm has ended"'],
    ['a string that looks like another field', { source: 'a=b' }, ' source="a=b"'],
    ['an empty string', { name: '' }, ' name=""'],
    ['a list of words', { services: ['authn', 'identity'] }, ' services=authn,identity'],
    ['a list of other values', { counts: [1, 'a b'] }, ' counts=[1,"a b"]'],
    ['an object', { at: { line: 1 } }, ' at={"line":1}'],
    ['null, but not undefined,', { missing: undefined, none: null }, ' none=null'],
  ])('writes %s after time, level and message', (_name, fields, shown) => {
    expect(lineOf(fields)).toBe(`03:04:05.006 INFO  listening${shown}\n`)
  })

  it('writes the stack of an error on separate lines', () => {
    const error = { type: 'Error', message: 'no', stack: 'Error: no\n    at a.ts:1' }
    expect(lineOf({ error }, 'failed')).toBe(
      '03:04:05.006 INFO  failed error={"type":"Error","message":"no"}\n    Error: no\n        at a.ts:1\n',
    )
  })

  it.each(['\u001b[2J', '\u009b2J', '\r', '\n', '\u202e', '\u200b', '\u2028'])(
    'escapes the character %j, which controls a terminal or hides text',
    (character) => {
      const text = `before${character}after`
      const error = { stack: text.replaceAll('\n', ' ') }
      const line = lineOf({ text, list: [text], object: { text }, error }, text)
      expect(line.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u)
      expect(line.split('\n')).toHaveLength(3)
    },
  )
})

function setUp(fields: object = {}) {
  const lines: string[] = []
  return { lines, log: createLogger('info', (line) => lines.push(line), fields, 'text') }
}

describe('createLogger, in text format', () => {
  it('redacts secrets and adds the fields of the process', () => {
    const { log, lines } = setUp({ worker: 2 })
    log.warn({ token: 'SECRET', inner: { kek: 'SECRET' } }, 'x')
    log.debug({}, 'not shown at this level')
    expect(lines).toEqual([
      expect.stringMatching(
        /^\d\d:\d\d:\d\d\.\d{3} WARN  x worker=2 token=\[redacted\] inner={"kek":"\[redacted\]"}\n$/,
      ),
    ])
  })

  it('writes unshown=true instead of fields that cannot be shown', () => {
    const { log, lines } = setUp()
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    log.info(proxy, 'it happened')
    expect(lines[0]).toContain('INFO  it happened unshown=true\n')
  })
})
