import { request } from 'node:https'
import { describe, expect, it } from 'vitest'
import { certificate } from '../../test/support/certificate.ts'
import { rawExchange, startGateway } from '../../test/support/gateway.ts'

describe('the HTTP port with a certificate', () => {
  it('answers over TLS', async () => {
    const { port } = await startGateway({ baseUrl: 'https://localhost', tls: certificate })
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    const call = request({ host: 'localhost', port, path: '/health', ca: certificate.cert }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    call.on('error', reject)
    call.end()
    expect(await promise).toBe(200)
  })

  it('does not answer without TLS', async () => {
    const { port } = await startGateway({ baseUrl: 'https://localhost', tls: certificate })
    expect(await rawExchange(port, 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).not.toContain(
      '200 OK',
    )
  })
})
