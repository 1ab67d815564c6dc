import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { findForbiddenPair, OPERATOR_NAMES, OPERATORS, type ParameterPolicy } from './policy-operators.ts'
import { type FederationRefusal, quote, refuse } from './refusal.ts'

/** Metadata by entity type identifier, such as `oauth_authorization_server`. */
export type Metadata = ReadonlyMap<string, JsonObject>

/** The policies for the parameters of one entity type, by the names of the parameters. */
type TypePolicy = ReadonlyMap<string, ParameterPolicy>

/** A metadata policy (OpenID Federation 1.0 section 6.1.2), by entity type identifier. */
export type MetadataPolicy = ReadonlyMap<string, TypePolicy>

type PolicyResult = { readonly ok: true; readonly policy: MetadataPolicy } | FederationRefusal
type MetadataResult = { readonly ok: true; readonly metadata: Metadata } | FederationRefusal

/** OAuth writes this parameter as one text, but the operators treat it as a list (section 6.1.3.1.8). */
const SCOPE = 'scope'

/**
 * Reads the claim `metadata_policy` of one statement. It ignores operators that the specification does not define, as
 * section 6.1.3.2 demands; {@link checkCriticalOperators} refuses them where they are critical. The text of the
 * statement must have been parsed strictly, because duplicate members are not visible here.
 */
export function readMetadataPolicy(json: unknown): PolicyResult {
  if (!isJsonObject(json)) return refuse('POLICY_MALFORMED', 'metadata_policy must be an object')
  const policy = new Map<string, TypePolicy>()
  for (const [type, parameters] of Object.entries(json)) {
    if (!isJsonObject(parameters)) {
      return refuse('POLICY_MALFORMED', `The metadata policy for ${quote(type)} must be an object`)
    }
    const read = new Map<string, ParameterPolicy>()
    for (const [name, operators] of Object.entries(parameters)) {
      const result = readParameterPolicy(type, name, operators)
      if ('ok' in result) return result
      read.set(name, result.parameter)
    }
    policy.set(type, read)
  }
  return { ok: true, policy }
}

function readParameterPolicy(
  type: string,
  name: string,
  json: unknown,
): { readonly parameter: ParameterPolicy } | FederationRefusal {
  if (!isJsonObject(json)) {
    return refuse('POLICY_MALFORMED', `The metadata policy for ${place(type, name)} must be an object`)
  }
  const known = OPERATOR_NAMES.filter((operator) => Object.hasOwn(json, operator))
  const parameter = Object.fromEntries(known.map((operator) => [operator, normalised(name, json[operator])]))
  for (const operator of known) {
    const objection = OPERATORS[operator].objection(parameter[operator])
    if (objection !== undefined) {
      return refuse('POLICY_MALFORMED', `${operator} for ${place(type, name)} ${objection}`)
    }
  }
  return checkCombinations(type, name, parameter) ?? { parameter }
}

/**
 * Checks the claim `metadata_policy_crit`, which must only name operators that the specification does not define
 * (section 3.1.3). This version knows no such operator, so it refuses every list.
 */
export function checkCriticalOperators(json: unknown): FederationRefusal | undefined {
  if (json === undefined) return undefined
  const names: readonly unknown[] = Array.isArray(json) ? json : []
  if (!isNameList(names)) {
    return refuse('POLICY_MALFORMED', 'metadata_policy_crit must be a list of at least one operator name')
  }
  const standard = OPERATOR_NAMES.find((known) => names.includes(known))
  return standard === undefined
    ? refuse('POLICY_CRIT_UNKNOWN', `The critical policy operator ${quote(names[0])} is unknown`)
    : refuse('POLICY_MALFORMED', `metadata_policy_crit must not name the standard operator ${standard}`)
}

function isNameList(list: readonly unknown[]): list is readonly [string, ...string[]] {
  return list.length > 0 && list.every((name) => typeof name === 'string')
}

/**
 * Merges the policy of a subordinate into the policy of its superiors (section 6.1.4.1). The result is at least as
 * strict as both. A conflict is a refusal.
 */
export function mergeMetadataPolicies(superior: MetadataPolicy, subordinate: MetadataPolicy): PolicyResult {
  const policy = new Map(superior)
  for (const [type, parameters] of subordinate) {
    const merged = new Map(policy.get(type))
    for (const [name, parameter] of parameters) {
      const result = mergeParameterPolicies(type, name, merged.get(name) ?? {}, parameter)
      if ('ok' in result) return result
      merged.set(name, result.parameter)
    }
    policy.set(type, merged)
  }
  return { ok: true, policy }
}

function mergeParameterPolicies(
  type: string,
  name: string,
  superior: ParameterPolicy,
  subordinate: ParameterPolicy,
): { readonly parameter: ParameterPolicy } | FederationRefusal {
  const merged: Record<string, unknown> = { ...superior }
  for (const operator of OPERATOR_NAMES) {
    const [upper, lower] = [superior[operator], subordinate[operator]]
    if (lower === undefined) continue
    const operand = upper === undefined ? lower : OPERATORS[operator].merge(upper, lower)
    if (operand === undefined) {
      const text = `A subordinate's ${operator} for ${place(type, name)} conflicts with the one of its superior`
      return refuse('POLICY_CONFLICT', text)
    }
    merged[operator] = operand
  }
  return checkCombinations(type, name, merged) ?? { parameter: merged }
}

function checkCombinations(type: string, name: string, policy: ParameterPolicy): FederationRefusal | undefined {
  const rule = findForbiddenPair(policy)
  return rule === undefined ? undefined : refuse('POLICY_COMBINATION', `For ${place(type, name)}, ${rule}`)
}

/**
 * Applies the merged policy of a chain to the metadata of its subject (section 6.1.4.2). A policy for an entity type
 * that the subject does not have has no effect.
 */
export function applyMetadataPolicy(policy: MetadataPolicy, metadata: Metadata): MetadataResult {
  const resolved = new Map(metadata)
  for (const [type, parameters] of policy) {
    const before = metadata.get(type)
    if (before === undefined) continue
    const after = new Map(Object.entries(before))
    for (const [name, parameter] of parameters) {
      const result = applyParameterPolicy(type, name, parameter, after.get(name))
      if ('ok' in result) return result
      if (result.value === undefined) after.delete(name)
      else after.set(name, result.value)
    }
    resolved.set(type, Object.fromEntries(after))
  }
  return { ok: true, metadata: resolved }
}

function applyParameterPolicy(
  type: string,
  name: string,
  policy: ParameterPolicy,
  before: unknown,
): { readonly value: unknown } | FederationRefusal {
  let value = normalised(name, before)
  for (const operator of OPERATOR_NAMES) {
    const operand = policy[operator]
    if (operand === undefined) continue
    const { takes, change, check } = OPERATORS[operator]
    if (value !== undefined && !takes(value)) {
      return refuse('METADATA_REFUSED', `${operator} cannot be applied to the value of ${place(type, name)}`)
    }
    if (change !== undefined) value = change(value, operand)
    if (check?.holds(value, operand) === false) {
      return refuse('METADATA_REFUSED', `${place(type, name)} ${check.demand}`)
    }
  }
  return { value: name === SCOPE && Array.isArray(value) ? value.join(' ') : value }
}

/** Turns the text of a scope parameter into a list. Leaves other values as they are. */
function normalised(name: string, value: unknown): unknown {
  return name === SCOPE && typeof value === 'string' ? value.split(' ').filter((word) => word !== '') : value
}

function place(type: string, name: string): string {
  return `${quote(type)} ${quote(name)}`
}
