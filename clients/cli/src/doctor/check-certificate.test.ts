import { once } from 'node:events'
import { createServer } from 'node:https'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { certificate } from '../../../../test/support/certificate.ts'
import { checkCertificate, judgeCertificate } from './check-certificate.ts'

const server = createServer(certificate)
let port: number

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})
afterAll(() => void server.close())

const NOW = Date.parse('2027-01-15T00:00:00Z')
const never = new AbortController().signal

it('checkCertificate reports a self-signed certificate of a server', async () => {
  const [finding] = await checkCertificate(`https://127.0.0.1:${port}`, NOW, never)
  expect(finding).toMatchObject({
    check: 'certificate',
    level: 'problem',
    message: expect.stringContaining('SELF_SIGNED'),
  })
})

it.each(['http://127.0.0.1:1', 'https://127.0.0.1:1'])(
  'checkCertificate returns no finding for %s',
  async (address) => {
    expect(await checkCertificate(address, NOW, never)).toEqual([])
  },
)

it.each([
  ['ok', 30],
  ['warning', 13],
  ['problem', -1],
  ['warning', Number.NaN],
])('judgeCertificate returns %s with %i days left', (level, days) => {
  expect(judgeCertificate(NOW + days * 86_400_000, undefined, NOW).level).toBe(level)
})
