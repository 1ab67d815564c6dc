import { readOperatorConfig, updateOperatorConfig } from '@auth4agent/sdk/node'
import { askAgain } from '../ask-again.ts'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags, suppliedFlags } from '../common-flags.ts'
import { demandBodyDigest } from '../demand-digest.ts'
import { FROZEN } from '../frozen.ts'
import { nextLine } from '../next-line.ts'
import { hasRootKey } from '../own-keys.ts'
import { viewOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { lines, plain } from '../text.ts'
import { readDuration } from '../times.ts'

const TIMEOUT = '10m'

const flags = { ...serverFlags, 'operator-id': suppliedFlags['operator-id'] } as const

/** `operator show-proof`: prints the proof of the domain, a TXT record to publish. */
export const instructions = defineCommand({
  help: [
    'Prints the proof of your domain: a TXT record that binds the domain to your operator, your root key and this server. Publish it in DNS, then run `auth4agent operator confirm`. The command refuses to print a proof for another key or server, because publishing it would give your domain to the holder of that key.',
  ],
  examples: [{ does: 'show the proof', line: 'auth4agent operator show-proof' }],
  flags,
  async run(context) {
    const given = context.flags.text('operator-id')
    const config = await readOperatorConfig(context.folder)
    if (given !== undefined && given !== config?.id) throw notAtHand(context.folder)
    if (config !== undefined && !hasRootKey(config)) throw notAtHand(context.folder)
    const operator = await viewOperator(context, given)
    const told = await context.progress('asking the server', operator.verification.instructions())
    const record = lines({ record_type: 'TXT', name: told.txt_record_name, value: told.txt_record_value })
    const next = `after propagation run:\n${nextLine(context.place, 'operator confirm')}`
    context.answer(told, `dns verification instructions\n\ndomain: ${plain(told.domain)}\n\n${record}\n\n${next}`, [
      `${told.txt_record_name}. IN TXT "${told.txt_record_value}"`,
    ])
  },
})

/** `operator confirm`: asks the server to look for the proof now. */
export const confirm = defineCommand({
  help: [
    'Asks the server to look for the proof in DNS now. If the server finds the proof, the operator is active. Otherwise the exit code is 1.',
    'The first time, if the folder has the root key and nobody has set the policy yet, the command also makes the policy demand the digest of the body in every assertion for a change (`require_body_digest`).',
    'With --wait it asks again, with growing pauses, until the server finds the proof or the time of --timeout is over. It also asks again if the server does not answer. If the server still does not answer at the end, the exit code is 3.',
  ],
  examples: [
    { does: 'ask once', line: 'auth4agent operator confirm' },
    { does: 'wait until the server finds the proof', line: 'auth4agent operator confirm --wait --timeout 30m' },
  ],
  flags: {
    ...flags,
    wait: { kind: 'boolean', help: 'ask again until the server finds the proof' },
    timeout: { ...shared.timeout, more: `${TIMEOUT} by default` },
  },
  async run(context) {
    const given = context.flags.text('timeout')
    if (given !== undefined && !context.flags.on('wait')) throw usageError('--timeout can only be used with --wait')
    const timeoutS = readDuration(given ?? TIMEOUT)
    if (timeoutS === undefined || timeoutS === 0) throw usageError('--timeout must be a duration, such as 10m')
    const operator = await viewOperator(context, context.flags.text('operator-id'))
    const ask = () => context.progress('the server is looking at DNS', operator.verification.confirm())
    const seen = context.flags.on('wait') ? await askAgain(ask, timeoutS * 1000, context) : await ask()
    if (!seen.verified) {
      context.answer(seen, `verification failed\n\n${plain(seen.message)}`, [seen.reason ?? 'NOT_VERIFIED'])
      context.note('`auth4agent operator show-proof` shows the proof; `auth4agent doctor` shows what resolvers see.')
      return 'refused'
    }
    const config = await readOperatorConfig(context.folder)
    await remember(context.folder, operator.id, seen.verified_at)
    context.answer(seen, `operator verified\n\n${lines({ verified_at: seen.verified_at })}`, 'verified')
    const isNew = config?.id === operator.id && !config.domain_verified_at
    if (isNew) await demandBodyDigest(context, config)
    return 'ok'
  },
})

/** `operator status`: shows the state of the operator. */
export const status = defineCommand({
  help: ['Asks the server for the state of the operator: pending, active, lapsed, suspended, superseded or released.'],
  examples: [
    { does: 'your own operator', line: 'auth4agent operator status' },
    { does: 'only the state', line: 'auth4agent operator status --json | jq -r .status' },
  ],
  flags,
  async run(context) {
    const operator = await viewOperator(context, context.flags.text('operator-id'))
    const state = await context.progress('asking the server', operator.status())
    await remember(context.folder, operator.id, state.domain_verified_at)
    const { id, domain, status, domain_verified_at, frozen_at } = state
    const verified = domain_verified_at ? { verified_at: domain_verified_at } : { verified: false }
    const facts = lines({ id, domain, status, ...verified, frozen_at })
    context.answer(state, `operator verification status\n\n${facts}`, [status])
    if (frozen_at) context.note(FROZEN)
  },
})

function notAtHand(folder: string) {
  return configurationError(
    `The root key of that operator is not in ${folder}, so the tool cannot check its proof`,
    'Use the folder that contains the root key: --config FOLDER',
  )
}

/** Writes the time at which the server saw the proof to operator.json, if that file describes this operator. */
async function remember(folder: string, id: string, verifiedAt: string | null | undefined): Promise<void> {
  const config = await readOperatorConfig(folder)
  if (config?.id !== id || !verifiedAt || config.domain_verified_at === verifiedAt) return
  await updateOperatorConfig(folder, { domain_verified_at: verifiedAt })
}
