import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import { openAdministrator } from '../parties.ts'
import { lines } from '../text.ts'

/** `deployment end-all-tokens`: ends all tokens of a deployment. */
export const endDeploymentTokens = defineCommand({
  help: [
    'Ends every token of every operator, and makes every open challenge invalid. Use it after a restore from a backup, or if the challenge keys have leaked. Agents can sign in again at once. Only the administrator of the server can do this.',
  ],
  examples: [
    {
      does: 'after a restore',
      line: 'auth4agent deployment end-all-tokens --reason "restored from a backup"',
    },
  ],
  flags: { ...adminFlags, ...reasonFlag },
  async run(context) {
    const administrator = await openAdministrator(context)
    const ended = await context.progress('ending all tokens', administrator.endAllTokens(context.flags.text('reason')))
    const { minimum_epoch, ended_at } = ended
    context.answer(ended, `all tokens of the deployment ended\n\n${lines({ minimum_epoch, ended_at })}`, [
      String(minimum_epoch),
    ])
  },
})
