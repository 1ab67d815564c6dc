/** How an HTTP port listens. */
export interface HttpPortConfig {
  /** The issuer: origin, optionally with a path, without trailing slash. No header of a request ever changes it. */
  readonly baseUrl: string
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Addresses and CIDR ranges of the proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  /** Longest time for a TLS handshake, and for a request to arrive whole, in milliseconds. */
  readonly requestTimeoutMs: number
  /** Connections open at once, in all and from one source. */
  readonly maxConnections: number
  readonly maxSourceConnections: number
  /** PEM texts; set, the listener is https. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
}
