import { writeText } from '@auth4agent/sdk/node'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags, reasonFlag } from '../common-flags.ts'
import { keySetFlags } from '../key-set.ts'
import { approvalLines } from '../next-line.ts'
import { openOperator, openRoot } from '../parties.ts'
import { writeRequest } from '../request-file.ts'
import { normalizeDomain } from '../server-address.ts'
import { shared } from '../shared-flags.ts'
import { lines, plain } from '../text.ts'

/** `operator end-all-tokens`: ends all tokens of the operator's agents. */
export const endAllTokens = defineCommand({
  help: [
    'Ends every token of every agent of the operator. Online verifiers refuse all of them as soon as the command ends. Agents stay active and can get new tokens at once; `auth4agent agent suspend` stops an agent.',
  ],
  examples: [
    {
      does: 'after a log with tokens has leaked',
      line: 'auth4agent operator end-all-tokens --reason "tokens in a log"',
    },
  ],
  flags: { ...operatorFlags, ...reasonFlag },
  async run(context) {
    const operator = await openOperator(context)
    const ended = await context.progress('ending all tokens', operator.endAllTokens(context.flags.text('reason')))
    const { epoch, ended_at } = ended
    context.answer(ended, `all tokens ended\n\n${lines({ id: operator.id, epoch, ended_at })}`, [String(epoch)])
  },
})

/** `operator release-domain`: gives up the domain for good. */
export const releaseDomain = defineCommand({
  help: [
    'Gives up the domain for good. All tokens end, and no agent can get a new token. The next operator that proves the domain gets it without delay. This cannot be undone.',
    'The command gives up the domain only if --confirm-name names the same domain. If the operator has a threshold, --prepare FILE writes the request that further root keys approve.',
  ],
  examples: [
    {
      does: 'after the sale of the domain',
      line: 'auth4agent operator release-domain --confirm-name example.com --reason "domain sold"',
    },
  ],
  flags: {
    ...operatorFlags,
    ...reasonFlag,
    'confirm-name': shared['confirm-name'],
    prepare: keySetFlags.prepare,
  },
  async run(context) {
    const { flags, progress, answer } = context
    const operator = await openRoot(context)
    const { domain } = await progress('asking the server', operator.status())
    const meant = flags.text('confirm-name')
    if (meant === undefined) {
      throw usageError(
        `--confirm-name is missing: this command gives up ${domain} for good and ends all tokens of its agents`,
        `To give up this domain, add --confirm-name ${plain(domain)}`,
      )
    }
    const named = normalizeDomain(meant)
    if (named !== domain) {
      throw usageError(
        `--confirm-name names ${named}, but the domain of this operator is ${domain}`,
        `To give up the domain of this operator, use --confirm-name ${plain(domain)}`,
      )
    }
    const file = flags.text('prepare')
    if (file !== undefined) {
      const request = operator.prepareRelease(flags.text('reason'))
      await writeText(file, writeRequest(request), { replacesLink: true })
      const how = approvalLines(context.place, file)
      return answer({ prepared: file }, `request written to ${file}\n\nnext:\n${how}`, file)
    }
    const released = await progress('giving up the domain', operator.release(flags.text('reason')))
    const { id, status, released_at } = released
    answer(released, `domain given up\n\n${lines({ id, domain, status, released_at })}`, [id])
  },
})
