import { grantRefusals } from '@auth4agent/core/delegation/refusal'
import { readUnverifiedChain } from '@auth4agent/core/delegation/sign-grant'
import { createAgent } from '@auth4agent/sdk'
import { loadSigningAgent } from '../agent-key.ts'
import { CliError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags, reasonFlag } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { readGrantFile } from '../grants/grant-file.ts'
import { grantArgument } from '../grants/inspect-chain.ts'
import { openOperator, serverOf } from '../parties.ts'
import { lines } from '../text.ts'

const revokeFlags = {
  ...operatorFlags,
  ...reasonFlag,
  'as-operator': {
    kind: 'boolean',
    aliases: ['operator'],
    help: 'revoke as the operator of operator.json, not as the agent of agent.json',
  },
  id: { kind: 'text', value: 'GRANT-ID', help: "as the holder's operator: the id of the grant, instead of FILE" },
} as const

/** `grant revoke`: revokes the last grant of a chain. */
export const revokeGrant = defineCommand({
  help: [
    'Revokes the last grant of a chain, and every grant that was made from it. Grants above it stay valid. Online verifiers refuse the chain as soon as the command ends.',
    "An agent can do this if it holds any grant of the chain. With --operator, the operator of the grant's holder, of its signer, or of the first agent can. With --id only the operator of the holder can; `auth4agent grant inspect` shows the ids with --json.",
  ],
  examples: [
    { does: 'as an agent in the chain', line: 'auth4agent grant revoke chain.txt' },
    { does: 'as an operator', line: 'auth4agent grant revoke chain.txt --as-operator --reason leaked' },
    {
      does: 'by id',
      line: 'auth4agent grant revoke --id zPq0pT0y4yZ0uVbYcC9mXJ3gk0m2y0v1f4B8yN9qF2I --reason leaked',
    },
  ],
  arguments: [grantArgument],
  flags: revokeFlags,
  async run(context) {
    const {
      flags,
      answer,
      progress,
      arguments: [file],
    } = context
    const [id, reason] = [flags.text('id'), flags.text('reason')]
    if ((file === undefined) === (id === undefined)) throw usageError('Exactly one of FILE and --id must be given')
    if (id === undefined && !flags.on('as-operator')) {
      if (reason !== undefined) throw usageError('--reason must come with --as-operator or --id')
      const revoked = await progress('revoking', revokeAsAgent(await readGrantFile(context), context))
      return answer({ grant_id: revoked }, `grant revoked\n\n${lines({ grant_id: revoked })}`, revoked)
    }
    const operator = await openOperator(context)
    const call =
      id === undefined ? operator.revokeGrant(await readGrantFile(context), reason) : operator.revokeToken(id, reason)
    const revoked = await progress('revoking', call)
    const { jti: grant_id, revoked_at, ended_operator_id: ended } = revoked
    const also = ended ? ', together with all tokens of the operator, because it already had 10,000 revoked ones' : ''
    answer({ grant_id, ...revoked }, `grant revoked${also}\n\n${lines({ grant_id, revoked_at })}`, grant_id)
  },
})

/** Revokes the last grant of a chain as an agent of the chain. Resolves with the id of the grant. */
async function revokeAsAgent(chain: string, context: Context<typeof revokeFlags>): Promise<string> {
  const { agent, key, store } = await loadSigningAgent(context)
  const choice = serverOf(agent, context)
  const read = await readUnverifiedChain(chain, choice.issuer ?? choice.server)
  if (!read.ok) throw refused(`${grantRefusals[read.reason]}: ${read.rule}`, read.reason)
  const { hops } = read.chain
  // The server says nothing about this, because its answer must not tell strangers what is a grant (RFC 7009).
  if (!hops.some(({ did }) => did === agent.did))
    throw refused('This agent holds no grant of the chain, so it can revoke none', 'GRANT_NOT_HELD')
  const client = createAgent({ ...choice, did: agent.did, key: store ?? key, fetch: context.fetch })
  await client.revoke(chain, { signal: context.signal }).finally(() => client.close())
  return hops.at(-1)?.id ?? ''
}

function refused(message: string, reason: string): CliError {
  return new CliError(message, { reason, exit: 'refused' })
}
