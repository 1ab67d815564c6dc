import { isPostgres, postgresProblems } from './cloudnativepg.ts'
import { isMapping, type Json, type Mapping, textAt } from './files.ts'

/** A compiled JSON schema. */
interface Validate {
  (value: unknown): boolean
  errors?: readonly { readonly instancePath: string; readonly keyword: string; readonly params: object }[] | null
}

/** The names of the schemas in `kubernetes-models`, by `apiVersion`. */
const GROUPS: Readonly<Record<string, string>> = {
  v1: 'CoreV1',
  'apps/v1': 'AppsV1',
  'autoscaling/v2': 'AutoscalingV2',
  'networking.k8s.io/v1': 'NetworkingV1',
  'policy/v1': 'PolicyV1',
}

/** Lists the problems that Kubernetes' own schema finds in a resource, and its unknown fields. */
export async function schemaProblems(resource: Mapping): Promise<readonly string[]> {
  const name = `${textAt(resource, 'kind')} ${textAt(resource, 'metadata.name')}`
  if (isPostgres(resource)) return postgresProblems(resource)
  const group = GROUPS[textAt(resource, 'apiVersion')]
  if (group === undefined) return [`${name}: ${textAt(resource, 'apiVersion')} is an API that this check does not know`]
  const schema = `kubernetes-models/_schemas/IoK8sApi${group}${textAt(resource, 'kind')}`
  const { validate }: { validate: Validate } = await import(schema)
  const unread = new Set<string>()
  validate(watch(resource, '', unread))
  const refused = (validate.errors ?? []).map(
    ({ instancePath, keyword, params }) => `${name}: ${instancePath} breaks ${keyword} ${JSON.stringify(params)}`,
  )
  return [...refused, ...[...unread].map((path) => `${name}: ${path} is not a field of Kubernetes`)]
}

/**
 * Copies a value and records in `unread` the paths that the schema does not read. Kubernetes' schemas allow unknown
 * fields, which the API server drops or refuses. A compiled schema reads every field that it knows, so an unread field
 * is unknown.
 */
function watch(value: Json, path: string, unread: Set<string>): Json {
  if (!isMapping(value) && !Array.isArray(value)) return value
  const copy: Record<string, Json> | Json[] = Array.isArray(value) ? [] : {}
  for (const [key, inner] of Object.entries(value)) {
    unread.add(`${path}/${key}`)
    Object.assign(copy, { [key]: watch(inner, `${path}/${key}`, unread) })
  }
  return new Proxy(copy, {
    get(target, key, receiver) {
      unread.delete(`${path}/${String(key)}`)
      return Reflect.get(target, key, receiver)
    },
  })
}
