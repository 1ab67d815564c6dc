import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { EXPIRY_CURE, expiryWarning } from '../key-expiry.ts'
import { configOf, rememberKeys } from '../key-set.ts'
import { jsonOfKeys, writeKeys } from '../key-table.ts'
import { openOperator } from '../parties.ts'

/** `operator-key list`: lists the keys of the operator. */
export const listOperatorKeys = defineCommand({
  help: [
    'Lists the root keys and the operational keys of the operator, with their roles, expiry and thumbprints (KID). A star marks the keys of this folder. Every key of the operator may list them.',
  ],
  examples: [
    { does: 'list all keys', line: 'auth4agent operator-key list' },
    {
      does: 'the keys that may change agents',
      line: 'auth4agent operator-key list --json | jq \'.keys[] | select(.roles | index("agents.manage")).label\'',
    },
  ],
  flags: operatorFlags,
  async run(context) {
    const operator = await openOperator(context)
    const config = await configOf(context.folder, operator.id)
    const keys = await context.progress('asking the server', operator.keys.get())
    if (keys.isTrusted) await rememberKeys(context.folder, operator.id, keys)
    const labels = [...keys.rootKeys, ...keys.keys].map(({ label }) => label)
    context.answer(jsonOfKeys(keys), writeKeys(keys, config), labels)
    const nowS = context.now() / 1000
    const warnings = keys.keys.flatMap(({ label, exp }) => expiryWarning(label, exp, nowS) ?? [])
    for (const warning of warnings) context.note(warning)
    if (warnings.length > 0) context.note(EXPIRY_CURE)
  },
})
