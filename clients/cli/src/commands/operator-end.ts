import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags, reasonFlag } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { normalizeDomain } from '../server-address.ts'
import { lines, plain } from '../text.ts'

/** Ends all tokens of the operator's agents. */
export const endAllTokens = defineCommand({
  help: [
    'Ends every token of every agent of the operator. When this ends, no online verification accepts one of them. Agents stay active and get new tokens as soon as they ask; `auth4agent revoke suspend` stops an agent.',
  ],
  examples: [
    { does: 'a log with tokens has leaked', line: 'auth4agent operator end-all-tokens --reason "tokens in a log"' },
  ],
  flags: { ...operatorFlags, ...reasonFlag },
  async run(context) {
    const operator = await openOperator(context)
    const ended = await context.progress('ending all tokens', operator.endAllTokens(context.flags.text('reason')))
    const { epoch, ended_at } = ended
    context.answer(ended, `all tokens ended\n\n${lines({ id: operator.id, epoch, ended_at })}`, [String(epoch)])
  },
})

/** Gives the domain up for good. */
export const releaseDomain = defineCommand({
  help: [
    'Gives the domain up for good: all tokens end, no agent gets another, and whoever proves the domain next has it at once. It cannot be taken back.',
    'It does nothing unless --yes repeats the domain.',
  ],
  examples: [
    { does: 'the domain has been sold', line: 'auth4agent operator release --yes example.com --reason "domain sold"' },
  ],
  flags: {
    ...operatorFlags,
    ...reasonFlag,
    yes: { kind: 'text', value: 'DOMAIN', help: 'the domain to give up, to show that it is meant' },
  },
  async run(context) {
    const { flags, progress, answer } = context
    const operator = await openOperator(context)
    const { domain } = await progress('asking the server', operator.status())
    const meant = flags.text('yes')
    if (meant === undefined || normalizeDomain(meant) !== domain) {
      throw usageError(
        `this would give ${domain} up for good, and end all tokens of its agents`,
        `If that is meant, say so: --yes ${plain(domain)}`,
      )
    }
    const released = await progress('giving the domain up', operator.release(flags.text('reason')))
    const { id, status, released_at } = released
    answer(released, `domain given up\n\n${lines({ id, domain, status, released_at })}`, [id])
  },
})
