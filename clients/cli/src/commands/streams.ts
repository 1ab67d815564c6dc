import type { EventStream, EventStreamStatus, StreamTerms } from '@auth4agent/sdk'
import { readText } from '@auth4agent/sdk/node'
import { usingNames } from '../attestation/using-names.ts'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { shown } from '../hidden.ts'
import { openOperator } from '../parties.ts'
import { columns, lines } from '../text.ts'

const PUSH = 'urn:ietf:rfc:8935'
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'

/** The argument of commands about one stream. */
export const streamArgument = { name: 'STREAM', help: 'id of the stream, a UUID', required: true } as const

const termFlags = {
  ...operatorFlags,
  push: { kind: 'text', value: 'URL', help: 'let the server push events to this https URL' },
  'authorization-file': {
    kind: 'text',
    value: 'FILE',
    help: 'file with the Authorization header of each push, such as Bearer TOKEN; - for standard input',
  },
  event: {
    kind: 'list',
    value: 'TYPE',
    help: 'type of event: a URI, or session-revoked, credential-change or token-claims-change; may be repeated; by default all',
  },
  description: { kind: 'text', value: 'TEXT', help: 'what the stream is for' },
} as const

/** `stream create`: creates a stream. */
export const createStream = defineCommand({
  help: [
    'Creates a stream of security events (Shared Signals Framework 1.0): the receiver hears when tokens, agents or keys of your operator are ended. Without --push the receiver polls the server, at the URL that this command prints.',
  ],
  examples: [
    { does: 'a stream that a receiver polls', line: 'auth4agent stream create --description siem' },
    {
      does: 'a stream that the server pushes',
      line: 'auth4agent stream create --push https://siem.example.com/ssf --authorization-file header.txt --event session-revoked',
    },
  ],
  flags: termFlags,
  async run(context) {
    const terms = await readTerms(context, context.flags.text('push'))
    const { streams } = await openOperator(context)
    const stream = await context.progress('creating', streams.create(terms))
    context.answer(stream, `stream created\n\n${describe(stream)}`, [stream.stream_id])
  },
})

/** `stream list`: lists the streams. */
export const listStreams = defineCommand({
  help: ['Lists the streams of your operator, oldest first.'],
  examples: [{ does: 'all streams', line: 'auth4agent stream list' }],
  flags: operatorFlags,
  async run(context) {
    const { streams } = await openOperator(context)
    const found = await context.progress('asking the server', streams.list())
    const rows = found.map(({ stream_id: id, delivery, description }) => [
      id,
      delivery.method === PUSH ? delivery.endpoint_url : 'poll',
      description ?? '',
    ])
    const table = rows.length === 0 ? 'there is no stream' : columns([['STREAM', 'DELIVERY', 'DESCRIPTION'], ...rows])
    context.answer(
      { streams: found },
      table,
      found.map(({ stream_id: id }) => id),
    )
  },
})

/** `stream show`: shows a stream. */
export const showStream = defineCommand({
  help: [
    'Shows the configuration of a stream, its status, how long its oldest event waits (lag), and why the last delivery that failed has failed. The Authorization header of its receiver is never shown.',
  ],
  examples: [{ does: 'one stream', line: 'auth4agent stream show 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7' }],
  arguments: [streamArgument],
  flags: operatorFlags,
  async run(context) {
    const [id = ''] = context.arguments
    const { streams } = await openOperator(context)
    const asked = Promise.all([usingNames(streams.get(id)), usingNames(streams.status(id))])
    const [stream, status] = await context.progress('asking the server', asked)
    const text = `${describe(stream)}\n${describeStatus(status, context.now())}`
    context.answer({ ...stream, status }, text, [stream.delivery.endpoint_url])
  },
})

/** `stream update`: changes a stream. */
export const updateStream = defineCommand({
  help: [
    'Changes what you name, and keeps the rest. With a new URL the server forgets the Authorization header, unless you give it again.',
  ],
  examples: [
    {
      does: 'another receiver',
      line: 'auth4agent stream update 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7 --push https://siem.example.com/ssf',
    },
    {
      does: 'let the receiver poll',
      line: 'auth4agent stream update 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7 --poll',
    },
  ],
  arguments: [streamArgument],
  flags: { ...termFlags, poll: { kind: 'boolean', help: 'let the receiver poll the server' } },
  async run(context) {
    const [id = ''] = context.arguments
    const { flags } = context
    const push = flags.text('push')
    if (flags.on('poll') && push !== undefined) throw usageError('Use --push or --poll, not both')
    const terms = {
      ...(await readTerms(context, push)),
      ...(flags.on('poll') && { delivery: { poll: true } as const }),
    }
    if (Object.keys(terms).length === 0) throw usageError('Name what to change, such as --description TEXT')
    const { streams } = await openOperator(context)
    const stream = await context.progress('changing', usingNames(streams.update(id, terms)))
    context.answer(stream, `stream changed\n\n${describe(stream)}`, [stream.stream_id])
  },
})

/** `stream delete`: deletes a stream. */
export const deleteStream = defineCommand({
  help: ['Deletes a stream, and the events that were not delivered.'],
  examples: [{ does: 'one stream', line: 'auth4agent stream delete 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7' }],
  arguments: [streamArgument],
  flags: operatorFlags,
  async run(context) {
    const [id = ''] = context.arguments
    const { streams } = await openOperator(context)
    await context.progress('deleting', usingNames(streams.delete(id)))
    context.answer({ stream_id: id, deleted: true }, `stream deleted\n\n${lines({ stream: id })}`, [id])
  },
})

/** Reads the terms that the flags have. */
async function readTerms(
  { flags, readStdin }: Context<typeof termFlags>,
  push: string | undefined,
): Promise<StreamTerms> {
  const file = flags.text('authorization-file')
  if (file !== undefined && push === undefined) throw usageError('--authorization-file needs --push')
  const authorization = file === undefined ? undefined : await readHeader(file, readStdin)
  const events = flags.list('event').map((name) => (name.includes(':') ? name : CAEP + name))
  const description = flags.text('description')
  return {
    ...(push !== undefined && { delivery: { push, authorization } }),
    ...(events.length > 0 && { events }),
    ...(description !== undefined && { description }),
  }
}

async function readHeader(file: string, readStdin: () => Promise<string>): Promise<string> {
  const text = file === '-' ? await readStdin() : await readText(file, { secret: true })
  if (text === undefined) throw configurationError(`There is no file at ${shown(file)}`, 'Name the file of the header.')
  return text.trim()
}

function describe({ stream_id: id, delivery, description, events_delivered: events, aud }: EventStream): string {
  return lines({
    stream: id,
    description,
    [delivery.method === PUSH ? 'push to' : 'poll at']: delivery.endpoint_url,
    events: events.map((type) => type.replace(CAEP, '')).join(', '),
    audience: aud,
  })
}

/** Writes the status of a stream, its lag and its last failure. */
export function describeStatus(status: EventStreamStatus, nowMs: number): string {
  const { waiting_since: since, failures, last_failure: why, last_failure_at: at } = status
  const waitedS = since ? Math.max(0, Math.round((nowMs - Date.parse(since)) / 1000)) : 0
  return lines({
    status: status.status,
    reason: status.reason,
    lag: since ? `${waitedS} s, because an event of ${since} waits` : 'none, no event waits',
    'failed attempts since a success': failures || undefined,
    'last failure': why ? `${why}${at ? ` at ${at}` : ''}` : 'none',
  })
}
