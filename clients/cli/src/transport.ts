import { createTransport, type Transport } from '@auth4agent/sdk'
import { checkServer } from './server-address.ts'

/** Creates a transport to a server. Throws CliError for an address that is neither https nor on loopback. */
export function transportTo(server: string, fetch: typeof globalThis.fetch): Transport {
  return createTransport({ server: checkServer(server), fetch })
}
