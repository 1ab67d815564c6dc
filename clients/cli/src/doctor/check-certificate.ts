import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { type Finding, ok, problem, warning } from './finding.ts'

const DAY_MS = 86_400_000
/** Automatic renewal happens a month before a certificate ends. Fewer days mean that the renewal has failed. */
const SOON_DAYS = 14

/**
 * Checks the certificate of an https server. Returns no finding for http, and if the server does not answer.
 * `nowMs` is in Unix milliseconds.
 */
export async function checkCertificate(
  server: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { protocol, hostname, port } = new URL(server)
  if (protocol !== 'https:') return []
  const host = hostname.replace(/^\[|\]$/g, '')
  const socket = connect({
    host,
    port: Number(port || 443),
    ...(isIP(host) === 0 && { servername: host }),
    // An untrusted certificate becomes a finding, not an error. The tool sends no data on this connection.
    rejectUnauthorized: false,
  })
  const cut = () => socket.destroy()
  signal.addEventListener('abort', cut, { once: true })
  try {
    await once(socket, 'secureConnect')
    const why = socket.authorized ? undefined : socket.authorizationError
    return [
      judgeCertificate(
        Date.parse(socket.getPeerCertificate().valid_to),
        why === undefined ? undefined : String(why),
        nowMs,
      ),
    ]
  } catch {
    return []
  } finally {
    signal.removeEventListener('abort', cut)
    socket.destroy()
  }
}

/** Judges a certificate by its end (Unix milliseconds) and by the reason why it is not trusted, if there is one. */
export function judgeCertificate(endsAtMs: number, untrusted: string | undefined, nowMs: number): Finding {
  const days = Math.floor((endsAtMs - nowMs) / DAY_MS)
  const until = Number.isNaN(days) ? 'an unknown day' : new Date(endsAtMs).toISOString().slice(0, 10)
  if (untrusted !== undefined) {
    return problem(
      'certificate',
      `the certificate is not trusted: ${untrusted}`,
      'The administrator must renew or replace it. For a private certificate authority, set NODE_EXTRA_CA_CERTS here.',
    )
  }
  if (days < 0) return problem('certificate', `the certificate expired on ${until}`, 'The administrator must renew it.')
  if (!(days >= SOON_DAYS))
    return warning('certificate', `the certificate expires on ${until}`, 'The administrator should check its renewal.')
  return ok('certificate', `the certificate is trusted and valid until ${until}`)
}
