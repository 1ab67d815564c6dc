import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SERVICE_NAMES, type ServiceName } from '../../services/configuration/service-names.ts'
import type { Environment } from './server.ts'

const run = promisify(execFile)
const SCRIPT = join(import.meta.dirname, '../../deploy/make-certificates.sh')

/**
 * Creates a certificate authority and a certificate for each part of the server, with the script that deployments use.
 * Returns a function that returns the settings of a part. With these settings, its process presents its certificate
 * and requires a certificate from its peers. Needs openssl.
 */
export async function makeCertificates(folder: string): Promise<(service: ServiceName) => Environment> {
  await run('sh', [SCRIPT, folder, ...SERVICE_NAMES.map((name) => `${name}=${name}`)])
  return (service) => ({
    AUTH4AGENT_INTERNAL_TLS_CERT_FILE: join(folder, service, 'tls.crt'),
    AUTH4AGENT_INTERNAL_TLS_KEY_FILE: join(folder, service, 'tls.key'),
    AUTH4AGENT_INTERNAL_TLS_CA_FILE: join(folder, service, 'ca.crt'),
  })
}
