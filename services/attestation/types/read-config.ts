import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { ApiError } from '../../platform/errors/api-error.ts'

const MAX_TEXT = 1_024

/** Says that a member of the configuration is wrong. `demand` continues the name of the member. */
export function invalidConfig(member: string, demand: string): ApiError {
  return new ApiError('INVALID_ATTESTOR', `config.${member} ${demand}`)
}

/**
 * Refuses members that the type does not know: a misspelt limit would limit nothing.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function checkMembers(config: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(config).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new ApiError('INVALID_ATTESTOR', `config must not have a member ${JSON.stringify(unknown).slice(0, 66)}`)
}

/**
 * Reads a text of 1 to 1,024 characters; undefined if the member is absent.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function readText(config: JsonObject, member: string): string | undefined {
  const value = memberOf(config, member)
  if (value === undefined || isText(value)) return value
  throw invalidConfig(member, `must be a text of 1 to ${MAX_TEXT} characters`)
}

/**
 * Reads a list of 1 to `max` different texts; undefined if the member is absent.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function readTexts(config: JsonObject, member: string, max: number): readonly string[] | undefined {
  const value = memberOf(config, member)
  if (value === undefined) return undefined
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  const texts = list.filter(isText)
  const isRight = texts.length === list.length && list.length >= 1 && list.length <= max
  if (isRight && new Set(texts).size === texts.length) return texts
  throw invalidConfig(member, `must be a list of 1 to ${max} different texts`)
}

/**
 * Reads a list of different names of `choices`; undefined if the member is absent.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function readChoices<Choice extends string>(
  config: JsonObject,
  member: string,
  choices: readonly Choice[],
): readonly Choice[] | undefined {
  const texts = readTexts(config, member, choices.length)
  const chosen = texts && choices.filter((choice) => texts.includes(choice))
  if (chosen?.length === texts?.length) return chosen
  throw invalidConfig(member, `must be a list of: ${choices.join(', ')}`)
}

/**
 * Reads a whole number of seconds between 1 and `max`; undefined if the member is absent.
 *
 * @returns milliseconds
 * @throws ApiError INVALID_ATTESTOR
 */
export function readSeconds(config: JsonObject, member: string, max: number): number | undefined {
  const value = memberOf(config, member)
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value * 1_000
  throw invalidConfig(member, `must be a whole number of seconds between 1 and ${max}`)
}

function memberOf(config: JsonObject, member: string): unknown {
  return Object.hasOwn(config, member) ? config[member] : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT
}
