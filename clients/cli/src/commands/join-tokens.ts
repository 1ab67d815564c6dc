import { writeText } from '@auth4agent/sdk/node'
import { usingNames } from '../attestation/using-names.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { columns, lines } from '../text.ts'
import { readDuration } from '../times.ts'
import { attestorArgument } from './attestors.ts'

/** `attestor create-join-token`: creates a join token. */
export const createJoinToken = defineCommand({
  help: [
    'Creates a join token: a secret with which one agent can enrol once. The server shows the secret only now. Bring it to the machine of the agent, and run `auth4agent agent enrol --with join-token` there.',
    'The label becomes a claim, so rules and the labels of agents can use it.',
  ],
  examples: [
    {
      does: 'for one machine, into a file that only you can read',
      line: 'auth4agent attestor create-join-token join_token --label rack-7 --ttl 1h --output join-token',
    },
    { does: 'print only the secret', line: 'auth4agent attestor create-join-token join_token --label rack-7 --quiet' },
  ],
  arguments: [attestorArgument],
  flags: {
    ...operatorFlags,
    label: { ...shared.label, more: 'what the token is for', required: true },
    ttl: { ...shared.ttl, more: '1m to 7d; by default 1h' },
    output: { ...shared.output, more: 'the secret, so that only you can read it' },
  },
  async run(context) {
    const [name = ''] = context.arguments
    const { flags } = context
    const given = flags.text('ttl')
    const ttl = given === undefined ? undefined : readDuration(given)
    if (given !== undefined && ttl === undefined) throw usageError('--ttl must be a duration', 'For example: --ttl 1h')
    const { attestation } = await openOperator(context)
    const made = usingNames(attestation.createJoinToken(name, { label: flags.required('label'), ttl }))
    const { secret, token } = await context.progress('creating', made)
    const { id, label, expires_at } = token
    const output = flags.text('output')
    if (output !== undefined) await writeText(output, `${secret}\n`, { replacesLink: true })
    const shown = output === undefined ? { secret } : { output }
    const text = `join token created\n\n${lines({ id, label, 'expires at': expires_at, ...shown })}`
    context.answer({ ...token, ...shown }, text, [output ?? secret])
    if (output === undefined) context.note('The secret is shown only now.')
  },
})

/** `attestor list-join-tokens`: lists the join tokens of an attestor. */
export const listJoinTokens = defineCommand({
  help: ['Lists the join tokens of an attestor that have not expired, oldest first. It shows no secrets.'],
  examples: [{ does: 'all join tokens', line: 'auth4agent attestor list-join-tokens join_token' }],
  arguments: [attestorArgument],
  flags: operatorFlags,
  async run(context) {
    const [name = ''] = context.arguments
    const { attestation } = await openOperator(context)
    const join_tokens = await context.progress('asking the server', usingNames(attestation.joinTokens(name)))
    const rows = join_tokens.map(({ id, label, expires_at, used_by }) => [id, label, expires_at, used_by ?? ''])
    const table =
      rows.length === 0 ? 'there is no join token' : columns([['ID', 'LABEL', 'EXPIRES AT', 'USED BY'], ...rows])
    const ids = join_tokens.map(({ id }) => id)
    context.answer({ join_tokens }, table, ids)
  },
})

/** `attestor delete-join-token`: deletes a join token. */
export const deleteJoinToken = defineCommand({
  help: ['Deletes a join token, so that nobody can use it any more. An agent that has enrolled with it stays.'],
  examples: [
    {
      does: 'a token that somebody has lost',
      line: 'auth4agent attestor delete-join-token join_token 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7',
    },
  ],
  arguments: [
    attestorArgument,
    { name: 'ID', help: 'id of the join token, as `attestor list-join-tokens` shows it', required: true },
  ],
  flags: operatorFlags,
  async run(context) {
    const [name = '', id = ''] = context.arguments
    const { attestation } = await openOperator(context)
    await context.progress('deleting', usingNames(attestation.deleteJoinToken(name, id)))
    context.answer({ id }, `join token deleted\n\n${lines({ id })}`, [id])
  },
})
