import { createAdministrator, type TrustQuestions } from '@auth4agent/sdk'
import { usageError } from './cli-error.ts'
import { operatorFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { chooseServer, openOperator } from './parties.ts'
import { readKey } from './secrets.ts'

/** Flags of the commands that ask about the graph of trust. */
export const askerFlags = {
  ...operatorFlags,
  admin: { kind: 'boolean', help: 'ask as the administrator; --key is then the file of the administrator key' },
} as const

/** Opens the operator, or with --admin the administrator. Throws CliError. */
export async function openAsker(context: Context<typeof askerFlags>): Promise<TrustQuestions> {
  const { flags, fetch, now } = context
  if (!flags.on('admin')) return openOperator(context)
  const file = flags.text('key')
  if (file === undefined) throw usageError('--admin needs --key', 'Name the file of the administrator key')
  const key = await readKey(file, context)
  return createAdministrator({ ...(await chooseServer(context)), key, fetch, now })
}
