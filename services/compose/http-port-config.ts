import { readFile } from 'node:fs/promises'
import type { Config } from '../configuration/config.ts'
import type { HttpPortConfig } from '../http-port/config.ts'

/** The certificate of the public listeners. Empty if they speak no TLS. */
export type Tls = Awaited<ReturnType<typeof loadTls>>

/** Reads the certificate of the public listeners. */
export async function loadTls({ tlsCertFile, tlsKeyFile }: Config) {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return {}
  const [cert, key] = await Promise.all([readFile(tlsCertFile), readFile(tlsKeyFile)])
  return { tls: { cert, key } }
}

/** Returns the configuration of the HTTP port. */
export function httpPortConfig(config: Config, tls: Tls): HttpPortConfig {
  const { host, port, trustedProxies, requestTimeoutMs, maxConnections, maxSourceConnections } = config
  const limits = { requestTimeoutMs, maxConnections, maxSourceConnections }
  return { baseUrl: config.issuer, host, port, trustedProxies, ...limits, ...tls }
}
