import { isPostgres } from './cloudnativepg.ts'
import { type Cluster, matches, nameOf, type Workload } from './cluster.ts'
import { isMapping, type Json, listAt, type Mapping, mappingAt, textAt } from './files.ts'

/** A selector of pods, with the ports that it names. */
interface Selection {
  readonly name: string
  readonly found: readonly Workload[]
  readonly ports: readonly string[]
}

const DENY_ALL = JSON.stringify({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })

/**
 * Lists selectors without pods, ports that the selected pods do not have, pods without a PodDisruptionBudget, and
 * policies that let everybody in.
 */
export function selectorProblems(cluster: Cluster): string[] {
  const { workloads, ofKind } = cluster
  const selections = [...ownSelections(cluster), ...otherSelections(cluster)]
  const budgets = ofKind('PodDisruptionBudget').map((budget) => mappingAt(budget, 'spec.selector.matchLabels'))
  const unprotected = workloads.filter(({ labels }) => !budgets.some((selector) => matches(selector, labels)))
  const isDenied = ofKind('NetworkPolicy').some(({ spec }) => JSON.stringify(spec) === DENY_ALL)
  return [
    ...selections.filter(({ found }) => found.length === 0).map(({ name }) => `${name} selects no pods`),
    ...selections.flatMap(portProblems),
    ...unprotected.map(({ name }) => `${name} has no PodDisruptionBudget`),
    ...(isDenied ? [] : ['no NetworkPolicy denies everything by default']),
    ...ofKind('NetworkPolicy')
      .filter((policy) => listAt(policy, 'spec.ingress').some(letsEverybodyIn))
      .map((policy) => `NetworkPolicy ${nameOf(policy)} lets everybody in`),
  ]
}

/** Tells whether a rule names no peer, or a peer without labels. A rule without peers is for all of them. */
function letsEverybodyIn(rule: Json): boolean {
  const peers = listAt(rule, 'from')
  return peers.length === 0 || peers.some((peer) => SELECTORS.every((name) => isEmpty(mappingAt(peer, name))))
}

const SELECTORS = ['podSelector.matchLabels', 'namespaceSelector.matchLabels']
const isEmpty = (mapping: Mapping) => Object.keys(mapping).length === 0

function portProblems({ name, found, ports }: Selection): string[] {
  const named = new Set(found.flatMap(({ container }) => portNames(container)))
  return ports
    .filter((port) => /[a-z]/.test(port) && !named.has(port))
    .map((port) => `${name} names the port ${port}, which its pods do not have`)
}

const portNames = (container: Json | undefined) => listAt(container, 'ports').map((port) => textAt(port, 'name'))

function ownSelections({ workloads }: Cluster): Selection[] {
  return workloads.map((workload) => {
    const isOwn = matches(mappingAt(workload.resource, 'spec.selector.matchLabels'), workload.labels)
    return { name: `${workload.name} itself`, found: isOwn ? [workload] : [], ports: [] }
  })
}

function otherSelections({ workloads, resources, ofKind }: Cluster): Selection[] {
  const servers = resources.filter(isPostgres).map(postgresPods)
  const select = (resource: Mapping, selector: Mapping, ports: readonly string[] = []): Selection => ({
    name: `${textAt(resource, 'kind')} ${nameOf(resource)}`,
    found: [...workloads, ...servers].filter(({ labels }) => matches(selector, labels)),
    ports,
  })
  const services = ofKind('Service').map((service) => {
    const ports = listAt(service, 'spec.ports').map((port) => textAt(port, 'targetPort'))
    return select(service, mappingAt(service, 'spec.selector'), ports)
  })
  const budgets = ofKind('PodDisruptionBudget').map((it) => select(it, mappingAt(it, 'spec.selector.matchLabels')))
  const scalers = ofKind('HorizontalPodAutoscaler').map((scaler) => ({
    name: `HorizontalPodAutoscaler ${nameOf(scaler)}`,
    found: workloads.filter(({ name }) => name === textAt(scaler, 'spec.scaleTargetRef.name')),
    ports: [],
  }))
  const policies = ofKind('NetworkPolicy').flatMap((policy) =>
    policyRules(policy).map(({ selector, ports }) => select(policy, selector, ports)),
  )
  return [...services, ...budgets, ...scalers, ...policies]
}

/**
 * Returns the selections of a NetworkPolicy: its own pods with its ingress ports, and each peer with its egress ports.
 */
function policyRules(policy: Mapping) {
  const ingress = listAt(policy, 'spec.ingress')
  return [
    { selector: mappingAt(policy, 'spec.podSelector.matchLabels'), ports: ingress.flatMap(portsOf) },
    ...ingress.flatMap((rule) => peerRules(rule, 'from', [])),
    ...listAt(policy, 'spec.egress').flatMap((rule) => peerRules(rule, 'to', portsOf(rule))),
  ]
}

/** Returns what a selector sees of the pods that CloudNativePG makes. */
function postgresPods(resource: Mapping): Workload {
  const labels = { 'cnpg.io/cluster': nameOf(resource) }
  return { name: nameOf(resource), resource, labels, pod: {}, container: undefined }
}

const portsOf = (rule: Json) => listAt(rule, 'ports').map((port) => textAt(port, 'port'))

function peerRules(rule: Json, side: string, ports: readonly string[]) {
  return listAt(rule, side)
    .filter((peer) => isMapping(peer) && peer.podSelector !== undefined)
    .map((peer) => ({ selector: mappingAt(peer, 'podSelector.matchLabels'), ports }))
}
