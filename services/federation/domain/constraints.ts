import { isJsonObject } from '@auth4agent/core/encoding/strict-json'

/** What a superior allows its subject and everybody below it (OpenID Federation 1.0 section 6.2). */
export interface Constraints {
  /** The largest number of intermediates between the superior and the subject of the chain. */
  readonly maxPathLength: number | undefined
  /** Undefined permits every name that is not excluded. */
  readonly permitted: readonly string[] | undefined
  readonly excluded: readonly string[]
  /** Undefined allows every entity type. `federation_entity` is always allowed. */
  readonly allowedEntityTypes: readonly string[] | undefined
}

export const FEDERATION_ENTITY = 'federation_entity'

/** A host, or a domain with a period in front (RFC 5280 section 4.2.1.10), as A-labels. */
const NAME = /^\.?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const IP_ADDRESS = /^(?:\[.*\]|[\d.]+)$/

/**
 * Reads the claim `constraints`. It ignores unknown members, as section 6.2 demands.
 *
 * @returns the constraints, or what would be right.
 */
export function readConstraints(json: unknown): Constraints | string {
  if (!isJsonObject(json)) return 'constraints must be an object'
  const { max_path_length: length, naming_constraints: naming = {}, allowed_entity_types: types } = json
  const maxPathLength = typeof length === 'number' && Number.isSafeInteger(length) && length >= 0 ? length : undefined
  if (length !== undefined && maxPathLength === undefined) return 'max_path_length must be an integer of at least 0'
  if (!isJsonObject(naming)) return 'naming_constraints must be an object'
  const [permitted, excluded] = [readNames(naming['permitted']), readNames(naming['excluded'])]
  if (permitted === 'malformed' || excluded === 'malformed') {
    return 'permitted and excluded must be lists of hosts, or of domains with a period in front'
  }
  if (types !== undefined && (!isTextList(types) || types.includes(FEDERATION_ENTITY))) {
    return 'allowed_entity_types must be a list of entity types without federation_entity'
  }
  return { maxPathLength, permitted, excluded: excluded ?? [], allowedEntityTypes: types }
}

function readNames(json: unknown): readonly string[] | undefined | 'malformed' {
  if (json === undefined) return undefined
  const names = isTextList(json) ? json.map((name) => name.toLowerCase()) : ['']
  return names.every((name) => NAME.test(name)) ? names : 'malformed'
}

function isTextList(json: unknown): json is readonly string[] {
  return Array.isArray(json) && json.every((entry) => typeof entry === 'string')
}

/**
 * Returns why the naming constraints of a superior refuse an entity (section 6.2.2). They apply to the host of its
 * identifier. They admit no IP address, because an address has no domain (RFC 5280 section 4.2.1.10).
 */
export function nameFault(
  { permitted, excluded }: Constraints,
  entityId: string,
): 'NAME_NOT_PERMITTED' | 'NAME_EXCLUDED' | undefined {
  const { hostname } = new URL(entityId)
  const isAddress = IP_ADDRESS.test(hostname)
  if (excluded.some((name) => isAddress || matches(hostname, name))) return 'NAME_EXCLUDED'
  const isPermitted = permitted === undefined || (!isAddress && permitted.some((name) => matches(hostname, name)))
  return isPermitted ? undefined : 'NAME_NOT_PERMITTED'
}

/** A name with a period in front is matched by hosts below the domain, but not by the domain itself. */
function matches(hostname: string, name: string): boolean {
  return name.startsWith('.') ? hostname.endsWith(name) : hostname === name
}
