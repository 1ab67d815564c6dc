import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { type Finding, ok, problem, warning } from './finding.ts'

const DAY_MS = 86_400_000
/** Those who renew by themselves do so a month ahead. */
const SOON_DAYS = 14

/** Looks at the certificate of an https server; nothing where there is none, or no server. `nowMs` is Unix milliseconds. */
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
    // It is looked at, and nothing is sent: whether it is to be trusted is the finding.
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

/** Judges a certificate by its end in Unix milliseconds, and by why it is not trusted. */
export function judgeCertificate(endsAtMs: number, untrusted: string | undefined, nowMs: number): Finding {
  const days = Math.floor((endsAtMs - nowMs) / DAY_MS)
  const until = Number.isNaN(days) ? 'an unknown day' : new Date(endsAtMs).toISOString().slice(0, 10)
  if (untrusted !== undefined) {
    return problem(
      'certificate',
      `it is not trusted: ${untrusted}`,
      'Whoever runs the server must renew or replace it; one of a private authority needs NODE_EXTRA_CA_CERTS here.',
    )
  }
  if (days < 0) return problem('certificate', `it expired on ${until}`, 'Whoever runs the server must renew it.')
  if (!(days >= SOON_DAYS))
    return warning('certificate', `it expires on ${until}`, 'Whoever runs the server should see to its renewal.')
  return ok('certificate', `it is trusted, and good until ${until}`)
}
