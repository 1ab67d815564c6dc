import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAuthority } from '../../test/support/certificate-authority.ts'
import { eventually } from '../../test/support/eventually.ts'
import { silentLog } from '../../test/support/gateway.ts'
import { startInternalListener, testCertificate } from '../../test/support/internal-listener.ts'
import type { ListenerDeps } from './listener.ts'

const authority = createAuthority()

/** Opens a connection that sends nothing, and does not close when the listener closes its side. */
async function silentConnection(address: string) {
  const port = Number(address.split(':').at(-1))
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await once(socket.resume(), 'connect')
  return socket
}

async function start(how: string, deps: Partial<ListenerDeps>) {
  const secured = how === 'under mutual TLS' ? await testCertificate(authority, ['operator-registry']) : undefined
  return startInternalListener({ certificates: secured?.certificates, ...deps })
}

describe('a silent connection to the internal listener', () => {
  it('is closed after the request timeout when its TLS handshake does not end', async () => {
    const { address } = await start('under mutual TLS', { deadlineMs: 300 })
    const sockets = await Promise.all(Array.from({ length: 10 }, () => silentConnection(address)))
    await eventually(() =>
      expect(sockets.filter(({ closed, readableEnded }) => closed || readableEnded)).toHaveLength(10),
    )
  })

  it.each(['without TLS', 'under mutual TLS'])('does not keep the listener from closing: %s', async (how) => {
    const lines: unknown[] = []
    const log = { ...silentLog, warn: (fields: object) => void lines.push(fields) }
    const { address, close } = await start(how, { drainMs: 300, log })
    const socket = await silentConnection(address)
    await close()
    await eventually(() => expect(socket.closed || socket.readableEnded).toBe(true))
  })
})
