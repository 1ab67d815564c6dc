import { openCalls } from '@auth4agent/sdk'
import { type AgentConfig, type OperatorConfig, readAgentConfig, readOperatorConfig } from '@auth4agent/sdk/node'
import { configurationError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Base } from '../context.ts'
import { FROZEN } from '../frozen.ts'
import { EXPIRY_CURE, expiryWarning } from '../key-expiry.ts'
import { keysText } from '../key-log-text.ts'
import { type OperatorView, viewKey } from '../own-key-state.ts'
import { chosenKeyName, loadOwnKey, teamOptions } from '../own-keys.ts'
import { makeOperator } from '../parties.ts'
import { checkConfigured } from '../server-address.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'
import { writeTime } from '../times.ts'

const TIMEOUT_MS = 3000

/** `whoami`: shows the agent and operator of the folder. */
export const whoami = defineCommand({
  help: [
    'Shows the agent of agent.json, or the operator of operator.json if there is no agent. --verbose and --json show both.',
    'About a registered operator it asks the server whether the operator is frozen, and which roles and expiry the key has that --as chooses. It warns of a key that expires within 14 days. With --offline or --quiet it asks no server.',
    'With --keys it asks the server for the age of the identity key, added keys, and a recovery or move that waits.',
  ],
  examples: [
    { does: 'show the agent or operator', line: 'auth4agent whoami' },
    { does: 'what a key of the operator may do', line: 'auth4agent whoami --verbose --as pipeline' },
    { does: "print only the agent's DID", line: 'auth4agent whoami --quiet' },
  ],
  flags: {
    keys: { kind: 'boolean', help: "also show the agent's keys, as `auth4agent agent-key list` does" },
    verbose: {
      kind: 'boolean',
      help: 'show both agent and operator, with their public keys and the paths of their key files',
    },
    offline: shared.offline,
  },
  async run(context) {
    const { flags, folder, answer, note, quiet, json, fetch, now } = context
    const agent = await readAgentConfig(folder)
    const operator = await readOperatorConfig(folder)
    const isAgent = agent !== undefined && agent.did !== ''
    if (!isAgent && operator === undefined) {
      throw configurationError(
        `The folder ${folder} contains neither an agent nor an operator`,
        'Create an agent: `auth4agent init --domain DOMAIN`',
      )
    }
    const verbose = flags.on('verbose')
    const isShown = operator !== undefined && (verbose || json || !isAgent)
    const team = isShown ? await askAbout(operator, context, quiet || flags.on('offline')) : undefined
    const told = operator && { ...ofOperator(operator), ...jsonOf(team) }
    const made = {
      ...(isAgent ? { mode: 'agent', ...ofAgent(agent) } : { mode: 'operator', ...told }),
      ...(isAgent && told !== undefined && { operator: told }),
      folder,
    }
    const log =
      isAgent && flags.on('keys')
        ? await openCalls({ server: checkConfigured(agent.server_url, folder), fetch }).keyEvents(agent.did)
        : undefined
    const texts = [
      ...(isAgent ? [agentText(agent, verbose)] : []),
      ...(log === undefined ? [] : [keysText(log, now() / 1000)]),
      ...(operator !== undefined && (verbose || !isAgent) ? [operatorText(operator, team, verbose)] : []),
      ...(verbose ? [`Folder: ${folder}`] : []),
    ]
    const name = isAgent ? agent.did : ((operator?.id || operator?.domain) ?? '')
    const keys = log && { kid: log.kid, next: log.next, seq: log.state?.seq, pending: log.pending }
    answer({ ...made, ...(keys && { keys }) }, texts.join('\n\n'), [name])
    for (const warning of warningsOf(team, now())) note(warning)
  },
})

/** What is known about the key that signs: its name in the folder, and what the server says. */
interface Team {
  readonly name: string
  /** Undefined if the server was not asked or did not answer. */
  readonly view: OperatorView | undefined
  readonly isAsked: boolean
}

async function askAbout(config: OperatorConfig, context: Base, isOffline: boolean): Promise<Team | undefined> {
  const { fetch, now } = context
  if (config.id === '') return undefined
  const name = chosenKeyName(config, context)
  if (isOffline || config.server_url === '') return { name, view: undefined, isAsked: false }
  try {
    const own = await loadOwnKey(config, context)
    const place = { server: config.server_url, issuer: config.issuer || undefined, operatorId: config.id }
    const options = { ...place, ...teamOptions(config), key: own.signer, fetch, now, timeoutMs: TIMEOUT_MS }
    return { name, view: await viewKey(makeOperator(options), own), isAsked: true }
  } catch {
    // A missing key or a wrong address: `auth4agent doctor` reports it.
    return { name, view: undefined, isAsked: false }
  }
}

function jsonOf(team: Team | undefined) {
  const { key, frozenAt } = team?.view ?? {}
  const known = key && {
    kid: key.kid,
    accepted: key.isKnown,
    root: key.isRoot,
    roles: key.roles,
    ...(key.exp !== undefined && { expires_at: writeTime(key.exp) }),
  }
  return {
    ...(team && { key: { label: key?.label ?? team.name, ...known } }),
    ...(team?.view && { frozen: frozenAt !== undefined, domain_verified_at: team.view.verifiedAt ?? '' }),
    ...(frozenAt !== undefined && { frozen_at: frozenAt }),
  }
}

function teamText(team: Team | undefined) {
  const { key, frozenAt } = team?.view ?? {}
  const roles = key?.isRoot ? 'all (root key)' : key?.roles.join(', ')
  return {
    'Key in use': key?.label ?? team?.name,
    Roles: key?.isKnown === false ? 'none: the server does not accept this key' : roles,
    Expires: key?.exp === undefined ? undefined : writeTime(key.exp),
    Frozen: frozenAt === undefined ? undefined : `since ${frozenAt}`,
  }
}

function warningsOf(team: Team | undefined, nowMs: number): readonly string[] {
  if (team === undefined) return []
  const { name, view, isAsked } = team
  if (view === undefined) return isAsked ? ['The server does not answer, so the state of the key is not known.'] : []
  const { frozenAt, key } = view
  const expiring = key?.exp === undefined ? undefined : expiryWarning(key.label, key.exp, nowMs / 1000)
  return [
    ...(frozenAt === undefined ? [] : [FROZEN]),
    ...(key?.isKnown === false
      ? [`The server does not accept the key ${name}. A holder of a root key can add it.`]
      : []),
    ...(expiring === undefined ? [] : [`${expiring}. ${EXPIRY_CURE}`]),
  ]
}

function ofAgent({ did, operator_id, server_url, public_key }: AgentConfig) {
  return { did, operator_id, server_url, public_key }
}

function ofOperator({ id, domain, server_url, root_public_key, domain_verified_at }: OperatorConfig) {
  return { id, domain, server_url, root_public_key, domain_verified_at }
}

function agentText({ did, operator_id, server_url, key, public_key }: AgentConfig, verbose: boolean): string {
  const more = verbose ? { 'Public key': public_key, Key: key.ref } : {}
  return lines({ Mode: 'Agent', DID: did, Operator: operator_id, Server: server_url, ...more })
}

function operatorText(config: OperatorConfig, team: Team | undefined, verbose: boolean): string {
  const { id, domain, domain_verified_at, server_url, key, root_public_key } = config
  const more = verbose && root_public_key !== '' ? { 'Public key': root_public_key, Key: key.ref } : {}
  // Another folder may have proven the domain, so without the server an empty time says nothing.
  const unknown = id === '' ? 'no' : undefined
  const verified = team?.view ? (team.view.verifiedAt ?? 'no') : domain_verified_at || unknown
  const rest = { Domain: domain, Verified: verified, Server: server_url, ...more }
  return lines({ Mode: 'Operator', ID: id || 'not registered', ...rest, ...teamText(team) })
}
