import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectAll, expectRows, leastAnswerBytes, MeasurementError } from './check-answers.ts'
import { type EchoServer, startEchoServer } from './load/echo-server.ts'

const KIND = { title: 'a case', protocol: 'http', contentType: 'application/json', expects: '"valid":true' } as const

describe('leastAnswerBytes', () => {
  let server: EchoServer
  beforeAll(async () => {
    server = await startEchoServer()
  })
  afterAll(() => server.close())

  it('returns the length of the shortest good answer, less a margin', async () => {
    const short = await leastAnswerBytes(KIND, server.url, ['{"valid":true}'])
    const long = await leastAnswerBytes(KIND, server.url, [`{"valid":true,"of":"${'x'.repeat(100)}"}`])
    expect(long - short).toBe(100 + ',"of":""'.length + 1)
  })

  it.each([
    ['an unexpected answer', '{"valid":false}', /a case: unexpected answer/],
    ['a refusal', '"refuse"', /The server refused a request: 403/],
  ])('throws for %s', async (_, body, message) => {
    await expect(leastAnswerBytes(KIND, server.url, ['{"valid":true}', body])).rejects.toThrow(message)
  })
})

describe('expectAll and expectRows', () => {
  it.each([
    ['no answer', { requests: 0, failures: 0, bytes: 0 }, /no answer/],
    ['one failure', { requests: 1000, failures: 1, bytes: 500_000 }, /1 of 1000/],
    ['answers as short as refusals', { requests: 1000, failures: 0, bytes: 300_000 }, /300 bytes/],
  ])('expectAll throws for %s', (_, result, message) => {
    expect(() => expectAll('case', result, 400)).toThrow(MeasurementError)
    expect(() => expectAll('case', result, 400)).toThrow(message)
  })

  it('expectAll accepts a load with good answers only', () => {
    expect(() => expectAll('case', { requests: 1000, failures: 0, bytes: 400_000 }, 400)).not.toThrow()
  })

  it.each<[string, number, boolean]>([
    ['fewer rows than answers', 99, false],
    ['a row for each answer', 100, true],
    ['rows of requests that were still running', 104, true],
    ['more rows than requests', 105, false],
  ])('expectRows accepts or refuses a load of 100 answers and 104 requests with %s', (_, rows, isGood) => {
    const check = () => expectRows('case', { requests: 100, sent: 104 }, rows)
    if (isGood) expect(check).not.toThrow()
    else expect(check).toThrow(MeasurementError)
  })
})
