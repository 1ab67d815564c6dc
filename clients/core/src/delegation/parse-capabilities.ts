import { isPlainObject } from '../encoding/json-value.ts'
import { parseAudience } from '../token/audience.ts'
import { parseScopeList } from '../token/scope.ts'
import { type ArgumentConstraint, type ArgumentMap, type Capabilities, isUnconstrained, UNNAMED } from './constraint.ts'
import { readConstraint } from './read-constraint.ts'
import { type GrantRefusal, refuseGrant } from './refusal.ts'

/** The only `type` of an entry of a grant's `authorization_details`. */
export const DETAIL_TYPE = 'attenuating_agent_token'

/** The most capabilities of a grant. */
export const MAX_CAPABILITIES = 32
const MAX_ARGUMENTS = 16
const MAX_NAME_LENGTH = 128
/** The arguments of a capability that has no constraints; `{}` on the wire. */
export const UNCONSTRAINED: ArgumentMap = new Map([
  [UNNAMED, { constraint: { constraint_type: 'wildcard' }, optional: false }],
])

type Result<T> = { readonly ok: true; readonly value: T } | GrantRefusal

/**
 * Reads the claim `authorization_details` of a grant: exactly one entry of the draft's type, with at most 32
 * capabilities. Each has at most 16 arguments, whose constraints nest at most 4 levels and list at most 64 values.
 *
 * @param details a value from strict JSON with canonical numbers.
 * @example
 * ```ts
 * import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
 *
 * const tools = { 'https://pay.acme.test#pay': { amount: { constraint_type: 'range', max: 500 } } }
 * parseCapabilities([{ type: 'attenuating_agent_token', tools }]).ok // true
 * ```
 */
export function parseCapabilities(details: unknown): Result<Capabilities> {
  if (!Array.isArray(details)) return malformed('authorization_details must be a list of exactly one entry')
  const entry: unknown = details[0]
  if (!isPlainObject(entry)) return malformed('the entry of authorization_details must be an object')
  if (details.length > 1 || entry['type'] !== DETAIL_TYPE) {
    return refuseGrant(
      'UNKNOWN_DETAIL_TYPE',
      `authorization_details must have only one entry, of the type ${DETAIL_TYPE}`,
    )
  }
  const { tools } = entry
  if (!isPlainObject(tools) || Object.keys(entry).length !== 2) {
    return malformed('the entry of authorization_details must have exactly type and tools, an object')
  }
  return parseTools(Object.entries(tools))
}

function parseTools(tools: readonly (readonly [string, unknown])[]): Result<Capabilities> {
  if (tools.length === 0 || tools.length > MAX_CAPABILITIES) {
    return malformed(`a grant must have 1 to ${MAX_CAPABILITIES} capabilities`)
  }
  const capabilities = new Map<string, ArgumentMap>()
  for (const [capability, value] of tools) {
    if (!isCapability(capability)) {
      return malformed('a capability must be an audience and one scope-token with a # between them')
    }
    const read = parseArguments(value)
    if (!read.ok) return { ...read, rule: `in ${JSON.stringify(capability)}, ${read.rule}` }
    capabilities.set(capability, read.value)
  }
  return { ok: true, value: capabilities }
}

/**
 * Tells whether a text is a capability: an audience, `#`, and a scope-token. An audience has no `#`, so the first one
 * ends it.
 *
 * @example
 * ```ts
 * import { isCapability } from '@auth4agent/core/delegation/parse-capabilities'
 *
 * isCapability('https://api.acme.test#orders:read') // true
 * ```
 */
export function isCapability(text: string): boolean {
  const at = text.indexOf('#')
  return at >= 0 && parseAudience(text.slice(0, at)) !== undefined && parseScopeList([text.slice(at + 1)]) !== undefined
}

function parseArguments(value: unknown): Result<ArgumentMap> {
  if (!isPlainObject(value)) return malformed('the arguments must be an object')
  const entries = Object.entries(value)
  if (entries.length === 0) return { ok: true, value: UNCONSTRAINED }
  if (entries.filter(([name]) => name !== UNNAMED).length > MAX_ARGUMENTS) {
    return malformed(`at most ${MAX_ARGUMENTS} arguments must have names`)
  }
  const map = new Map<string, ArgumentConstraint>()
  for (const [name, entry] of entries) {
    if (name === '' || name.length > MAX_NAME_LENGTH || !name.isWellFormed()) {
      return malformed(`the name of an argument must be 1 to ${MAX_NAME_LENGTH} characters of valid Unicode text`)
    }
    const read = parseArgument(name, entry)
    if (!read.ok) return { ...read, rule: `the constraint of ${JSON.stringify(name)} must ${read.rule}` }
    map.set(name, read.value)
  }
  return { ok: true, value: map }
}

function parseArgument(name: string, entry: unknown): Result<ArgumentConstraint> {
  if (!isPlainObject(entry)) return refuseGrant('MALFORMED_CONSTRAINT', 'be an object')
  const { optional = false, ...members } = entry
  if (typeof optional !== 'boolean') return refuseGrant('MALFORMED_CONSTRAINT', 'have a boolean as optional')
  const read = readConstraint(members)
  if (!read.ok) return read
  const { value: constraint } = read
  if (name === UNNAMED && (constraint.constraint_type !== 'wildcard' || Object.hasOwn(entry, 'optional'))) {
    return refuseGrant('MALFORMED_CONSTRAINT', 'be a wildcard without optional')
  }
  return { ok: true, value: { constraint, optional } }
}

/**
 * Returns the claim `authorization_details` of capabilities.
 *
 * @throws TypeError if a capability has no arguments and not `*` either. The wire has no form for this: `{}` would
 *   allow every argument.
 * @example
 * ```ts
 * import { formatCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
 *
 * const claims = { authorization_details: formatCapabilities(capabilities) }
 * ```
 */
export function formatCapabilities(capabilities: Capabilities): unknown {
  const tools = Object.fromEntries(
    Array.from(capabilities, ([capability, map]) => [capability, isUnconstrained(map) ? {} : formatArguments(map)]),
  )
  return [{ type: DETAIL_TYPE, tools }]
}

function formatArguments(map: ArgumentMap): unknown {
  if (map.size === 0) throw new TypeError('A capability must have an argument or "*"')
  return Object.fromEntries(
    Array.from(map, ([name, { constraint, optional }]) => [name, optional ? { ...constraint, optional } : constraint]),
  )
}

function malformed(rule: string): GrantRefusal {
  return refuseGrant('MALFORMED_GRANT', rule)
}
