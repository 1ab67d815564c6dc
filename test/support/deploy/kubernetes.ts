import { type Cluster, matches, nameOf, readCluster, type Workload } from './cluster.ts'
import { listAt, mappingAt, type ReadText, textAt, textsAt } from './files.ts'
import { schemaProblems } from './kubernetes-schema.ts'
import {
  certificateProblems,
  type Listening,
  type Process,
  processProblems,
  readCertificates,
} from './process-settings.ts'
import { selectorProblems } from './selectors.ts'

const SERVER = 'auth4agent'
const PROBES = ['startupProbe', 'livenessProbe', 'readinessProbe'] as const
const CONTRACT = ['authn', 'identity', 'keys', 'operator_registry', 'revocation'] as const

const isServer = ({ container }: Workload) => textAt(container, 'name') === SERVER

/** Lists the problems in an overlay of deploy/kubernetes, one sentence each. */
export async function kubernetesProblems(read: ReadText, overlay: string): Promise<readonly string[]> {
  const cluster = readCluster(read, overlay)
  const schema = await Promise.all(cluster.resources.map(schemaProblems))
  const certificates = readCertificates(read('deploy/make-certificates.sh'))
  const servers = cluster.workloads.filter(isServer)
  return [
    ...schema.flat(),
    ...cluster.workloads.flatMap(podProblems),
    ...cluster.workloads.flatMap((workload) => volumeProblems(workload, cluster)),
    ...selectorProblems(cluster),
    ...ingressProblems(cluster, read),
    ...servers.flatMap((server) => processProblems(readProcess(server, cluster), listening(cluster))),
    ...servers.flatMap(({ name, container }) => certificateProblems(certificates, name, textsAt(container, 'args'))),
  ]
}

/** Lists rights that a pod must not have, things that it must not get, and limits that it lacks. */
export function rightsProblems({ name, pod, container }: Workload): string[] {
  const context = mappingAt(container, 'securityContext')
  const rules: readonly (readonly [boolean, string])[] = [
    [textAt(pod, 'securityContext.runAsNonRoot') === 'true', 'may run as root'],
    [textAt(pod, 'securityContext.seccompProfile.type') === 'RuntimeDefault', 'has no seccomp profile'],
    [context.readOnlyRootFilesystem === true, 'may write to its root file system'],
    [context.allowPrivilegeEscalation === false, 'may gain privileges'],
    [textsAt(context, 'capabilities.drop').join() === 'ALL', 'keeps capabilities'],
    [pod.automountServiceAccountToken === false, 'gets a token of the cluster'],
    [pod.enableServiceLinks === false, 'gets the variables of Services, which the server refuses'],
    [textAt(container, 'resources.limits.memory') !== '', 'has no memory limit'],
    [listAt(pod, 'containers').length === 1, 'has more containers than the one that this check reads'],
  ]
  return rules.filter(([isMet]) => !isMet).map(([, problem]) => `${name} ${problem}`)
}

function podProblems(workload: Workload): string[] {
  const { name, container } = workload
  const ports = new Set(listAt(container, 'ports').map((port) => textAt(port, 'name')))
  const badProbes = PROBES.filter((probe) => !ports.has(textAt(container, `${probe}.httpGet.port`)))
  return [
    ...rightsProblems(workload),
    ...badProbes.map((probe) => `${name}: its ${probe} must use a port of the container`),
  ]
}

function volumeProblems({ name, pod, container }: Workload, { ofKind, secrets }: Cluster): string[] {
  const mounts = listAt(container, 'volumeMounts').map((mount) => textAt(mount, 'name'))
  const volumes = listAt(pod, 'volumes')
  const names = volumes.map((volume) => textAt(volume, 'name'))
  const maps = new Set(ofKind('ConfigMap').map(nameOf))
  const mapRefs = [
    ...volumes.map((volume) => textAt(volume, 'configMap.name')),
    ...listAt(container, 'envFrom').map((source) => textAt(source, 'configMapRef.name')),
  ]
  const secretRefs = volumes.map((volume) => textAt(volume, 'secret.secretName')).filter((ref) => ref !== '')
  const keyRefs = listAt(container, 'env').flatMap((entry) => {
    const ref = mappingAt(entry, 'valueFrom.secretKeyRef')
    return ref.name === undefined ? [] : [{ secret: textAt(ref, 'name'), key: textAt(ref, 'key') }]
  })
  return [
    ...mounts
      .filter((mount) => !names.includes(mount))
      .map((mount) => `${name} mounts ${mount}, which is not a volume`),
    ...names.filter((volume) => !mounts.includes(volume)).map((volume) => `${name} does not mount ${volume}`),
    ...mapRefs.filter((ref) => ref !== '' && !maps.has(ref)).map((ref) => `${name}: ConfigMap ${ref} does not exist`),
    ...secretRefs
      .filter((ref) => !secrets.has(ref))
      .map((ref) => `${name}: docs/operations.md does not create Secret ${ref}`),
    ...keyRefs
      .filter(({ secret, key }) => secrets.get(secret)?.includes(key) !== true)
      .map(({ secret, key }) => `${name}: docs/operations.md does not create key ${key} of Secret ${secret}`),
  ]
}

/**
 * Lists public services that the Ingress does not reach, and paths that it must not reach, such as metrics and probes.
 */
function ingressProblems({ ofKind }: Cluster, read: ReadText): string[] {
  const paths = ofKind('Ingress').flatMap((ingress) =>
    listAt(ingress, 'spec.rules').flatMap((rule) => listAt(rule, 'http.paths')),
  )
  const contract = CONTRACT.map((file) => read(`proto/auth4agent/v1/${file}.proto`)).join('\n')
  const services = [...contract.matchAll(/^service (\w+)/gm)].map(([, service]) => `/auth4agent.v1.${service}`)
  const wanted = new Set(['/v1', '/.well-known', ...services])
  const given = new Set(paths.map((path) => textAt(path, 'path')))
  const backends = new Map(ofKind('Service').map((service) => [nameOf(service), listAt(service, 'spec.ports')]))
  const lost = paths.filter((path) => {
    const ports = backends.get(textAt(path, 'backend.service.name')) ?? []
    return !ports.some((port) => textAt(port, 'name') === textAt(path, 'backend.service.port.name'))
  })
  return [
    ...[...wanted].filter((path) => !given.has(path)).map((path) => `the Ingress does not lead to ${path}`),
    ...[...given].filter((path) => !wanted.has(path)).map((path) => `the Ingress should not lead to ${path}`),
    ...lost.map((path) => `the Ingress leads ${textAt(path, 'path')} to a Service or port that does not exist`),
  ]
}

function readProcess({ name, pod, container }: Workload, { ofKind, secrets }: Cluster): Process {
  const settings = listAt(container, 'envFrom').map((source) => {
    const map = ofKind('ConfigMap').find((it) => nameOf(it) === textAt(source, 'configMapRef.name'))
    return mappingAt(map, 'data')
  })
  // Only one setting comes from a Secret: the URL of the database.
  const own = listAt(container, 'env').map((entry) => [
    textAt(entry, 'name'),
    mappingAt(entry, 'valueFrom').secretKeyRef === undefined ? textAt(entry, 'value') : 'postgresql://postgres',
  ])
  const files = new Set(
    listAt(container, 'volumeMounts').flatMap((mount) => {
      const volume = listAt(pod, 'volumes').find((it) => textAt(it, 'name') === textAt(mount, 'name'))
      const keys = secrets.get(textAt(volume, 'secret.secretName')) ?? []
      return keys.map((key) => `${textAt(mount, 'mountPath')}/${key}`)
    }),
  )
  return {
    name,
    args: textsAt(container, 'args'),
    env: Object.assign({}, ...settings, Object.fromEntries(own)),
    hasFile: (path) => files.has(path),
    graceS: Number(textAt(pod, 'terminationGracePeriodSeconds')),
    ports: listAt(container, 'ports').map((port) => Number(textAt(port, 'containerPort'))),
  }
}

/**
 * Returns the parts that listen at a host. As in the cluster's DNS, a host is a Service, or one pod of a StatefulSet
 * under its Service.
 */
function listening({ ofKind, workloads }: Cluster): Listening {
  return (host, port) => {
    const [, pod, index, name = host] = /^(.+)-(\d+)\.(.+)$/.exec(host) ?? []
    const service = ofKind('Service').find((it) => nameOf(it) === name)
    const hasPort = listAt(service, 'spec.ports').some((it) => Number(textAt(it, 'port')) === port)
    const found = workloads.find(({ labels }) => matches(mappingAt(service, 'spec.selector'), labels))
    if (service === undefined || !hasPort || found === undefined) return undefined
    const isThere =
      pod === undefined || (found.name === pod && Number(index) < Number(textAt(found.resource, 'spec.replicas')))
    if (!isThere) return undefined
    return isServer(found) ? textsAt(found.container, 'args') : [found.name]
  }
}
