import { isUuid } from '@auth4agent/core/encoding/uuid'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import { shown } from '../hidden.ts'
import { openAdministrator } from '../parties.ts'
import { lines } from '../text.ts'

const ID = '0f7e9f3c-62d1-8a55-9b60-5f3d2c1b0a99'
const words = [{ name: 'OPERATOR', help: 'operator id, as `operator status` shows it', required: true }] as const

/** `operator suspend`: suspends an operator. */
export const suspendOperator = defineCommand({
  help: [
    'Suspends an operator. All tokens of its agents end, its agents get no new tokens, and the operator cannot change anything. `operator reinstate` ends the suspension. Only the administrator of the server can do this.',
  ],
  examples: [
    {
      does: 'stop an operator whose agents attack others',
      line: `auth4agent operator suspend ${ID} --reason abuse`,
    },
  ],
  arguments: words,
  flags: { ...adminFlags, ...reasonFlag },
  async run(context) {
    const id = operatorId(context.arguments)
    const { operators } = await openAdministrator(context)
    const suspended = await context.progress('suspending', operators.suspend(id, context.flags.text('reason')))
    const { status, suspended_at } = suspended
    context.answer(suspended, `operator suspended\n\n${lines({ id, status, suspended_at })}`, [id])
  },
})

/** `operator reinstate`: ends the suspension of an operator. */
export const reinstateOperator = defineCommand({
  help: [
    'Ends the suspension of an operator. Tokens from before the suspension stay ended. Only the administrator of the server can do this.',
  ],
  examples: [{ does: 'after a false alarm', line: `auth4agent operator reinstate ${ID}` }],
  arguments: words,
  flags: adminFlags,
  async run(context) {
    const id = operatorId(context.arguments)
    const reinstated = await context.progress('reinstating', (await openAdministrator(context)).operators.reinstate(id))
    const { status, reinstated_at } = reinstated
    context.answer(reinstated, `operator reinstated\n\n${lines({ id, status, reinstated_at })}`, [id])
  },
})

function operatorId([given = '']: readonly string[]): string {
  if (isUuid(given)) return given
  throw usageError(`${shown(given)} is not an operator id`, 'Give the UUID that `auth4agent operator status` shows.')
}
