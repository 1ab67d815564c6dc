import { ANY_ACTOR } from '@auth4agent/core/delegation/check-holders'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { parseDid } from '@auth4agent/core/identity/did'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type PresentedToolCall, readToolCall } from './presented-tool-call.ts'
import { type Demands, WANTED_NAMES, type Wanted } from './wanted.ts'

/**
 * The arguments of a call: a plain object with JSON values. Members that are undefined are left out. Undefined if they
 * are not known.
 */
export type Arguments = JsonObject | undefined

/** The requirements of one call with a chain of grants or a delegated token, in addition to those of the verifier. */
export interface WantedOfChain extends Wanted {
  /**
   * Scopes, separated by spaces. Every grant of the chain, or the token, must allow all of them at an audience of this
   * service.
   */
  readonly scope: string
  /**
   * Returns the arguments of the call, to which the constraints in the grants apply. It must return every argument on
   * which the service acts, with the value on which it acts. It is called after signatures and proof were checked.
   * Without arguments, a scope with constraints is refused.
   */
  readonly arguments?: () => Arguments | Promise<Arguments>
  /**
   * The domains whose agents may hold a grant of the chain, or be a party of the token, the first one too. By default,
   * the agents of the `operators` of the verifier. 'any' accepts all that the grants allow, so the owners of the
   * authority choose who else uses this service.
   */
  readonly actors?: readonly string[] | 'any'
  /**
   * The tool that is called, and the call proof. For a service whose tools have one URL, such as an MCP server: a DPoP
   * proof is the same for all of them. Every grant must also allow the scope that has the name of the tool.
   */
  readonly toolCall?: PresentedToolCall
}

const NAMES: Names<WantedOfChain> = { ...WANTED_NAMES, arguments: true, actors: true, toolCall: true }
const MAX_ACTORS = 64

/** What a verification demands of a chain of any issuer. */
export interface ChainDemands extends Demands {
  readonly readArguments: WantedOfChain['arguments'] | undefined
  /** As in HolderDemands. */
  readonly actors: readonly string[]
  readonly toolCall: PresentedToolCall | undefined
}

/**
 * Turns the options of a call with a chain into demands. `toDemands` reads the options that all calls have. Throws
 * TypeError for invalid options, and without a scope: then no constraint of the chain would be checked.
 */
export function readChainDemands(wanted: WantedOfChain, toDemands: (wanted: Wanted) => Demands): ChainDemands {
  refuseUnknownNames('option', wanted, NAMES)
  const { arguments: readArguments, actors, toolCall: called, ...common } = wanted
  if (!('scope' in common)) throw new TypeError('scope is needed to accept delegated authority')
  if ('arguments' in wanted && typeof readArguments !== 'function')
    throw new TypeError('arguments must be a function that returns the arguments of the call')
  const demands = toDemands(common)
  const toolCall = 'toolCall' in wanted ? readToolCall(called) : undefined
  // The caller chooses the name of the tool, so it may be no scope-token. Then no grant has it.
  const scope = toolCall === undefined ? demands.scope : [...demands.scope, toolCall.tool]
  return { ...demands, scope, readArguments, actors: 'actors' in wanted ? readActors(actors) : [], toolCall }
}

/** Returns whether a text is a domain in the form in which DIDs have it. */
export function isDomain(text: string): boolean {
  return parseDid(`did:agent:${text}:${'0'.repeat(32)}`) !== undefined
}

function readActors(value: unknown): readonly string[] {
  if (value === 'any') return [ANY_ACTOR]
  const given: readonly unknown[] = Array.isArray(value) ? value : []
  const domains = given.filter((text): text is string => typeof text === 'string' && isDomain(text))
  if (domains.length > 0 && domains.length === given.length && domains.length <= MAX_ACTORS) return domains
  throw new TypeError(`actors must be a list of 1 to ${MAX_ACTORS} domains in lower case, or 'any'`)
}
