import { readFile } from 'node:fs/promises'
import { parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import { type Replayed, replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { type KeyLog, openCalls } from '@auth4agent/sdk'
import { writeText } from '@auth4agent/sdk/node'
import { agentArgument, agentFlags, chosenAgent, didOf } from '../agent-name.ts'
import { CliError, configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { shown } from '../hidden.ts'
import { keysText, pendingText } from '../key-log-text.ts'
import { chooseServer, openOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { columns, indented, lines } from '../text.ts'
import { writeTime } from '../times.ts'

const readFlags = { ...operatorFlags, ...agentFlags } as const

/** Reads and verifies the log of the agent that the command line names. */
async function readLog(context: Context<typeof readFlags>): Promise<KeyLog> {
  const did = await didOf(await chosenAgent(context), () => openOperator(context))
  const { server } = await chooseServer(context)
  const log = openCalls({ server, fetch: context.fetch }).keyEvents(did)
  return context.progress('reading the log', log)
}

/** `agent-key list`: shows the keys of an agent. */
export const listAgentKeys = defineCommand({
  help: [
    'Shows the identity key of an agent and its age, the key to which the agent has committed, its added keys and their expiry, and a recovery or move that waits. The command verifies the whole log of key events before.',
  ],
  examples: [{ does: 'the keys of the agent of agent.json', line: 'auth4agent agent-key list' }],
  arguments: [agentArgument],
  flags: readFlags,
  async run(context) {
    const log = await readLog(context)
    const { did, kid, next, keySinceS, state, pending } = log
    const added = (state?.addedKeys ?? []).map(({ kid: id, jwk, label, exp }) => ({
      kid: id,
      jwk,
      label,
      expires_at: writeTime(exp),
    }))
    const told = {
      did,
      kid,
      next: next ?? null,
      key_since: writeTime(keySinceS),
      seq: state?.seq,
      added_keys: added,
      pending,
    }
    context.answer(told, keysText(log, context.now() / 1000), [kid, ...added.map((key) => key.kid)])
  },
})

/** `agent-key list-events`: shows the log of key events. */
export const listAgentKeyEvents = defineCommand({
  help: [
    'Shows the log of key events of an agent, oldest event first. The command verifies every signature from the first event on; it trusts neither the server nor the network. --output writes the log to a file, which `auth4agent agent-key verify-events` verifies without a server.',
  ],
  examples: [
    { does: 'the history of the agent of agent.json', line: 'auth4agent agent-key list-events --verify' },
    {
      does: 'keep the history of an agent',
      line: 'auth4agent agent-key list-events did:agent:example.com:21fe31dfa154a261626bf854046fd227 --output history.json',
    },
  ],
  arguments: [agentArgument],
  flags: {
    ...readFlags,
    verify: { kind: 'boolean', help: 'also say what the verified log proves' },
    output: { ...shared.output, more: 'the log as JSON' },
  },
  async run(context) {
    const { flags, answer } = context
    const log = await readLog(context)
    const { did, events, pending } = log
    const rows = events.map(({ seq, type, recorded_at, digest }) => [String(seq), type, recorded_at ?? '', digest])
    const output = flags.text('output')
    if (output !== undefined) await writeText(output, indented({ did, events: events.map(({ event }) => event) }))
    const proven = flags.on('verify')
      ? [
          stateText(
            replayOf(
              events.map(({ event }) => event),
              did,
            ),
          ),
        ]
      : []
    const parts = [columns([['SEQ', 'TYPE', 'TIME', 'DIGEST'], ...rows]), ...pending.map(pendingText), ...proven]
    const written = output === undefined ? [] : [`written to ${output}`]
    answer(
      { did, events, pending, ...(output !== undefined && { output }) },
      [...parts, ...written].join('\n\n'),
      events.map(({ event }) => event),
    )
  },
})

/** `agent-key verify-events`: verifies a log from a file. */
export const verifyAgentKeyEvents = defineCommand({
  help: [
    'Verifies the log of key events of an agent without a server: a file of `auth4agent agent-key list-events --output`, or one event a line. It exits with 1 if any event is wrong. It cannot see whether events are missing at the end.',
  ],
  examples: [{ does: 'verify a history', line: 'auth4agent agent-key verify-events --file history.json' }],
  flags: {
    file: { ...shared.file, more: 'the log', required: true },
    did: { ...shared.did, more: 'the log must be about it' },
  },
  folder: 'unused',
  async run({ flags, readStdin, answer }) {
    const file = flags.required('file')
    const text = file === '-' ? await readStdin() : await readLogFile(file)
    const { events, did } = parseLog(text)
    const state = replayOf(events, flags.text('did') ?? did)
    const { usedKids, ...told } = state
    answer(
      { valid: true, ...told, used_kids: [...usedKids] },
      `valid\n\n${historyText(events)}\n\n${stateText(state)}`,
      state.did,
    )
  },
})

async function readLogFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => {
    throw configurationError(
      `The file ${shown(path)} cannot be read`,
      'Check that the path is right and that you may read the file.',
    )
  })
}

function parseLog(text: string): { readonly events: readonly string[]; readonly did: string | undefined } {
  if (!text.trimStart().startsWith('{'))
    return {
      events: text
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean),
      did: undefined,
    }
  try {
    const { events, did } = Object(JSON.parse(text))
    if (Array.isArray(events)) {
      const texts = events.map((event: unknown) => String(typeof event === 'string' ? event : Object(event).event))
      return { events: texts, did: typeof did === 'string' ? did : undefined }
    }
  } catch {
    // The error below says what is right.
  }
  throw usageError(
    '--file must contain a log of key events',
    'Write one with `auth4agent agent-key list-events --output FILE`.',
  )
}

type State = Extract<Replayed, { ok: true }>['state']

function replayOf(events: readonly string[], did: string | undefined): State {
  const replayed = replayKeyEvents(events, did)
  if (replayed.ok) return replayed.state
  throw new CliError(`Event ${replayed.at} of the log is wrong: ${replayed.demand}`, {
    reason: 'INVALID_KEY_EVENT',
    exit: 'refused',
  })
}

function historyText(events: readonly string[]): string {
  const rows = events.flatMap((text) => {
    const event = parseKeyEvent(text)
    return event.ok ? [[String(event.claims.seq), event.claims.type, writeTime(event.claims.iat), event.kid]] : []
  })
  return columns([['SEQ', 'TYPE', 'SIGNED AT', 'SIGNED BY'], ...rows])
}

function stateText({ did, previousDids, kid, next, recorded, deactivated, addedKeys }: State): string {
  return lines({
    verified: did,
    'before it moved': previousDids.join(' '),
    'identity key': kid,
    'next key': next ?? 'none',
    'added keys': addedKeys.length,
    inception: recorded ? 'recorded by the server' : 'signed by the agent',
    deactivated: deactivated ? 'yes' : undefined,
  })
}
