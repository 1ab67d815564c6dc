import { isMapping, type Json, type Mapping, textAt } from './files.ts'

/** The kind of value of each field of a Cluster that deploy/ may use (CloudNativePG 1.27, postgresql.cnpg.io/v1). */
const FIELDS: Readonly<Record<string, 'number' | 'string' | 'boolean'>> = {
  '/apiVersion': 'string',
  '/kind': 'string',
  '/metadata/name': 'string',
  '/metadata/namespace': 'string',
  '/spec/instances': 'number',
  '/spec/imageName': 'string',
  '/spec/switchoverDelay': 'number',
  '/spec/smartShutdownTimeout': 'number',
  '/spec/affinity/topologyKey': 'string',
  '/spec/affinity/podAntiAffinityType': 'string',
  '/spec/postgresql/synchronous/method': 'string',
  '/spec/postgresql/synchronous/number': 'number',
  '/spec/postgresql/synchronous/dataDurability': 'string',
  '/spec/postgresql/synchronous/failoverQuorum': 'boolean',
  '/spec/postgresql/parameters/max_connections': 'string',
  '/spec/bootstrap/initdb/database': 'string',
  '/spec/bootstrap/initdb/owner': 'string',
  '/spec/bootstrap/initdb/dataChecksums': 'boolean',
  '/spec/storage/size': 'string',
  '/spec/resources/requests/cpu': 'string',
  '/spec/resources/requests/memory': 'string',
  '/spec/resources/limits/memory': 'string',
}

/** What keeps a commit when a server is lost. */
const DEMANDS: Readonly<Record<string, string>> = {
  'spec.postgresql.synchronous.dataDurability': 'required',
  'spec.postgresql.synchronous.failoverQuorum': 'true',
  'spec.affinity.podAntiAffinityType': 'required',
}

/** Returns whether a resource is a PostgreSQL that CloudNativePG runs. */
export const isPostgres = (resource: Mapping): boolean => textAt(resource, 'apiVersion') === 'postgresql.cnpg.io/v1'

/** Lists unknown fields and wrong types of a Cluster, and what would let it lose a commit. */
export function postgresProblems(cluster: Mapping): string[] {
  const name = `Cluster ${textAt(cluster, 'metadata.name')}`
  const wrong = leavesOf(cluster, '').flatMap(([path, value]) => {
    const kind = FIELDS[path]
    if (kind === undefined) return [`${name}: ${path} is not a field that this check knows`]
    return typeof value === kind ? [] : [`${name}: ${path} must be a ${kind}`]
  })
  const lacking = Object.entries(DEMANDS).filter(([path, value]) => textAt(cluster, path) !== value)
  const few = Number(textAt(cluster, 'spec.instances')) < 3 ? [`${name} needs three instances`] : []
  return [...wrong, ...lacking.map(([path, value]) => `${name}: ${path} must be ${value}`), ...few]
}

function leavesOf(value: Json, path: string): (readonly [string, Json])[] {
  if (!isMapping(value)) return [[path, value]]
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, `${path}/${key}`))
}
