/** Configuration of an HTTP port. */
export interface HttpPortConfig {
  /** The issuer: an origin, optionally with a path, without a trailing slash. Request headers never change it. */
  readonly baseUrl: string
  readonly host: string
  /** With 0, the system chooses the port. */
  readonly port: number
  /** Addresses and CIDR ranges of the proxies whose X-Forwarded-For is trusted. */
  readonly trustedProxies: readonly string[]
  /** The longest time for a TLS handshake, and for the arrival of a complete request, in milliseconds. */
  readonly requestTimeoutMs: number
  /** Limits of open connections, in total and from one source. */
  readonly maxConnections: number
  readonly maxSourceConnections: number
  /** PEM texts. If set, the port serves https. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
}
