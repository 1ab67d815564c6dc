import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ReadText, readCheckout } from '../support/deploy/files.ts'
import { readMetricNames, storedNames } from '../support/deploy/monitoring.ts'
import { deployProblems } from '../support/deploy/problems.ts'
import { type Deployment, startDeployment } from '../support/deployment.ts'
import { until } from '../support/until.ts'

const BASE = 'deploy/kubernetes/base'
const OVERLAY = 'deploy/kubernetes/overlays/example'
const POSTGRES = 'deploy/kubernetes/components/cloudnativepg'
const EXAMPLE = 'deploy/examples/kubernetes-agents/agents.yaml'
const COMPOSE = 'deploy/compose.yaml'
const MONITORING = 'deploy/monitoring'

/** A mistake: `from` becomes `to` in `file`. One of the problems that the checks find must then contain `problem`. */
type Mistake = readonly [file: string, from: string, to: string, problem: string]

const mistakes: readonly Mistake[] = [
  // Schemas.
  [`${BASE}/pod-defaults.yaml`, 'revisionHistoryLimit', 'revisionHistory', '/spec/revisionHistory is not a field'],
  [`${BASE}/pod-defaults.yaml`, 'failureThreshold: 60', 'failureThreshold: many', 'startupProbe/failureThreshold'],
  [`${BASE}/gateway.yaml`, 'policy/v1', 'policy/v2', 'policy/v2 is an API that this check does not know'],
  [`${BASE}/nats.yaml`, 'replicas: 3', 'replica: 3', '/spec/replica is not a field'],
  [COMPOSE, 'stop_grace_period: 30s', 'stop_grace: 30s', '"additionalProperty":"stop_grace"'],
  [COMPOSE, 'retries: 3', 'tries: 3', '"additionalProperty":"tries"'],
  // PostgreSQL by CloudNativePG.
  [
    `${POSTGRES}/cluster.yaml`,
    'dataDurability: required',
    'dataDurability: preferred',
    'dataDurability must be required',
  ],
  [`${POSTGRES}/cluster.yaml`, 'failoverQuorum: true', 'failoverQuorum: false', 'failoverQuorum must be true'],
  [`${POSTGRES}/cluster.yaml`, 'failoverQuorum: true', 'failOverQuorum: true', '/failOverQuorum is not a field'],
  [`${POSTGRES}/cluster.yaml`, 'max_connections: "400"', 'max_connections: 400', 'max_connections must be a string'],
  [`${POSTGRES}/cluster.yaml`, 'instances: 3', 'instances: 2', 'Cluster postgres needs three instances'],
  [`${POSTGRES}/cluster.yaml`, 'name: postgres', 'name: other', 'NetworkPolicy postgres selects no pods'],
  [`${POSTGRES}/database-url.yaml`, 'key: uri', 'key: url', 'does not create key url of Secret postgres-app'],
  // Settings, as the server reads them.
  [`${BASE}/settings.env`, 'AUTH4AGENT_DRAIN_DELAY=', 'AUTH4AGENT_DRAIN=', 'AUTH4AGENT_DRAIN is not a known setting'],
  [`${BASE}/settings.env`, 'PORT=8080', 'PORT=http', 'PORT must be a whole number'],
  [`${BASE}/identity.yaml`, 'AUTH4AGENT_OPERATOR_REGISTRY', 'AUTH4AGENT_IDENTITY', 'REGISTRY_ADDRESSES must be set'],
  [`${BASE}/revocation.yaml`, 'args: [revocation]', 'args: [revoker]', 'Unknown service "revoker"'],
  [COMPOSE, 'AUTH4AGENT_TRUSTED_PROXIES', 'AUTH4AGENT_PROXIES', 'AUTH4AGENT_PROXIES is not a known setting'],
  [COMPOSE, 'AUTH4AGENT_KEK_FILE', 'AUTH4AGENT_KEY_FILE', 'AUTH4AGENT_KEK_FILE must be set with DATABASE_URL'],
  [`${BASE}/pod-defaults.yaml`, 'name: DATABASE_URL', 'name: DATABASE', 'DATABASE_URL must be set'],
  // Addresses.
  [`${BASE}/settings.env`, 'nats-2.nats:4222', 'nats-3.nats:4222', 'no NATS listens at nats-3.nats:4222'],
  [`${BASE}/gateway.yaml`, 'identity:8082', 'identities:8082', 'no identity listens at identities:8082'],
  [`${BASE}/gateway.yaml`, '"revocation:8082"', '"identity:8082"', 'no revocation listens at identity:8082'],
  [COMPOSE, 'identity-2:8082', 'identity-3:8082', 'no identity listens at identity-3:8082'],
  [COMPOSE, 'aliases: [nats-1.nats]', 'aliases: [nats-1]', 'no NATS listens at nats-1.nats:4222'],
  [`${BASE}/pod-defaults.yaml`, 'containerPort: 8082', 'containerPort: 8083', 'it listens on 8080, 8082'],
  // Files and secrets.
  [`${BASE}/settings.env`, '/certificates/ca.crt', '/certificates/ca.pem', 'nothing puts /certificates/ca.pem'],
  [
    `${BASE}/gateway.yaml`,
    'secretName: gateway-tls',
    'secretName: public',
    'docs/operations.md does not create Secret public',
  ],
  [
    `${BASE}/pod-defaults.yaml`,
    'key: url',
    'key: uri',
    'docs/operations.md does not create key uri of Secret database',
  ],
  [`${BASE}/nats.yaml`, 'name: nats-config', 'name: nats-conf', 'ConfigMap nats-conf does not exist'],
  [`${BASE}/nats.yaml`, '- { name: config,', '- { name: conf,', 'mounts conf, which is not a volume'],
  [`${BASE}/nats.yaml`, '- { name: config,', '- { name: conf,', 'does not mount config'],
  [COMPOSE, 'secrets/admin.env', 'secrets/operator.env', 'nothing creates "secrets/operator.env"'],
  [COMPOSE, 'base/nats.conf', 'base/cluster.conf', 'nothing creates "kubernetes/base/cluster.conf"'],
  ['deploy/make-certificates.sh', 'gateway=jwks-gateway,authn', 'gateway=jwks-gateway', 'its certificate names'],
  ['deploy/make-certificates.sh', 'identity=identity', 'agents=identity', 'does not create its certificate'],
  // Selectors.
  [
    `${BASE}/identity.yaml`,
    'component: identity }\n    spec',
    'component: id }\n    spec',
    'identity itself selects no',
  ],
  [
    `${BASE}/identity.yaml`,
    'component: identity }\n  ports',
    'component: id }\n  ports',
    'Service identity selects no',
  ],
  [
    `${BASE}/nats.yaml`,
    '1\n  selector:\n    matchLabels: {',
    '1\n  selector:\n    matchLabels: { a: b,',
    'has no PodDisruption',
  ],
  [`${BASE}/nats.yaml`, 'serviceName: nats\n', 'serviceName: nats\n  serviceName: nets\n', 'Map keys must be unique'],
  [`${BASE}/gateway.yaml`, 'targetPort: grpc', 'targetPort: rpc', 'names the port rpc'],
  [`${BASE}/gateway.yaml`, 'kind: Deployment, name: gateway }', 'kind: Deployment, name: gate }', 'selects no pods'],
  [`${BASE}/network-policies.yaml`, 'port: internal', 'port: inside', 'names the port inside'],
  [
    `${BASE}/network-policies.yaml`,
    'podSelector: {}',
    'podSelector: { matchLabels: { a: b } }',
    'denies everything by default',
  ],
  [`${BASE}/network-policies.yaml`, 'component: operator-registry', 'component: operators', 'proof selects no pods'],
  [
    `${BASE}/network-policies.yaml`,
    'podSelector: { matchLabels: { app.kubernetes.io/name: auth4agent } }\n      ports',
    'podSelector: {}\n      ports',
    'internal lets everybody in',
  ],
  [
    `${BASE}/network-policies.yaml`,
    '- from:\n        - namespaceSelector: { matchLabels: { auth4agent-access: ingress } }\n      ports',
    '- ports',
    'public lets everybody in',
  ],
  [
    `${BASE}/pod-defaults.yaml`,
    'httpGet: { path: /ready, port: http }',
    'httpGet: { port: web }',
    'readinessProbe must use a port',
  ],
  [`${BASE}/kustomization.yaml`, 'name=auth4agent', 'name=auth', 'has no target'],
  [
    `${BASE}/kustomization.yaml`,
    '  - network-policies.yaml\n',
    '',
    'network-policies.yaml is not part of a kustomization',
  ],
  [`${OVERLAY}/kustomization.yaml`, 'images:', 'replacements:', 'replacements is not a field that this check'],
  [`${OVERLAY}/kustomization.yaml`, 'name: settings', 'name: setting', 'setting does not exist'],
  [`${OVERLAY}/ingress.yaml`, 'auth4agent.v1.KeysService', 'metrics', 'should not lead to /metrics'],
  [`${OVERLAY}/ingress.yaml`, 'auth4agent.v1.KeysService', 'metrics', 'does not lead to /auth4agent.v1.KeysService'],
  [`${OVERLAY}/ingress.yaml`, 'port: { name: http }', 'port: { name: web }', 'Service or port that does not exist'],
  // Rights of containers.
  [`${BASE}/pod-defaults.yaml`, 'runAsNonRoot: true', 'runAsNonRoot: false', 'may run as root'],
  [`${BASE}/pod-defaults.yaml`, 'readOnlyRootFilesystem: true', 'privileged: false', 'may write to its root'],
  [`${BASE}/pod-defaults.yaml`, 'enableServiceLinks: false', 'enableServiceLinks: true', 'variables of Services'],
  [`${BASE}/pod-defaults.yaml`, 'seccompProfile: { type: RuntimeDefault }', '', 'has no seccomp profile'],
  [`${BASE}/pod-defaults.yaml`, 'allowPrivilegeEscalation: false', '', 'may gain privileges'],
  [`${BASE}/pod-defaults.yaml`, 'automountServiceAccountToken: false', '', 'gets a token of the cluster'],
  [`${BASE}/pod-defaults.yaml`, 'limits: { memory: 512Mi }', '', 'has no memory limit'],
  [`${BASE}/nats.yaml`, 'capabilities: { drop: [ALL] }', 'capabilities: {}', 'nats keeps capabilities'],
  [COMPOSE, 'cap_drop: [ALL]', 'cap_drop: [CHOWN]', 'keeps capabilities'],
  [COMPOSE, 'read_only: true', 'read_only: false', 'may write to its root file system'],
  [COMPOSE, 'no-new-privileges:true', 'no-new-privileges:false', 'may gain privileges'],
  [COMPOSE, 'test: [CMD, pg_isready', 'x-test: [CMD, pg_isready', 'postgres has no healthcheck'],
  [COMPOSE, '127.0.0.1:8080:8080', '8080:8080', 'publishes a port beyond this machine'],
  // Examples.
  [EXAMPLE, 'expirationSeconds: 600', 'expiration: 600', 'expiration is not a field of Kubernetes'],
  [EXAMPLE, 'serviceAccountName: orders-agent', 'serviceAccountName: orders', 'ServiceAccount orders does not exist'],
  [EXAMPLE, 'name: tokens, mountPath', 'name: token, mountPath', 'must mount exactly its volumes'],
  [EXAMPLE, 'runAsNonRoot: true', 'runAsNonRoot: false', 'may run as root'],
  // Time to stop.
  [`${BASE}/settings.env`, 'DRAIN_DELAY=10s', 'DRAIN_DELAY=30s', 'it needs 50 s to stop, but gets 45'],
  [COMPOSE, 'stop_grace_period: 30s', 'stop_grace_period: 20s', 'it needs 25 s to stop, but gets 20'],
  // Monitoring.
  [`${MONITORING}/rules.yaml`, 'sum(increase(', 'sum(increase((', 'the PromQL syntax is wrong'],
  [`${MONITORING}/rules.yaml`, 'INTERNAL|UNAVAILABLE', 'INTERNAL|GONE', 'GONE is not a reason of this server'],
  [`${MONITORING}/rules.yaml`, 'severity: page', 'severity: loud', 'its severity must be page or ticket'],
  [`${MONITORING}/rules.yaml`, 'summary:', 'title:', 'it has no summary'],
  [`${MONITORING}/rules.yaml`, 'for: 1m', 'during: 1m', 'during is not a field of an alert'],
  [`${MONITORING}/dashboard.json`, 'sum by (reason) (rate(', 'sum by (reason) (rate', 'the PromQL syntax is wrong'],
]

test('the checks of deploy/ find no problem', async () => {
  expect(await deployProblems(readCheckout)).toEqual([])
})

test.each(mistakes)('the checks of deploy/ find the mistake in %s: %j → %j', async (file, from, to, problem) => {
  const original = readCheckout(file)
  expect(original).toContain(from)
  const read: ReadText = (path) => (path === file ? original.replace(from, to) : readCheckout(path))
  const found = await deployProblems(read).catch((error: unknown) => [String(error)])
  expect(found.filter((sentence) => sentence.includes(problem)).length, found.join('\n')).toBeGreaterThan(0)
})

describe('the metrics of running processes', () => {
  let deployment: Deployment
  beforeAll(async () => {
    deployment = await startDeployment({ mode: 'split' })
  })
  afterAll(() => deployment.stop())

  const expositions = () =>
    Promise.all(
      Object.entries(deployment.processes).flatMap(([service, processes]) =>
        processes.map(async ({ baseUrl }) => {
          const response = await fetch(`${baseUrl}/metrics`)
          return { service, text: await response.text() }
        }),
      ),
    )

  test('contain every metric that rules and dashboard read', async () => {
    const texts = (await expositions()).map(({ text }) => text)
    const stored = storedNames(texts.join('\n'))
    const names = readMetricNames(readCheckout)
    expect(names.length).toBeGreaterThan(30)
    expect(names.filter(({ name }) => !stored.has(name))).toEqual([])
  })

  test.each(['auth4agent_revocation_lease_valid', 'auth4agent_bus_connected'])(
    'do not contain %s 0 in a healthy deployment, because an alert fires on that value',
    async (name) => {
      const zero = new RegExp(`^${name} 0$`, 'm')
      const broken = async () =>
        (await expositions()).filter(({ text }) => zero.test(text)).map(({ service }) => service)
      expect(await until(broken, (services) => services.length === 0)).toEqual([])
    },
  )

  test('contain a log sequence only if the process follows the log, because an alert compares all sequences', async () => {
    const following = (await expositions())
      .filter(({ text }) => text.includes('auth4agent_revocation_log_sequence'))
      .map(({ service }) => service)
    expect(following).toEqual(['authn'])
  })
})
