import { isPostgres } from './cloudnativepg.ts'
import { type Json, listAt, type Mapping, mappingAt, type ReadText, textAt } from './files.ts'
import { build } from './kustomize.ts'

/** A Deployment or StatefulSet, with the members that the checks use most. */
export interface Workload {
  readonly name: string
  readonly resource: Mapping
  /** The labels of the pods. */
  readonly labels: Mapping
  readonly pod: Mapping
  readonly container: Json | undefined
}

/** The resources of a built overlay. */
export interface Cluster {
  readonly resources: readonly Mapping[]
  readonly workloads: readonly Workload[]
  readonly ofKind: (kind: string) => readonly Mapping[]
  /** The keys of each Secret that the commands in docs/operations.md create, or that CloudNativePG makes. */
  readonly secrets: ReadonlyMap<string, readonly string[]>
}

const KINDS = new Set(['Deployment', 'StatefulSet'])

/** Builds an overlay and sorts its resources. */
export function readCluster(read: ReadText, overlay: string): Cluster {
  const resources = build(read, overlay)
  return {
    resources,
    workloads: readWorkloads(resources),
    ofKind: (kind) => resources.filter((resource) => resource.kind === kind),
    secrets: new Map([
      ...readSecrets(read('docs/operations.md')),
      ...resources.filter(isPostgres).map((postgres) => [`${nameOf(postgres)}-app`, ['uri']] as const),
    ]),
  }
}

/** Returns the resources that make pods. */
export function readWorkloads(resources: readonly Mapping[]): readonly Workload[] {
  return resources.filter((resource) => KINDS.has(textAt(resource, 'kind'))).map(readWorkload)
}

function readWorkload(resource: Mapping): Workload {
  const pod = mappingAt(resource, 'spec.template.spec')
  const [container] = listAt(pod, 'containers')
  const labels = mappingAt(resource, 'spec.template.metadata.labels')
  return { name: nameOf(resource), resource, labels, pod, container }
}

/**
 * Reads the `kubectl create secret generic` commands of docs/operations.md. Returns the keys of each Secret. A
 * `--from-file` that names a folder of certificates creates three keys.
 */
function readSecrets(readme: string): ReadonlyMap<string, readonly string[]> {
  const commands = readme.matchAll(/create secret generic (\S+) ([^\n]*)/g)
  return new Map(
    [...commands].map(([, name = '', options = '']) => {
      const sources = [...options.matchAll(/--from-(?:file|literal)=(\S+)/g)].map(([, source = '']) => source)
      const keys = sources.flatMap((source) =>
        /\/certificates\/\w/.test(source) ? ['ca.crt', 'tls.crt', 'tls.key'] : [source.split('=')[0] ?? ''],
      )
      return [name, keys]
    }),
  )
}

/** Returns the name of a resource. */
export const nameOf = (resource: Json | undefined) => textAt(resource, 'metadata.name')

/** Tells whether a pod has all labels of a selector. */
export const matches = (selector: Mapping, labels: Mapping) =>
  Object.entries(selector).every(([label, value]) => labels[label] === value)
