import { approveRequest, type OperatorRequest, type Signer } from '@auth4agent/sdk'
import { readOperatorConfig, readText, writeText } from '@auth4agent/sdk/node'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { describeRequest } from '../describe-request.ts'
import { shown } from '../hidden.ts'
import { openKeySet, rootFlags } from '../key-set.ts'
import { adoptNextRoot } from '../next-root.ts'
import { loadRootKey } from '../own-keys.ts'
import { openRoot, requireOperator } from '../parties.ts'
import { readRequestFile } from '../request-file.ts'
import { readKey } from '../secrets.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'
import { readDuration, writeTime } from '../times.ts'

const requestArgument = {
  name: 'FILE',
  help: 'the request that a command with --prepare wrote',
  required: true,
} as const
/** The longest lifetime of an approval: 7 days, less the allowance for clocks. */
const MAX_LIFETIME_S = 7 * 86_400 - 30

const approveFlags = {
  ...rootFlags,
  output: { ...shared.output, more: 'the approval' },
  'valid-for': { kind: 'text', value: 'DURATION', help: 'lifetime of the approval, at most 7d; 3d by default' },
  inspect: { kind: 'boolean', help: 'show what the request changes, and sign nothing' },
  offline: { ...shared.offline, more: 'show no differences to the keys in force' },
} as const

/** `request approve`: approves a prepared request with a root key. */
export const approve = defineCommand({
  help: [
    'Shows what a prepared request changes, and approves it with the root key of the folder. The approval is valid for these exact bytes, once. Give it to the person who sends the request with `auth4agent request send`. Look with --inspect first.',
    'The command refuses a manifest of keys that does not follow the one in force, or that no root key in force has signed.',
  ],
  examples: [
    { does: 'look at a request', line: 'auth4agent request approve request.json --inspect' },
    { does: 'approve it', line: 'auth4agent request approve request.json --output carol.approval' },
  ],
  arguments: [requestArgument],
  flags: approveFlags,
  async run(context) {
    const { flags, now, answer } = context
    const request = await readRequestFile(context.arguments[0] ?? '')
    const described = await describe(request, context)
    if (flags.on('inspect')) {
      answer({ rpc: request.rpc, ...Object(described.json) }, `the request changes:\n${described.text}`, described.text)
      return
    }
    const lifetimeS = lifetimeOf(flags.text('valid-for') ?? '3d')
    const approval = await approveRequest(request, { key: await rootKey(context), lifetimeS, now })
    const output = flags.text('output')
    if (output !== undefined) await writeText(output, `${approval}\n`, { replacesLink: true })
    const expires = writeTime(Math.floor(now() / 1000) + lifetimeS)
    const where = output === undefined ? `\n\n${approval}` : `\nfile: ${output}`
    answer(
      { approval, expires_at: expires, rpc: request.rpc, ...Object(described.json) },
      `approved:\n${described.text}\n\n${lines({ expires })}${where}`,
      output ?? approval,
    )
  },
})

async function describe(request: OperatorRequest, context: Context<typeof approveFlags>) {
  if (context.flags.on('offline')) return describeRequest(request)
  const { operator, current } = await openKeySet(context)
  if (request.operatorId !== operator.id) throw usageError('The request is one of another operator')
  return describeRequest(request, current)
}

async function rootKey(context: Context<typeof approveFlags>): Promise<Signer> {
  const file = context.flags.text('key')
  return file === undefined ? loadRootKey(await requireOperator(context.folder), context) : readKey(file, context)
}

function lifetimeOf(text: string): number {
  const seconds = readDuration(text) ?? 0
  if (seconds < 1 || seconds > MAX_LIFETIME_S + 30) throw usageError('--valid-for must be a duration of at most 7d')
  return Math.min(seconds, MAX_LIFETIME_S)
}

/** `request send`: sends a prepared request with approvals. */
export const send = defineCommand({
  help: [
    'Sends a prepared request with the root key of the folder, and with the approvals of further root keys. The root key that sends counts as one: with a threshold of 2, one approval is enough. Each approval is valid once.',
  ],
  examples: [
    {
      does: 'with the approval of one further root key',
      line: 'auth4agent request send request.json --approval carol.approval',
    },
  ],
  arguments: [requestArgument],
  flags: {
    ...rootFlags,
    approval: { kind: 'list', value: 'FILE', help: 'a file that `request approve` wrote' },
  },
  async run(context) {
    const request = await readRequestFile(context.arguments[0] ?? '')
    const approvals = await Promise.all(context.flags.list('approval').map(readApproval))
    const operator = await openRoot(context)
    if (request.operatorId !== operator.id) throw usageError('The request is one of another operator')
    const sent = await context.progress('sending the request', sendTo(operator, request, approvals))
    const config = await readOperatorConfig(context.folder)
    const root_key = config?.id === operator.id ? await adoptNextRoot(context, config) : undefined
    context.answer(
      { ...sent, ...(root_key && { root_key }) },
      `request sent\n\n${lines({ id: sent.id, root_key })}`,
      sent.id,
    )
  },
})

async function sendTo(
  operator: Awaited<ReturnType<typeof openRoot>>,
  request: OperatorRequest,
  approvals: readonly string[],
) {
  try {
    return await operator.send(request, approvals)
  } catch (error) {
    throw error instanceof TypeError ? usageError(error.message) : error
  }
}

async function readApproval(path: string): Promise<string> {
  const text = await readText(path)
  if (text !== undefined && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text.trim())) return text.trim()
  throw configurationError(
    text === undefined ? `There is no file ${shown(path)}` : `The file ${shown(path)} contains no approval`,
    '`auth4agent request approve FILE --output APPROVAL` writes one.',
  )
}
