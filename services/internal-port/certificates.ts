import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { SERVICE_NAMES, type ServiceName } from '../configuration/service-names.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import type { Logger } from '../platform/log/log.ts'

/**
 * Paths of PEM files: the certificate chain and key of this process, and the authority that signs its peers'
 * certificates.
 */
interface CertificateFiles {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** The content of the files. */
export type Pems = Readonly<Record<keyof CertificateFiles, Buffer>>

/** The certificate of this process: the last valid certificate that was in the files. */
export interface Certificates {
  current(): Pems
  /** Calls the listener after every change. Returns a function that removes the listener. */
  onChange(listener: (pems: Pems) => void): () => void
  /** Stops reading the files. */
  close(): void
}

/** Options of {@link openCertificates}. */
interface CertificateDeps {
  readonly files: CertificateFiles
  /** The services that the certificate must name. */
  readonly services: readonly ServiceName[]
  readonly log: Logger
  /** The time between two reads of the files, in milliseconds. The default is 1,000. */
  readonly intervalMs?: number
}

const INTERVAL_MS = 1_000

/**
 * Returns the services whose names are among the DNS names of a certificate (RFC 5280 section 4.2.1.6). A wildcard
 * does not count as a name. A certificate that does not name the curve of its key names no service.
 */
export function certifiedServices(certificate: X509Certificate): readonly ServiceName[] {
  if (hasExplicitKey(certificate)) return []
  const rules = { subject: 'never', wildcards: false } as const
  return SERVICE_NAMES.filter((name) => certificate.checkHost(name, rules) !== undefined)
}

/** The object identifier of a field of primes, with which explicit parameters of a curve begin (X9.62). */
const PRIME_FIELD = Buffer.from('06072a8648ce3d0101', 'hex')

/** Tells whether the key has parameters of its curve, which RFC 5480 section 2.1.1 forbids, instead of its name. */
function hasExplicitKey({ publicKey }: X509Certificate): boolean {
  return publicKey.asymmetricKeyType === 'ec' && publicKey.export({ type: 'spki', format: 'der' }).includes(PRIME_FIELD)
}

/**
 * Reads the files now and once each second, because certificates are renewed while the server runs. If the files
 * become invalid or incomplete, the server keeps using the last valid certificate and logs an error. Throws
 * StartupError if the files are invalid at the start.
 */
export async function openCertificates(deps: CertificateDeps): Promise<Certificates> {
  const { files, services, log, intervalMs = INTERVAL_MS } = deps
  let current = await read(files)
  const problem = problemOf(current, services)
  if (problem !== undefined)
    throw new StartupError(`${files.cert}, ${files.key} and ${files.ca} cannot be used: ${problem}`)
  let seen = current
  const listeners = new Set<(pems: Pems) => void>()

  const look = async (): Promise<void> => {
    try {
      const pems = await read(files)
      if (isSame(pems, seen)) return
      seen = pems
      const problem = problemOf(pems, services)
      if (problem !== undefined) throw new Error(problem)
      current = pems
      for (const listener of listeners) listener(pems)
      log.info({ validTo: new X509Certificate(pems.cert).validTo }, 'the internal certificate was renewed')
    } catch (error) {
      log.error({ error }, 'the files of the internal certificate are invalid; the certificate in use stays')
    }
  }
  let looking: Promise<void> | undefined
  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = undefined
    })
  }, intervalMs).unref()
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => clearInterval(timer),
  }
}

async function read(files: CertificateFiles): Promise<Pems> {
  const [cert, key, ca] = await Promise.all([load(files.cert), load(files.key), load(files.ca)])
  return { cert, key, ca }
}

async function load(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new StartupError(`The internal certificate cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function isSame(one: Pems, other: Pems): boolean {
  return one.cert.equals(other.cert) && one.key.equals(other.key) && one.ca.equals(other.ca)
}

/** Returns why the files cannot be used, or undefined if they can. */
function problemOf(pems: Pems, services: readonly ServiceName[]): string | undefined {
  try {
    const certificate = new X509Certificate(pems.cert)
    if (!certificate.checkPrivateKey(createPrivateKey(pems.key))) return 'the key does not belong to the certificate'
    const authority = new X509Certificate(pems.ca)
    createSecureContext({ ...pems, ca: authority.toString() })
    if ([certificate, authority].some(hasExplicitKey)) return 'a certificate must name the curve of its key (RFC 5480)'
    const named = certifiedServices(certificate)
    const missing = services.filter((name) => !named.includes(name))
    if (missing.length > 0) return `the DNS names of the certificate lack ${missing.join(', ')}`
    return undefined
  } catch (error) {
    return `they must be PEM of a certificate, its key and its authority (${(error as Error).message})`
  }
}
