import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectAll, expectRows, leastAnswerBytes, MeasurementError } from './check-answers.ts'
import { type EchoServer, startEchoServer } from './load/echo-server.ts'

const KIND = { title: 'a case', protocol: 'http', contentType: 'application/json', expects: '"valid":true' } as const

describe('answers looked at beforehand', () => {
  let server: EchoServer
  beforeAll(async () => {
    server = await startEchoServer()
  })
  afterAll(() => server.close())

  it('tell how long a good one is', async () => {
    const short = await leastAnswerBytes(KIND, server.url, ['{"valid":true}'])
    const long = await leastAnswerBytes(KIND, server.url, [`{"valid":true,"of":"${'x'.repeat(100)}"}`])
    expect(long - short).toBe(100 + ',"of":""'.length + 1)
  })

  it.each([
    ['another answer than the expected', '{"valid":false}', /a case: an answer was/],
    ['a refusal', '"refuse"', /a request was refused: HTTP\/1.1 403/],
  ])('end the benchmark: %s', async (_, body, message) => {
    await expect(leastAnswerBytes(KIND, server.url, ['{"valid":true}', body])).rejects.toThrow(message)
  })
})

describe('a load', () => {
  it.each([
    ['without an answer', { requests: 0, failures: 0, bytes: 0 }, /no answer/],
    ['with one failure', { requests: 1000, failures: 1, bytes: 500_000 }, /1 of 1000/],
    ['with answers as short as refusals', { requests: 1000, failures: 0, bytes: 300_000 }, /300 bytes/],
  ])('%s is no measurement', (_, result, message) => {
    expect(() => expectAll('case', result, 400)).toThrow(MeasurementError)
    expect(() => expectAll('case', result, 400)).toThrow(message)
  })

  it('of good answers is one', () => {
    expect(() => expectAll('case', { requests: 1000, failures: 0, bytes: 400_000 }, 400)).not.toThrow()
  })

  it.each<[string, number, boolean]>([
    ['fewer rows than answers', 99, false],
    ['a row for each answer', 100, true],
    ['rows of requests that were under way', 104, true],
    ['more rows than requests', 105, false],
  ])('that issued tokens and left %s', (_, rows, isGood) => {
    const check = () => expectRows('case', { requests: 100, sent: 104 }, rows)
    if (isGood) expect(check).not.toThrow()
    else expect(check).toThrow(MeasurementError)
  })
})
