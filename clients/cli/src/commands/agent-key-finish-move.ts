import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import type { MoveClaims } from '@auth4agent/core/key-events/event-claims'
import { Auth4AgentError, type KeyLog, type OpenCalls, openCalls } from '@auth4agent/sdk'
import { type AgentConfig, keyFileStore, keyPathOf, updateAgentConfig } from '@auth4agent/sdk/node'
import { CliError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { answeredDid, checkDid, readMove, toIssuerFlag } from '../moves.ts'
import { checkIssuer } from '../operator-key.ts'
import { requireAgent, serverOf } from '../parties.ts'
import { checkServer } from '../server-address.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'

const finishFlags = {
  ...serverFlags,
  ...toIssuerFlag,
  'new-did': { ...shared['new-did'], more: 'needed if the server that the agent has left does not answer' },
  'to-server': { kind: 'text', value: 'URL', help: 'address of the new server, if it differs from its issuer' },
} as const

/** `agent finish-move`: writes the new DID into agent.json. */
export const finishMove = defineCommand({
  help: [
    'Writes the new DID, operator and server into agent.json after another operator has admitted the agent. The key files stay as they are.',
    'It verifies the log of the new DID before: the log must continue the old DID, and the key of the folder must be its identity key. Until then it changes nothing, so you can run it again at any time.',
    'If the old server does not answer any more, --new-did names the DID and --to-issuer the new server.',
  ],
  examples: [
    { does: 'after the other operator has admitted the agent', line: 'auth4agent agent finish-move' },
    {
      does: 'without the old server',
      line: 'auth4agent agent finish-move --new-did did:agent:other.example:21fe31dfa154a261626bf854046fd227 --to-issuer https://auth.other.example',
    },
  ],
  flags: finishFlags,
  async run(context) {
    const { folder, progress, answer } = context
    const config = await requireAgent(folder)
    const store = keyFileStore(await keyPathOf(folder, config))
    const target = await progress('asking where the agent is', findTarget(config, context))
    const told = await store.exclusively(async () => {
      const log = await progress('verifying the new log', readNewLog(target, context))
      const move = expectContinuation(log, config.did, target)
      const kid = signerKid((await store.read()).current)
      if (kid !== log.kid) throw wrongKey(log.kid)
      const { server, issuer } = target
      const place = { server_url: server, issuer: server === issuer ? '' : issuer }
      const changes = { did: move.to, operator_id: move.operatorId, ...(target.isHere ? {} : place) }
      await updateAgentConfig(folder, { ...changes, did_document: undefined })
      return { did: move.to, from: move.did, operator_id: move.operatorId, server_url: server, kid }
    })
    const { did, from, operator_id: operator, server_url: server, kid } = told
    const next = 'next, for its operator:\nauth4agent scope set --scope SCOPES'
    answer(told, `agent moved\n\n${lines({ did, from, operator, server, kid })}\n\n${next} ${did}`, did)
  },
})

/** Where the agent is after its move. */
interface Target {
  readonly did: string
  readonly server: string
  readonly issuer: string
  /** Whether it is the server that the agent has left, too. */
  readonly isHere: boolean
}

/** Finds the new DID and its server: by the flags, or else by asking the server that the agent leaves. */
async function findTarget(config: AgentConfig, context: Context<typeof finishFlags>): Promise<Target> {
  const { flags, fetch } = context
  const { server: old, issuer: own = old } = serverOf(config, context)
  const given = flags.text('new-did')
  const { did, issuer } =
    given === undefined
      ? await askOldServer(config.did, openCalls({ server: old, fetch }))
      : { did: checkDid(given, '--new-did'), issuer: undefined }
  const chosen = flags.text('to-issuer') ?? issuer ?? own
  if (issuer !== undefined && issuer !== chosen)
    throw usageError(`The agent has moved to the server ${issuer}, not to ${chosen}`, 'Leave out --to-issuer.')
  if (chosen === own) return { did, server: old, issuer: own, isHere: true }
  const server = checkServer(flags.text('to-server') ?? chosen)
  await checkIssuer(server, chosen, context)
  return { did, server, issuer: chosen, isHere: false }
}

/** Asks the server that the agent has left for the new DID, and for the issuer of the new server if it is another. */
async function askOldServer(
  did: string,
  open: OpenCalls,
): Promise<{ readonly did: string; readonly issuer: string | undefined }> {
  const { moved_to: to, moved_from: from, move_at: at } = await open.getAgent(did)
  if (to) return { did: answeredDid(to), issuer: await issuerOf(did, open) }
  // The command has already written the new DID.
  if (from) return { did, issuer: undefined }
  if (at)
    throw notThere(
      'The move of the agent waits: no operator has admitted the agent yet',
      '`auth4agent agent-key list` shows it.',
    )
  throw new CliError('The agent has not moved, and no move of it waits', {
    reason: 'NOTHING_PENDING',
    exit: 'refused',
    hint: 'Ask for a move: `auth4agent agent move`',
  })
}

/** Returns the issuer of the server to which an agent has moved, or undefined if it is still on the same server. */
async function issuerOf(did: string, open: OpenCalls): Promise<string | undefined> {
  try {
    const { events } = await open.exportAgent(did)
    return readMove(events.at(-1))?.issuer
  } catch (error) {
    if (reasonOf(error) === 'AGENT_MOVED') return undefined
    throw error
  }
}

/** Reads the log of the new DID, if an operator has admitted the agent there. */
async function readNewLog({ did, server }: Target, { fetch }: Context<typeof finishFlags>): Promise<KeyLog> {
  const open = openCalls({ server, fetch })
  const found = await open.getAgent(did).catch((error: unknown) => {
    if (reasonOf(error) !== 'AGENT_NOT_FOUND') throw error
    throw notThere(
      `No operator has admitted the agent as ${did} yet`,
      'The operator admits it: `auth4agent agent admit`',
    )
  })
  if (found.moved_to) {
    const next = answeredDid(found.moved_to)
    throw notThere(`The agent has moved on to ${next}`, `Name this DID: --new-did ${next}`)
  }
  if (found.status !== 'active') throw notThere(`The agent ${did} is ${found.status}`, 'Ask its operator.')
  return open.keyEvents(did)
}

/** Returns the move that leads a verified log to the target. Throws CliError if the log is about another agent. */
function expectContinuation({ did, events, state }: KeyLog, oldDid: string, { issuer }: Target): MoveClaims {
  const move = events.map(({ event }) => readMove(event)).findLast((each) => each !== undefined)
  const isSame = did === oldDid || state?.previousDids.includes(oldDid) === true
  if (move !== undefined && move.to === did && move.issuer === issuer && isSame) return move
  throw new CliError(`The log of ${did} on ${issuer} does not continue ${oldDid}`, {
    reason: 'INVALID_KEY_EVENT',
    exit: 'refused',
    hint: 'Check the DID and the server. If both are right, do not trust this server.',
  })
}

function notThere(message: string, hint: string): CliError {
  return new CliError(message, { reason: 'AGENT_NOT_ACTIVE', exit: 'refused', hint })
}

function wrongKey(kid: string): CliError {
  return new CliError(`The key of this folder is not the identity key of the agent, which is ${kid}`, {
    reason: 'WRONG_KEY',
    exit: 'refused',
    hint: 'Use the folder that has this key: --config FOLDER',
  })
}

function reasonOf(error: unknown): unknown {
  return error instanceof Auth4AgentError ? error.reason : undefined
}
