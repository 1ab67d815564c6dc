/** One server of a NATS cluster. */
export interface NatsServer {
  /** Name or address. An IPv6 address has no brackets. */
  readonly host: string
  readonly port: number
  /** Whether the server must use TLS. */
  readonly isTls: boolean
  readonly login?: { readonly user: string; readonly password: string } | { readonly token: string }
}

const DEFAULT_PORT = 4222

/**
 * Parses `nats://host:port` or `tls://host:port`. The host may follow `user:password@` or `token@`, percent-encoded.
 * Returns undefined for any other text.
 */
export function parseNatsUrl(text: string): NatsServer | undefined {
  const url = URL.parse(text)
  if (url === null || !['nats:', 'tls:'].includes(url.protocol)) return undefined
  if (url.hostname === '' || !['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') return undefined
  const login = loginOf(url)
  if (login === 'malformed' || url.port === '0') return undefined
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    isTls: url.protocol === 'tls:',
    ...(login && { login }),
  }
}

/** Returns the address of a server for the log, without its login. */
export function natsAddress({ host, port }: NatsServer): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function loginOf(url: URL): NatsServer['login'] | 'malformed' {
  if (url.username === '') return url.password === '' ? undefined : 'malformed'
  try {
    const user = decodeURIComponent(url.username)
    return url.password === '' ? { token: user } : { user, password: decodeURIComponent(url.password) }
  } catch {
    return 'malformed'
  }
}
