import { setTimeout as delay } from 'node:timers/promises'
import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { FeedError, sseFeed } from '@auth4agent/verifier'
import { CliError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { loadOperatorKey } from '../operator-key.ts'
import { compact, plain } from '../text.ts'
import { describeRecord } from '../watch/describe-record.ts'
import { followLog, type LogNews } from '../watch/follow-log.ts'
import { readPosition, writePosition } from '../watch/position-text.ts'
import { createStatusLine } from '../watch/status-line.ts'

const flags = {
  ...serverFlags,
  all: { kind: 'boolean', help: 'first show older revocations that can still end a token' },
  after: { kind: 'text', value: 'POSITION', help: 'continue after this position; each line of --json contains one' },
} as const

/** `revocation watch`: shows revocations as they happen. */
export const watch = defineCommand({
  help: [
    'Follows the revocation log of the server and shows each record once: revocations of tokens, agents, operators, signing keys and the deployment, of all operators. It authenticates as the operator, and reconnects by itself.',
    'On a terminal it shows the age of the last heartbeat. The server sends a heartbeat each second, after all records up to that time. With --json the command prints one record a line. Press Ctrl-C to stop.',
  ],
  examples: [
    { does: 'show new revocations', line: 'auth4agent revocation watch' },
    {
      does: 'for a program, with older revocations that can still end a token',
      line: 'auth4agent revocation watch --all --json',
    },
    { does: 'continue after an earlier run', line: 'auth4agent revocation watch --json --after 1-42-' },
  ],
  flags,
  async run(context) {
    const { flags, fetch, signal, stderr, json, quiet, progress } = context
    const from = positionOf(flags.text('after'))
    const { server, issuer, operator } = await progress('asking the server for its issuer', loadOperatorKey(context))
    const feed = sseFeed({
      fetch: (url, init) => fetch(url, init),
      locate: async () => `${server}/v1/revocations`,
      authorize: async (url) => `Bearer ${await operator.assert(`GET ${new URL(url).pathname}`, '')}`,
    })
    using status = createStatusLine({ ...stderr, isTerminal: stderr.isTerminal && !json && !quiet })
    context.note(`watching ${issuer}; press Ctrl-C to stop`)
    try {
      for await (const news of followLog({ feed, from, signal, pause, random: Math.random })) {
        if (news.kind === 'heartbeat') status.beat()
        else if (news.kind !== 'record' || news.isNew || flags.on('all')) status.around(() => show(news, context))
      }
    } catch (error) {
      throw error instanceof FeedError ? refused(error) : error
    }
  },
})

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}

function positionOf(text: string | undefined): LogPosition | undefined {
  const position = text === undefined ? undefined : readPosition(text)
  if (text !== undefined && position === undefined) {
    throw usageError('--after must be a position, as --json shows it', 'For example: --after 1-42-')
  }
  return position
}

function refused({ message }: FeedError): CliError {
  const hint =
    'The operator must be active, and the clock of this machine must be right. `auth4agent doctor` checks both.'
  return new CliError(`The revocation log cannot be followed: ${message}`, { reason: 'FEED', exit: 'refused', hint })
}

function show(
  news: Exclude<LogNews, { kind: 'heartbeat' }>,
  { stdout, json, style, note }: Pick<Context<typeof flags>, 'stdout' | 'json' | 'style' | 'note'>,
): void {
  if (news.kind === 'lost') return note(`${news.why}; connecting again in ${(news.pauseMs / 1000).toFixed(1)} s`)
  if (news.kind === 'begins-again')
    return note('the log has been replaced, so this command reads it from its beginning')
  const { record, position } = news
  if (json) return stdout.write(`${compact(toJson(record, position))}\n`)
  const at = new Date(record.recordedAt).toISOString()
  const operator = record.operatorId === '' ? '' : style.dim(`  of ${plain(record.operatorId)}`)
  stdout.write(`${style.dim(at)}  ${style.bold(record.kind.padEnd(10))}  ${plain(describeRecord(record))}${operator}\n`)
}

/** Returns a record with the member names of the server's API. */
function toJson(record: RevocationRecord, position: LogPosition): object {
  return {
    kind: record.kind,
    subject: record.subject,
    operator_id: record.operatorId,
    minimum_epoch: record.minimumEpoch,
    recorded_at: new Date(record.recordedAt).toISOString(),
    expires_at: new Date(record.expiresAt).toISOString(),
    sequence: record.sequence,
    position: writePosition(position),
  }
}
