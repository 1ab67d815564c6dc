import type { TrustQuestions } from '@auth4agent/sdk'
import { operatorFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { openAdministrator, openOperator } from './parties.ts'
import { shared } from './shared-flags.ts'

/** Flags of the commands that ask about the graph of trust. */
export const askerFlags = {
  ...operatorFlags,
  admin: shared.admin,
} as const

/** Opens the operator, or with --admin the administrator. Throws CliError. */
export async function openAsker(context: Context<typeof askerFlags>): Promise<TrustQuestions> {
  return context.flags.on('admin') ? openAdministrator(context) : openOperator(context)
}
