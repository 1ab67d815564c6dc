import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  type LookupOperatorRequest,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { CalledService, ServiceName } from '../../services/configuration/service-names.ts'
import { idempotentMethodsOf } from '../../services/internal-port/callers.ts'
import { type Certificates, openCertificates } from '../../services/internal-port/certificates.ts'
import { openChannel } from '../../services/internal-port/channel.ts'
import { createForward, isRead } from '../../services/internal-port/forward.ts'
import { createInternalListener, type ListenerDeps } from '../../services/internal-port/listener.ts'
import { remoteClient } from '../../services/internal-port/transport.ts'
import type { Authority, Certified } from './certificate-authority.ts'
import { silentLog } from './database.ts'
import { fakeRpc } from './fake-rpc.ts'

/** How often the certificate files are read again in tests, in milliseconds. */
const INTERVAL_MS = 20
const TIMEOUT_MS = 60_000

/** Creates a folder that is removed when the test ends. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-internal-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Certificate files of one process, which the test can rewrite. */
export interface TestCertificate {
  readonly certificates: Certificates
  /** The problems that were reported about the files. */
  readonly problems: readonly { readonly error: Error }[]
  write(certified: Partial<Certified>, ca?: string): Promise<void>
}

/** Writes certificate files for a process that runs these parts. The authority signs the certificate. */
export async function testCertificate(
  authority: Authority,
  names: readonly ServiceName[],
  ca = authority.ca,
): Promise<TestCertificate> {
  const folder = await testFolder()
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: join(folder, 'ca.pem') }
  const write = async ({ cert, key }: Partial<Certified>, authorities?: string): Promise<void> => {
    if (key !== undefined) await writeFile(files.key, key)
    if (cert !== undefined) await writeFile(files.cert, cert)
    if (authorities !== undefined) await writeFile(files.ca, authorities)
  }
  await write(authority.certify(...names), ca)
  const problems: { error: Error }[] = []
  const log = { ...silentLog, error: (fields: object) => void problems.push(fields as { error: Error }) }
  const certificates = await openCertificates({ files, services: names, log, intervalMs: INTERVAL_MS })
  onTestFinished(() => certificates.close())
  return { certificates, problems, write }
}

/** Metrics that count nothing. */
const noMetrics = { observe: () => undefined, connectionClosed: () => undefined }

/** Starts the internal listener of an operator registry with a fake Rpc, on a free port. It ends with the test. */
export async function startInternalListener(deps: Partial<ListenerDeps> = {}) {
  const rpc = fakeRpc()
  const seen: string[] = []
  const listener = createInternalListener({
    place: { host: '127.0.0.1', port: 0 },
    internal: [
      {
        service: OperatorDirectoryService,
        handlers: {
          async lookupOperator(request) {
            const { by } = request as LookupOperatorRequest
            seen.push(by.value ?? '')
            return { operator: { id: by.value } }
          },
          lookupAudienceOwner: async () => ({ operatorId: 'owner' }),
        },
      },
    ],
    forwarded: rpc.services,
    rpc,
    tracing: undefined,
    certificates: undefined,
    deadlineMs: TIMEOUT_MS,
    log: silentLog,
    metrics: noMetrics,
    ...deps,
  })
  const place = await listener.listen()
  listener.setServing(true)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= listener.close())
  onTestFinished(close)
  const address = 'internalPort' in place ? `127.0.0.1:${place.internalPort}` : `unix:${place.internalSocket}`
  return { rpc, seen, address, close, listener }
}

/**
 * Opens a channel to a part of the server, which closes when the test ends. Returns the typed client and the forward
 * over the channel.
 */
export function connectTo(
  addresses: readonly string[],
  certificates?: Certificates,
  service: CalledService = 'operator-registry',
) {
  const { services } = fakeRpc()
  const idempotent = [...idempotentMethodsOf(service), ...services.flatMap(({ methods }) => methods).filter(isRead)]
  const channel = openChannel({ service, addresses, certificates, idempotent })
  onTestFinished(() => channel.close())
  return {
    channel,
    operators: remoteClient(OperatorDirectoryService, channel, TIMEOUT_MS),
    forward: createForward(services, channel, TIMEOUT_MS),
  }
}
