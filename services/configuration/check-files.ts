import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { ApiError } from '../platform/errors/api-error.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import type { Config } from './config.ts'
import { type NamedFile, readNamed } from './named-file.ts'
import { isSplit } from './service-names.ts'

/**
 * Reads every file that a setting names, and checks those that the server uses only later. Call it before the server
 * opens its database, so that a mistake changes nothing there.
 * @throws StartupError, with the setting and the path, when a file is missing or cannot be used
 */
export async function checkFiles(config: Config): Promise<void> {
  const { tlsCertFile, tlsKeyFile, internalTls, natsTlsCaFile, natsTlsCertFile, natsTlsKeyFile } = config
  await checkTls({
    cert: named('AUTH4AGENT_TLS_CERT_FILE', tlsCertFile, 'the certificate'),
    key: named('AUTH4AGENT_TLS_KEY_FILE', tlsKeyFile, 'the key of the certificate'),
  })
  if (isSplit(config.services)) {
    await checkTls({
      cert: named('AUTH4AGENT_INTERNAL_TLS_CERT_FILE', internalTls.cert, 'the internal certificate'),
      key: named('AUTH4AGENT_INTERNAL_TLS_KEY_FILE', internalTls.key, 'the key of the internal certificate'),
      ca: named('AUTH4AGENT_INTERNAL_TLS_CA_FILE', internalTls.ca, 'the authority of internal certificates'),
    })
  }
  await checkTls({
    cert: named('AUTH4AGENT_NATS_TLS_CERT_FILE', natsTlsCertFile, 'the certificate for NATS'),
    key: named('AUTH4AGENT_NATS_TLS_KEY_FILE', natsTlsKeyFile, 'the key of the certificate for NATS'),
    ca: named('AUTH4AGENT_NATS_TLS_CA_FILE', natsTlsCaFile, 'the authority of the certificate of NATS'),
  })
  const credentials = named('AUTH4AGENT_NATS_CREDS_FILE', config.natsCredsFile, 'the credentials for NATS')
  if (credentials !== undefined) await readNamed(credentials)
  if (config.services.includes('authn')) await checkKeyFiles(config)
}

async function checkKeyFiles({ pkcs11Module, signingKeyFile }: Config): Promise<void> {
  const module = named('AUTH4AGENT_PKCS11_MODULE', pkcs11Module, 'the library of the hardware token')
  if (module !== undefined) await readNamed(module)
  const signingKey = named('AUTH4AGENT_SIGNING_KEY_FILE', signingKeyFile, 'the first signing key')
  if (signingKey === undefined) return
  const text = (await readNamed(signingKey)).toString()
  // The primary process of workers needs this code only here.
  const { parseSigningKey } = await import('../keys/domain/parse-signing-key.ts')
  const parsed = await parseSigningKey(text, '').catch((error: unknown) => {
    if (!(error instanceof ApiError)) throw error
    throw new StartupError(`${signingKey.setting} names ${signingKey.path}, which cannot be used: ${error.message}`)
  })
  parsed.secret.fill(0)
}

const named = (setting: string, path: string | undefined, what: string): NamedFile | undefined =>
  path === undefined ? undefined : { setting, path, what }

type TlsFiles = Readonly<Partial<Record<'cert' | 'key' | 'ca', NamedFile | undefined>>>

/** Checks that OpenSSL can use these PEM files together. */
async function checkTls(files: TlsFiles): Promise<void> {
  const given = Object.entries(files).flatMap(([part, file]) => (file === undefined ? [] : [{ part, file }]))
  const read = await Promise.all(given.map(async ({ part, file }) => [part, await readNamed(file)] as const))
  const pems: Readonly<Record<string, Buffer>> = Object.fromEntries(read)
  try {
    createSecureContext(pems)
    // createSecureContext ignores an authority that is no PEM.
    if (pems['ca'] !== undefined) checkCertificate(pems['ca'])
  } catch (error) {
    const names = given.map(({ file }) => `${file.setting} (${file.path})`).join(', ')
    const why = error instanceof Error ? error.message : String(error)
    throw new StartupError(`The files of ${names} cannot be used: they must be PEM that belong together (${why})`)
  }
}

/** Throws unless the PEM begins with a certificate. */
function checkCertificate(pem: Buffer): void {
  const { subject } = new X509Certificate(pem)
  if (subject === undefined) throw new Error('The authority has no subject')
}
