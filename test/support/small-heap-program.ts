import { createOperations } from '../../services/operations/server.ts'
import { fakeRpc } from './fake-rpc.ts'
import { HTTP_PORT_CONFIG, silentLog } from './gateway.ts'

/** A little less than the size of the metrics of a process with a few hundred series. */
const METRICS_BYTES = 100_000

/**
 * A process with an HTTP port and a heap that the test makes small. It sends its port to the test, and ends when the
 * channel to the test closes.
 */
const server = createOperations({
  rpc: fakeRpc(),
  log: silentLog,
  connectionClosed: (_port, reason) => process.send?.({ reason }),
  metrics: { contentType: 'text/plain', metrics: async () => Buffer.alloc(METRICS_BYTES, 'a').toString('latin1') },
  ready: () => [],
  config: HTTP_PORT_CONFIG,
})
process.once('disconnect', () => process.exit())
process.send?.(await server.listen())
