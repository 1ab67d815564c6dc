import { readOperatorConfig, updateOperatorConfig } from '@auth4agent/sdk/node'
import { askAgain } from '../ask-again.ts'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import { viewOperator } from '../parties.ts'
import { lines, plain } from '../text.ts'
import { readDuration } from '../times.ts'

const TIMEOUT = '10m'

const flags = {
  ...serverFlags,
  'operator-id': { kind: 'text', value: 'ID', help: 'another operator than that of operator.json' },
} as const

/** The TXT record to publish. */
export const instructions = defineCommand({
  help: [
    'Prints the TXT record that proves the domain, and binds it to this key and this server. Publish it, then confirm. A record that is of another key or server is refused: whoever has that key would have the domain.',
  ],
  examples: [{ does: 'what to publish', line: 'auth4agent verify-operator instructions' }],
  flags,
  async run(context) {
    const given = context.flags.text('operator-id')
    if (given !== undefined && given !== (await readOperatorConfig(context.folder))?.id) throw notAtHand(context.folder)
    const operator = await viewOperator(context, given)
    const told = await context.progress('asking the server', operator.verification.instructions())
    const record = lines({ record_type: 'TXT', name: told.txt_record_name, value: told.txt_record_value })
    const next = 'after propagation run:\nauth4agent verify-operator confirm'
    context.answer(told, `dns verification instructions\n\ndomain: ${plain(told.domain)}\n\n${record}\n\n${next}`, [
      `${told.txt_record_name}. IN TXT "${told.txt_record_value}"`,
    ])
  },
})

/** Has the record looked for. */
export const confirm = defineCommand({
  help: [
    'Has the server look for the TXT record now. Ends with 1 until it is found; then the operator is active.',
    'With --wait it asks again, with growing pauses, until the record is found or the time of --timeout is over. A server that does not answer is asked again, too; where that lasts until the end, it ends with 3.',
  ],
  examples: [
    { does: 'have it looked for', line: 'auth4agent verify-operator confirm' },
    { does: 'wait until it is found', line: 'auth4agent verify-operator confirm --wait --timeout 30m' },
  ],
  flags: {
    ...flags,
    wait: { kind: 'boolean', help: 'ask again until it is found' },
    timeout: { kind: 'text', value: 'DURATION', help: `how long to wait, as 90s or 1h; ${TIMEOUT} unless told` },
  },
  async run(context) {
    const given = context.flags.text('timeout')
    if (given !== undefined && !context.flags.on('wait')) throw usageError('--timeout needs --wait')
    const timeoutS = readDuration(given ?? TIMEOUT)
    if (timeoutS === undefined || timeoutS === 0) throw usageError('--timeout takes a duration, such as 10m')
    const operator = await viewOperator(context, context.flags.text('operator-id'))
    const ask = () => context.progress('the server is looking at DNS', operator.verification.confirm())
    const seen = context.flags.on('wait') ? await askAgain(ask, timeoutS * 1000, context) : await ask()
    if (!seen.verified) {
      context.answer(seen, `verification failed\n\n${plain(seen.message)}`, [seen.reason ?? 'NOT_VERIFIED'])
      context.note(
        '`auth4agent verify-operator instructions` shows the record, `auth4agent doctor` what resolvers see of it.',
      )
      return 'refused'
    }
    await remember(context.folder, operator.id, seen.verified_at)
    context.answer(seen, `operator verified\n\n${lines({ verified_at: seen.verified_at })}`, 'verified')
    return 'ok'
  },
})

/** How far the operator is. */
export const status = defineCommand({
  help: ['Asks the server for the operator: pending, active, lapsed, suspended, superseded or released.'],
  examples: [
    { does: 'your own', line: 'auth4agent verify-operator status' },
    { does: 'the state alone', line: 'auth4agent verify-operator status --json | jq -r .status' },
  ],
  flags,
  async run(context) {
    const operator = await viewOperator(context, context.flags.text('operator-id'))
    const state = await context.progress('asking the server', operator.status())
    await remember(context.folder, operator.id, state.domain_verified_at)
    const { id, domain, status, domain_verified_at } = state
    const verified = domain_verified_at ? { verified_at: domain_verified_at } : { verified: false }
    context.answer(state, `operator verification status\n\n${lines({ id, domain, status, ...verified })}`, [status])
  },
})

function notAtHand(folder: string) {
  return configurationError(
    `the record binds the key of that operator, and there is none in ${folder} to compare it with`,
    'Run it where its operator.json is: --config FOLDER',
  )
}

/** Writes into operator.json when its domain was proven. */
async function remember(folder: string, id: string, verifiedAt: string | null | undefined): Promise<void> {
  const config = await readOperatorConfig(folder)
  if (config?.id !== id || !verifiedAt || config.domain_verified_at === verifiedAt) return
  await updateOperatorConfig(folder, { domain_verified_at: verifiedAt })
}
