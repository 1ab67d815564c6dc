import type { EventSubject } from '@auth4agent/sdk'
import { usingNames } from '../attestation/using-names.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { FlagReader } from '../flags.ts'
import { openOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'
import { describeStatus, streamArgument } from './streams.ts'

const STATUSES = ['enabled', 'paused', 'disabled'] as const

/** `stream status`: shows or sets the status of a stream. */
export const streamStatus = defineCommand({
  help: [
    'Shows the status of a stream, or sets it. A paused stream holds its events. A disabled stream holds none, and begins with the next event when it is enabled again.',
  ],
  examples: [
    { does: 'the status', line: 'auth4agent stream status 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7' },
    {
      does: 'pause the stream',
      line: 'auth4agent stream status 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7 --set paused --reason "moving the receiver"',
    },
  ],
  arguments: [streamArgument],
  flags: {
    ...operatorFlags,
    set: { kind: 'text', value: 'STATUS', help: 'the new status: enabled, paused or disabled', choices: STATUSES },
    reason: shared.reason,
  },
  async run(context) {
    const [id = ''] = context.arguments
    const { flags } = context
    const status = STATUSES.find((each) => each === flags.text('set'))
    const reason = flags.text('reason')
    if (status === undefined && reason !== undefined) throw usageError('--reason needs --set')
    const { streams } = await openOperator(context)
    const asked = status === undefined ? streams.status(id) : streams.setStatus(id, status, reason)
    const now = await context.progress('asking the server', usingNames(asked))
    const told = { stream: now.stream_id, status: now.status, reason: now.reason }
    // A call that sets the status does not look for events that wait.
    const text = status === undefined ? `stream: ${now.stream_id}\n${describeStatus(now, context.now())}` : lines(told)
    context.answer(now, text, [now.status])
  },
})

/** `stream verify`: asks for a verification event. */
export const verifyStream = defineCommand({
  help: ['Asks the server for a verification event, so that you can see that the receiver gets events.'],
  examples: [
    {
      does: 'an event that repeats a text',
      line: 'auth4agent stream verify 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7 --state hello',
    },
  ],
  arguments: [streamArgument],
  flags: { ...operatorFlags, state: { kind: 'text', value: 'TEXT', help: 'a text that the event repeats' } },
  async run(context) {
    const [id = ''] = context.arguments
    const { streams } = await openOperator(context)
    await context.progress('asking the server', usingNames(streams.verify(id, context.flags.text('state'))))
    context.answer({ stream_id: id, requested: true }, 'the stream delivers a verification event next', [id])
  },
})

const subjectFlags = {
  ...operatorFlags,
  did: shared.did,
  jti: shared.jti,
} as const

/** `stream add-subject`: adds a subject to a stream. */
export const addStreamSubject = defineCommand({
  help: [
    'Adds a subject of another operator to a stream. The subjects of your operator are in each stream already. The server does not tell whether the subject exists.',
  ],
  examples: [
    {
      does: 'hear of an agent of another operator',
      line: 'auth4agent stream add-subject 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7 --did did:agent:partner.example:0123456789abcdef0123456789abcdef',
    },
  ],
  arguments: [streamArgument],
  flags: subjectFlags,
  async run(context) {
    const [id = ''] = context.arguments
    const subject = subjectOf(context.flags)
    const { streams } = await openOperator(context)
    await context.progress('asking the server', usingNames(streams.addSubject(id, subject)))
    context.answer({ stream_id: id, add: subject }, 'subject added', [id])
  },
})

/** `stream remove-subject`: removes a subject from a stream. */
export const removeStreamSubject = defineCommand({
  help: ['Removes a subject from a stream. The server does not tell whether the subject exists.'],
  examples: [
    {
      does: 'hear no more of a token',
      line: 'auth4agent stream remove-subject 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7 --jti 0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b',
    },
  ],
  arguments: [streamArgument],
  flags: subjectFlags,
  async run(context) {
    const [id = ''] = context.arguments
    const subject = subjectOf(context.flags)
    const { streams } = await openOperator(context)
    await context.progress('asking the server', usingNames(streams.removeSubject(id, subject)))
    context.answer({ stream_id: id, remove: subject }, 'subject removed', [id])
  },
})

function subjectOf(flags: FlagReader<typeof subjectFlags>): EventSubject {
  const [did, jti] = [flags.text('did'), flags.text('jti')]
  if (did !== undefined && jti === undefined) return { did }
  if (jti !== undefined && did === undefined) return { jti }
  throw usageError('Name the subject: --did DID or --jti JTI')
}
