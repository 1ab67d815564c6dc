import { readArguments } from '@auth4agent/core/delegation/call-arguments'
import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { isCapability } from '@auth4agent/core/delegation/parse-capabilities'
import { checkCall } from '@auth4agent/core/delegation/permits'
import { type JsonObject, parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import { usageError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import type { Compared } from './compared-values.ts'
import { argumentsText } from './constraint-text.ts'
import { explainRefusal, type Finding, type Inspection } from './inspect-chain.ts'

/** Flags that describe a call with a chain. */
export const callFlags = {
  capability: { kind: 'text', value: 'CAPABILITY', help: 'the capability that a call needs: AUDIENCE#SCOPE' },
  arguments: { kind: 'text', value: 'JSON', help: 'with --capability: the arguments of the call, a JSON object' },
} as const

/** A call that needs one capability. */
export interface GivenCall {
  readonly capability: string
  /** Undefined if they are not known. */
  readonly args: JsonObject | undefined
}

/** Reads the call of the command line; undefined if there is none. Throws CliError. */
export function readGivenCall({ flags }: Pick<Context<typeof callFlags>, 'flags'>): GivenCall | undefined {
  const [capability, text] = [flags.text('capability'), flags.text('arguments')]
  if (capability === undefined) {
    if (text !== undefined) throw usageError('--arguments must come with --capability')
    return undefined
  }
  if (!isCapability(capability)) {
    throw usageError(
      '--capability must be an audience and a scope',
      "For example: 'https://api.example.com#orders:read'",
    )
  }
  if (text === undefined) return { capability, args: undefined }
  const json = parseStrictJsonText(text)
  if (!json.ok) throw usageError('--arguments must be a JSON object', `For example: '{"amount":100}'`)
  return { capability, args: json.value }
}

/** Checks a call against every grant of a valid chain. Returns why it is refused. */
export function checkGivenCall({ hops }: Inspection, call: GivenCall): Finding | undefined {
  const read = readArguments(call.args)
  const refusal = read.ok
    ? checkCall(
        hops.map((hop) => hop.capabilities),
        call.capability,
        read.args,
      )
    : read
  return (
    refusal && explainRefusal(refusal, comparedCall(call, refusal.hop === undefined ? undefined : hops[refusal.hop]))
  )
}

function comparedCall({ capability, args }: GivenCall, hop: Hop | undefined): Compared {
  if (hop === undefined) return {}
  const map = hop.capabilities.get(capability)
  if (map === undefined) return { call: capability, allowed: [...hop.capabilities.keys()].join(', ') }
  const call = args === undefined ? 'arguments that are not known' : `the arguments ${JSON.stringify(args)}`
  return { call, allowed: `${capability} ${argumentsText(map)}` }
}
