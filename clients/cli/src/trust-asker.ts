import type { TrustQuestions } from '@auth4agent/sdk'
import { operatorFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { openAdministrator, openOperator } from './parties.ts'

/** Flags of the commands that ask about the graph of trust. */
export const askerFlags = {
  ...operatorFlags,
  admin: { kind: 'boolean', help: 'ask as the administrator; --key is then the file of the administrator key' },
} as const

/** Opens the operator, or with --admin the administrator. Throws CliError. */
export async function openAsker(context: Context<typeof askerFlags>): Promise<TrustQuestions> {
  return context.flags.on('admin') ? openAdministrator(context) : openOperator(context)
}
