import { isDelegatedToken } from '@auth4agent/core/delegation/is-delegated'
import { defineCommand } from '../command.ts'
import { chainJson, chainText } from '../grants/chain-text.ts'
import { readGrantFile } from '../grants/grant-file.ts'
import { grantArgument, inspectChain, inspectFlags, SERVER_USE } from '../grants/inspect-chain.ts'
import { inspectToken } from '../grants/inspect-token.ts'
import { tokenJson, tokenText } from '../grants/token-text.ts'

/** `grant inspect`: shows every grant of a chain, or every party of a delegated token. */
export const inspectGrant = defineCommand({
  help: [
    'Shows a chain of grants: who gave each grant to whom, how it is narrower than the grant before, until when it is valid, and its state. The exit code is 1 if the chain is not valid.',
    'A delegated token, which comes from an exchange, is shown as well: who acts for whom, and what it allows.',
    SERVER_USE,
  ],
  examples: [
    { does: 'a chain in a file', line: 'auth4agent grant inspect chain.txt' },
    { does: 'a chain from a pipe, without a server', line: 'auth4agent grant inspect - --offline < chain.txt' },
  ],
  arguments: [{ ...grantArgument, required: true }],
  flags: inspectFlags,
  async run(context) {
    const nowS = context.now() / 1000
    const text = await readGrantFile(context)
    if (isDelegatedToken(text)) {
      const inspection = await inspectToken(context, text)
      const { finding } = inspection
      context.answer(tokenJson(inspection), tokenText(inspection, context.style), finding?.reason ?? 'valid')
      return finding === undefined ? 'ok' : 'refused'
    }
    const inspection = await inspectChain(context, text)
    const { finding } = inspection
    context.answer(chainJson(inspection, nowS), chainText(inspection, nowS, context.style), finding?.reason ?? 'valid')
    return finding === undefined ? 'ok' : 'refused'
  },
})
