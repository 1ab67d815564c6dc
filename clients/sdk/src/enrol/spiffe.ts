import { env } from 'node:process'
import type { EvidenceSource } from '../attestation/evidence-source.ts'
import { textEvidence } from './text-evidence.ts'

/** Options of {@link spiffe}. */
export interface SpiffeOptions {
  /**
   * The socket of the Workload API, such as `/run/spire/agent.sock` or `unix:///run/spire/agent.sock`. By default the
   * variable SPIFFE_ENDPOINT_SOCKET.
   */
  readonly socket?: string | undefined
  /** The SPIFFE ID, if the workload has several. By default the first. */
  readonly spiffeId?: string | undefined
  /** The name of the attestor, by default `spiffe`. */
  readonly attestor?: string | undefined
}

const UNIX = /^(?:unix:(?:\/\/)?)?(?<path>\/.+)$/

/**
 * Gets a JWT-SVID from the SPIFFE Workload API, such as that of a SPIRE agent, for an attestor of the type
 * `spiffe-jwt`. Only sockets of the file system are possible. For a workload with an X509-SVID in files, use `x509`.
 *
 * Throws TypeError if no socket is given, or none of the file system.
 *
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { spiffe } from '@auth4agent/sdk/enrol'
 *
 * const enrol = spiffe({ socket: '/run/spire/sockets/agent.sock' })
 * const agent = await createAgent({ server, operator, enrol })
 * ```
 */
export function spiffe(options: SpiffeOptions = {}): EvidenceSource {
  const { socket = env.SPIFFE_ENDPOINT_SOCKET ?? '', spiffeId = '', attestor = 'spiffe' } = options
  const path = UNIX.exec(socket)?.groups?.path
  if (path === undefined)
    throw new TypeError(
      `socket must be the path of a socket, such as /run/spire/agent.sock, not ${JSON.stringify(socket)}`,
    )
  return {
    attestor,
    async evidence({ audience, signal }) {
      const { fetchJwtSvid } = await import('./workload-api.ts')
      return textEvidence(await fetchJwtSvid({ path, audience, spiffeId, signal }), 'The JWT-SVID')
    },
  }
}
