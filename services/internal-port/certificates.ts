import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { StartupError } from '../platform/errors/startup-error.ts'
import type { Logger } from '../platform/log/log.ts'
import { SERVICE_NAMES, type ServiceName } from '../process/configuration/service-names.ts'

/** Paths of PEM files: this process's certificate chain and key, and the authority that certifies its peers. */
interface CertificateFiles {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** What the files hold. */
export type Pems = Readonly<Record<keyof CertificateFiles, Buffer>>

/** This process's certificate, as the files last held a good one. */
export interface Certificates {
  current(): Pems
  /** Tells of every change. Answers how to stop that. */
  onChange(listener: (pems: Pems) => void): () => void
  /** Stops looking at the files. */
  close(): void
}

/** What reading them needs. */
interface CertificateDeps {
  readonly files: CertificateFiles
  /** The services that the certificate must name. */
  readonly services: readonly ServiceName[]
  readonly log: Logger
  /** How often the files are looked at, in milliseconds. */
  readonly intervalMs?: number
}

const INTERVAL_MS = 1_000

/** The services that a certificate names, as DNS names of its own (RFC 5280 section 4.2.1.6); wildcards name none. */
export function certifiedServices(certificate: X509Certificate): readonly ServiceName[] {
  const rules = { subject: 'never', wildcards: false } as const
  return SERVICE_NAMES.filter((name) => certificate.checkHost(name, rules) !== undefined)
}

/**
 * Reads the files, and again and again, for certificates are renewed while the server runs. What is broken, or half
 * written, is told in the log, and what was good stays in use. Throws StartupError when it is broken from the start.
 */
export async function openCertificates(deps: CertificateDeps): Promise<Certificates> {
  const { files, services, log, intervalMs = INTERVAL_MS } = deps
  let current = await read(files)
  const problem = problemOf(current, services)
  if (problem !== undefined) throw new StartupError(`${files.cert}, ${files.key} and ${files.ca}: ${problem}.`)
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
      log.error({ error }, 'the files of the internal certificate are not good; the one in use stays')
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

/** What keeps the files from being used, in words; undefined when they are good. */
function problemOf(pems: Pems, services: readonly ServiceName[]): string | undefined {
  try {
    const certificate = new X509Certificate(pems.cert)
    if (!certificate.checkPrivateKey(createPrivateKey(pems.key))) return 'the key is not the one of the certificate'
    const authority = new X509Certificate(pems.ca)
    createSecureContext({ ...pems, ca: authority.toString() })
    const named = certifiedServices(certificate)
    const missing = services.filter((name) => !named.includes(name))
    if (missing.length > 0) return `the certificate does not name ${missing.join(', ')} among its DNS names`
    return undefined
  } catch (error) {
    return `not PEM of a certificate, its key and its authority (${(error as Error).message})`
  }
}
