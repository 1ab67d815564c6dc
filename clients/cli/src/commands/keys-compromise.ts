import type { Administrator, CompromisedKey, SigningKeyState } from '@auth4agent/sdk'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { shown } from '../hidden.ts'
import { openAdministrator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { columns, lines } from '../text.ts'

/** Form of a `kid`, which is an RFC 7638 thumbprint. */
const KID = /^[A-Za-z0-9_-]{43}$/
/**
 * Order in which keys are marked. Prepared keys come first: otherwise a leaked prepared key would become active in
 * place of a marked active key.
 */
const ORDER = ['prepared', 'retiring', 'active'] as const

const flags = {
  ...adminFlags,
  ...reasonFlag,
  force: { ...shared.force, more: 'mark the key even if no other key is ready' },
  kid: {
    ...shared.kid,
    more: 'as `signing-key list` shows it',
  },
  'held-by': {
    kind: 'text',
    value: 'HOLDER',
    help: 'instead of --kid: mark all keys that the `database` holds',
    choices: ['database'],
  },
} as const

/** `signing-key mark-compromised`: marks one key, or all keys in the database, as compromised. */
export const compromiseKey = defineCommand({
  help: [
    'Marks a leaked signing key as compromised, which ends every token and grant that it signed. Online verifiers refuse these tokens as soon as the command ends; offline verifiers refuse them after they fetch the JWKS again.',
    'If no other key is ready, the server refuses the call and nothing changes. With --force the server marks the key anyway, and issues no tokens (or no grants, or no signed introspection answers, as the purpose of the key says) until another key is ready.',
    '--held-by database marks all prepared, active and retiring keys that are not in a hardware token. Use it if the database has leaked together with its key-encryption key (KEK). If the command is interrupted, run it again: it marks the keys that are left.',
  ],
  examples: [
    {
      does: 'one key, which was found in a log',
      line: 'auth4agent signing-key mark-compromised --kid=NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs --reason "found in a log"',
    },
    {
      does: 'all keys in the database',
      line: 'auth4agent signing-key mark-compromised --held-by database --force --reason "KEK leaked"',
    },
  ],
  flags,
  async run(context) {
    const [kid, holder] = [context.flags.text('kid'), context.flags.text('held-by')]
    if ((kid === undefined) === (holder === undefined))
      throw usageError('Exactly one of --kid and --held-by database must be given')
    if (kid !== undefined) return compromiseOne(kid, context)
    if (holder !== 'database')
      throw usageError('--held-by must be `database`', 'Mark keys in a hardware token one by one: --kid KID')
    if (!context.flags.on('force')) {
      throw usageError(
        '--force is missing: this command leaves no ready key, so the server issues no tokens for some minutes',
        'To mark the keys anyway, add --force. The server then creates new keys.',
      )
    }
    return compromiseAll(holder, context)
  },
})

async function compromiseOne(given: string, context: Context<typeof flags>): Promise<void> {
  if (!KID.test(given))
    throw usageError(`${shown(given)} is not a key id`, '`auth4agent signing-key list` shows the key ids.')
  const administrator = await openAdministrator(context)
  const marked = await context.progress('marking', mark(administrator, given, context))
  const { kid, compromised_at, active_kid } = marked
  const told = { kid, compromised_at, 'signs now': active_kid }
  context.answer(marked, `key marked as compromised\n\n${lines(told)}`, [kid])
}

async function compromiseAll(holder: string, context: Context<typeof flags>): Promise<void> {
  const administrator = await openAdministrator(context)
  const { keys } = await context.progress('asking the server', administrator.keys.list())
  const leaked = ORDER.flatMap((state) => keys.filter((key) => key.state === state && key.held_by === holder))
  const compromised: CompromisedKey[] = []
  for (const { kid } of leaked) {
    compromised.push(await context.progress('marking', mark(administrator, kid, context)))
  }
  context.answer(
    { compromised },
    toText(leaked),
    compromised.map(({ kid }) => kid),
  )
}

function mark({ keys }: Administrator, kid: string, { flags: given }: Context<typeof flags>): Promise<CompromisedKey> {
  return keys.compromise(kid, { reason: given.text('reason'), ...(given.on('force') && { force: true }) })
}

function toText(leaked: readonly SigningKeyState[]): string {
  if (leaked.length === 0) return 'the database holds no prepared, active or retiring key'
  const rows = leaked.map(({ kid, purpose, alg, state }) => [kid, purpose ?? 'access_token', alg, state])
  return `keys marked as compromised\n\n${columns([['KID', 'PURPOSE', 'ALG', 'WAS'], ...rows])}`
}
