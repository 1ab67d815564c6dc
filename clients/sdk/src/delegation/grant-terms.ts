import type { Capabilities } from '@auth4agent/core/delegation/constraint'
import { MAX_DEPTH, MAX_GRANT_TTL_S } from '@auth4agent/core/delegation/grant-types'
import { DETAIL_TYPE, formatCapabilities, parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { parseDuration } from '@auth4agent/core/encoding/duration'
import type { GrantCapabilities, GrantOptions } from './agent-grant-calls.ts'
import { refusedGrant } from './refused-grant.ts'

/** The terms of a grant in the form of the protocol. */
export interface GrantTerms {
  readonly capabilities: Capabilities
  /** Seconds. */
  readonly ttl: number
  readonly depth: number
}

/**
 * Reads the terms of a grant. Throws Auth4AgentError for capabilities that every verifier refuses, and TypeError for
 * another wrong term.
 */
export function readGrantTerms({ capabilities, expires, depth }: GrantOptions, usualDepth: number): GrantTerms {
  const ttl = parseDuration(String(expires))
  if (ttl === undefined || ttl < 1 || ttl > MAX_GRANT_TTL_S)
    throw new TypeError(`expires must be a duration of at most 1h, such as 10m, not ${JSON.stringify(expires)}`)
  const wanted = depth ?? usualDepth
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > MAX_DEPTH)
    throw new TypeError(`depth must be a whole number from 0 to ${MAX_DEPTH}, not ${JSON.stringify(depth)}`)
  return { capabilities: readCapabilities(capabilities), ttl, depth: wanted }
}

/** Returns the text of `authorization_details` for capabilities. */
export function detailsText(capabilities: Capabilities): string {
  return JSON.stringify(formatCapabilities(capabilities))
}

/** Reads capabilities. Throws Auth4AgentError for capabilities that every verifier refuses. */
export function readCapabilities(tools: GrantCapabilities): Capabilities {
  const read = parseCapabilities([{ type: DETAIL_TYPE, tools }])
  if (!read.ok) throw refusedGrant(read)
  return read.value
}
