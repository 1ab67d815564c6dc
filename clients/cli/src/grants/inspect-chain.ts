import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { type ChainRefusal, grantRefusals } from '@auth4agent/core/delegation/refusal'
import { verdicts } from '@auth4agent/core/token/verdicts'
import { createTransport, openCalls } from '@auth4agent/sdk'
import { readAgentConfig, readOperatorConfig } from '@auth4agent/sdk/node'
import { serverFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { finderOf } from '../offline.ts'
import { chooseServer, type ServerChoice } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { type Compared, comparedValues } from './compared-values.ts'
import { readGrantFile } from './grant-file.ts'
import { ANY_ISSUER_KEY, checkHopTimes, namedIssuer, readChain } from './read-chain.ts'
import { refusalAdvice } from './refusal-advice.ts'

/** Why a chain is refused, for people and programs. */
export interface Finding {
  readonly reason: string
  /** The place of the refused grant, 0 for the root; undefined for the chain as a whole. */
  readonly hop: number | undefined
  /** What the reason means. */
  readonly means: string
  /** What is required; undefined if the server has refused the chain. */
  readonly rule: string | undefined
  /** The values that the rule compares, as far as they are known. */
  readonly compared?: Compared
  readonly advice: string | undefined
}

/** What is known about a chain. */
export interface Inspection {
  readonly text: string
  readonly issuer: string
  /** The genuine grants, root first. */
  readonly hops: readonly Hop[]
  readonly size: number
  /** Undefined if the chain is valid. */
  readonly finding: Finding | undefined
  /** Address of the server that was asked for keys of signatures and for revocations; undefined if none was asked. */
  readonly server: string | undefined
}

/** A part of the help of commands that inspect a chain. */
export const SERVER_USE =
  'With a configured server, the command checks the signatures with the keys of the server, and asks it for revocations. Otherwise it checks the rules, and the signatures of the agents.'

/** Flags of commands that inspect a chain. */
export const inspectFlags = {
  ...serverFlags,
  offline: { ...shared.offline, more: 'check neither its signatures nor revocations' },
} as const

/** The argument that names the file of a chain. */
export const grantArgument = { name: 'FILE', help: 'the file of a chain of grants; - for standard input' } as const

/**
 * Verifies a chain, by default that of the file. With a configured server, it uses the keys of the server, and asks it
 * for revocations.
 */
export async function inspectChain(context: Context<typeof inspectFlags>, given?: string): Promise<Inspection> {
  const text = given ?? (await readGrantFile(context))
  const choice = await serverFor(context)
  const issuer = choice?.issuer ?? choice?.server ?? context.flags.text('issuer') ?? namedIssuer(text)
  const keys =
    choice === undefined
      ? ANY_ISSUER_KEY
      : finderOf(await context.progress('fetching the keys', jwksOf(choice, context)))
  const nowS = context.now() / 1000
  const { hops, size, refusal } = await readChain(text, { issuer, keys, nowS })
  const about = { text, issuer, hops, size, server: choice?.server }
  if (refusal !== undefined)
    return { ...about, finding: explainRefusal(refusal, comparedValues(refusal, text, hops, nowS)) }
  const finding = choice && (await context.progress('asking the server', findRevoked(text, choice, context)))
  return { ...about, finding }
}

/** Explains a refusal by the rules of grants. */
export function explainRefusal({ reason, rule, hop }: ChainRefusal, compared: Compared): Finding {
  return { reason, hop, rule, compared, means: grantRefusals[reason], advice: refusalAdvice[reason] }
}

/** Returns the state of each grant of the text, root first. */
export function statesOf({ hops, size, finding }: Inspection, nowS: number): readonly string[] {
  return Array.from({ length: Math.max(size, hops.length) }, (_, at) => {
    if (finding !== undefined && (finding.hop === undefined || finding.hop === at)) return finding.reason
    const hop = hops[at]
    const late = hop && checkHopTimes(hop, nowS)
    if (late !== undefined) return late.reason
    if (finding?.hop === undefined || at < finding.hop) return 'valid'
    return hop === undefined ? 'not checked' : `ends with grant ${finding.hop}`
  })
}

/** Returns the server to ask; undefined with --offline, and if no server is configured. */
export async function serverFor(context: Context<typeof inspectFlags>): Promise<ServerChoice | undefined> {
  const { flags, folder } = context
  if (flags.on('offline')) return undefined
  if (flags.text('server') !== undefined) return chooseServer(context)
  const config = (await readAgentConfig(folder)) ?? (await readOperatorConfig(folder))
  return (config?.server_url ?? '') === '' ? undefined : chooseServer(context)
}

/** Fetches the published keys of a server. */
export function jwksOf({ server }: ServerChoice, { fetch, signal }: Context<typeof inspectFlags>): Promise<unknown> {
  return createTransport({ server, fetch })({ method: 'GET', path: '/.well-known/jwks.json', signal })
}

/** Asks the server whether a chain or a delegated token is in force. */
export async function findRevoked(
  text: string,
  { server }: ServerChoice,
  { fetch }: Context<typeof inspectFlags>,
): Promise<Finding | undefined> {
  const { valid, reason, hop } = await openCalls({ server, fetch }).verifyToken(text, { delegation: 'inspect' })
  return valid ? undefined : refusedByServer(reason ?? 'REFUSED', hop ?? undefined)
}

/** Explains that the server refuses what the rules of grants allow. */
export function refusedByServer(reason: string, hop: number | undefined): Finding {
  const advice = 'The grant and everything derived from it have ended for good. Ask for a new grant.'
  return { reason, hop, rule: undefined, means: meaningOf(reason), advice }
}

/** Returns what a reason means, for people. */
export function meaningOf(reason: string): string {
  const known: Readonly<Record<string, string>> = { ...verdicts, ...grantRefusals }
  return known[reason] ?? 'The server refuses the chain'
}
