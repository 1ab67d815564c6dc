import { join } from 'node:path/posix'
import {
  isMapping,
  type Json,
  listAt,
  type Mapping,
  mappingAt,
  type ReadText,
  readYaml,
  textAt,
  textsAt,
} from './files.ts'

/** The fields of a kustomization that these checks know. Other fields are refused, because they would be unchecked. */
const FIELDS = new Set([
  'apiVersion',
  'kind',
  'namespace',
  'resources',
  'components',
  'patches',
  'images',
  'configMapGenerator',
])
/** The fields that identify entries in a list of mappings. The order is that of Kubernetes' own merge keys. */
const MERGE_KEYS = ['mountPath', 'containerPort', 'topologyKey', 'name'] as const

/**
 * Builds a folder as `kustomize build` does, without the hashes in names of ConfigMaps. Throws on anything that it
 * cannot build.
 * @param base what a component is added to
 */
export function build(read: ReadText, folder: string, base: readonly Mapping[] = []): readonly Mapping[] {
  const [kustomization = {}] = readYaml(read, join(folder, 'kustomization.yaml'))
  const unknown = Object.keys(kustomization).find((field) => !FIELDS.has(field))
  if (unknown !== undefined)
    throw new Error(`${folder}/kustomization.yaml: ${unknown} is not a field that this check knows`)
  const resources = textsAt(kustomization, 'resources')
  const own = resources.flatMap((path) =>
    path.endsWith('.yaml') ? readYaml(read, join(folder, path)) : build(read, join(folder, path)),
  )
  const loaded = textsAt(kustomization, 'components').reduce<readonly Mapping[]>(
    (all, path) => build(read, join(folder, path), all),
    [...base, ...own],
  )
  const patched = listAt(kustomization, 'patches').reduce<readonly Mapping[]>(
    (all, patch) => applyPatch(read, folder, all, patch),
    loaded,
  )
  return listAt(kustomization, 'configMapGenerator').reduce<readonly Mapping[]>(
    (all, generator) => applyGenerator(read, folder, all, generator),
    patched,
  )
}

/** Lists the files that a kustomization, and the kustomizations that it includes, name. */
export function filesOf(read: ReadText, folder: string): readonly string[] {
  const path = join(folder, 'kustomization.yaml')
  const [kustomization] = readYaml(read, path)
  const generated = listAt(kustomization, 'configMapGenerator').flatMap((entry) =>
    textsAt(entry, 'envs').concat(textsAt(entry, 'files')),
  )
  const named = [
    ...textsAt(kustomization, 'resources'),
    ...textsAt(kustomization, 'components'),
    ...listAt(kustomization, 'patches').map((patch) => textAt(patch, 'path')),
    ...generated,
  ].map((name) => join(folder, name))
  return [path, ...named.flatMap((name) => (/\.\w+$/.test(name) ? [name] : filesOf(read, name)))]
}

function applyPatch(read: ReadText, folder: string, all: readonly Mapping[], patch: Json): readonly Mapping[] {
  const [content = {}] = readYaml(read, join(folder, textAt(patch, 'path')))
  const [label = '', value] = textAt(patch, 'target.labelSelector').split('=')
  const isTarget = (resource: Mapping) =>
    resource.kind === textAt(patch, 'target.kind') && mappingAt(resource, 'metadata.labels')[label] === value
  if (!all.some(isTarget)) throw new Error(`${folder}: the patch ${textAt(patch, 'path')} has no target`)
  // The patch must not rename its target.
  const { metadata: _, ...change } = content
  return all.map((resource) => (isTarget(resource) ? merge(resource, change) : resource) as Mapping)
}

/** Makes a strategic merge: mappings field by field, lists of mappings by their key, and everything else replaced. */
function merge(base: Json | undefined, change: Json): Json {
  if (isMapping(base) && isMapping(change)) {
    const changed = Object.entries(change).map(([field, value]) => [field, merge(base[field], value)] as const)
    return { ...base, ...Object.fromEntries(changed) }
  }
  if (!Array.isArray(base) || !Array.isArray(change)) return change
  const key = MERGE_KEYS.find((name) => [...base, ...change].every((entry) => textAt(entry, name) !== ''))
  if (key === undefined) return change
  const idOf = (entry: Json) => textAt(entry, key)
  const merged = new Map(base.map((entry: Json) => [idOf(entry), entry]))
  for (const entry of change as Json[]) merged.set(idOf(entry), merge(merged.get(idOf(entry)), entry))
  return [...merged.values()]
}

function applyGenerator(read: ReadText, folder: string, all: readonly Mapping[], generator: Json): readonly Mapping[] {
  const name = textAt(generator, 'name')
  const lines = [
    ...textsAt(generator, 'envs').flatMap((file) => read(join(folder, file)).split('\n')),
    ...textsAt(generator, 'literals'),
  ].filter((line) => line !== '' && !line.startsWith('#'))
  const data = Object.fromEntries([
    ...lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
    ...textsAt(generator, 'files').map((file) => [file, read(join(folder, file))] as const),
  ])
  const isMerge = textAt(generator, 'behavior') === 'merge'
  const isSame = (resource: Mapping) => resource.kind === 'ConfigMap' && textAt(resource, 'metadata.name') === name
  if (isMerge !== all.some(isSame))
    throw new Error(`${folder}: ${name} ${isMerge ? 'does not exist' : 'exists already'}`)
  if (!isMerge) return [...all, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }]
  return all.map((resource) => (isSame(resource) ? (merge(resource, { data }) as Mapping) : resource))
}
