import type { Administrator, CompromisedKey, SigningKeyState } from '@auth4agent/sdk'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { shown } from '../hidden.ts'
import { openAdministrator } from '../parties.ts'
import { columns, lines } from '../text.ts'

/** An RFC 7638 thumbprint. */
const KID = /^[A-Za-z0-9_-]{43}$/
/** Prepared keys come first: marked later, one of them would take over from an active one. */
const ORDER = ['prepared', 'retiring', 'active'] as const

const flags = {
  ...adminFlags,
  ...reasonFlag,
  force: { kind: 'boolean', help: 'although no other key is ready' },
  kid: { kind: 'text', value: 'KID', help: 'the key, as `keys list` shows it; some begin with a dash: --kid=KID' },
  'held-by': {
    kind: 'text',
    value: 'HOLDER',
    help: 'instead of one: every key that the `database` holds',
    choices: ['database'],
  },
} as const

/** Marks a key, or all that are held in one place, as compromised. */
export const compromiseKey = defineCommand({
  help: [
    'Takes a key out of use because others have it: every token it signed is refused online when this ends, offline when verifiers read the JWKS again.',
    'Where no other key is ready the server refuses and nothing has changed; with --force the key ends, and no token can be issued until one is ready.',
    '--held-by database marks all keys that sign or may yet sign and are not in hardware, because the database has leaked with its key-encryption key. It may break off anywhere: run again, it goes on.',
  ],
  examples: [
    {
      does: 'a key was found in a log',
      line: 'auth4agent keys compromise --kid=NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs --key data/admin-key.pem --reason "found in a log"',
    },
    {
      does: 'all of them',
      line: 'auth4agent keys compromise --held-by database --force --key data/admin-key.pem --reason "KEK leaked"',
    },
  ],
  flags,
  async run(context) {
    const [kid, holder] = [context.flags.text('kid'), context.flags.text('held-by')]
    if ((kid === undefined) === (holder === undefined)) throw usageError('either --kid or --held-by database is needed')
    if (kid !== undefined) return compromiseOne(kid, context)
    if (holder !== 'database') throw usageError('--held-by takes `database`: keys in hardware are marked one by one')
    if (!context.flags.on('force')) {
      throw usageError(
        'this leaves no key that is ready: no token can be issued until the server has made new ones, in minutes',
        'If that is meant: --force',
      )
    }
    return compromiseAll(holder, context)
  },
})

async function compromiseOne(given: string, context: Context<typeof flags>): Promise<void> {
  if (!KID.test(given)) throw usageError(`${shown(given)} is no id of a key`, '`auth4agent keys list` shows them.')
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
  if (leaked.length === 0) return 'the database holds no key that signs or may yet sign'
  return `keys marked as compromised\n\n${columns([['KID', 'ALG', 'WAS'], ...leaked.map(({ kid, alg, state }) => [kid, alg, state])])}`
}
