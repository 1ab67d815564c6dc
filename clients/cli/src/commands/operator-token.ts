import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { openAdministrator, openOperator } from '../parties.ts'

const tokenFlags = {
  ...operatorFlags,
  rpc: { kind: 'text', value: 'CALL', help: 'the call: `METHOD /path` as it is sent, or `package.Service/Method`' },
  method: { kind: 'text', value: 'METHOD', help: 'the same in two: the HTTP method …' },
  path: { kind: 'text', value: 'PATH', help: '… and the path without its query' },
  admin: { kind: 'boolean', help: "the administrator's assertion, with the key of --key" },
} as const

/** Prints an assertion. */
export const operatorToken = defineCommand({
  help: [
    'Prints an assertion that authenticates one call, for curl, grpcurl and scripts. It is good for a minute, for that call, and for one change.',
    'Without --rpc it is good for calls that only read. It opens what it is made for to whoever has it: keep it out of logs.',
    '{operator} in a path stands for the id of the operator.',
  ],
  examples: [
    {
      does: 'with curl',
      line: 'curl https://auth.example.com/v1/operators/$ID/audit -H "Authorization: Bearer $(auth4agent operator token --rpc \'GET /v1/operators/{operator}/audit\')"',
    },
    {
      does: 'with grpcurl',
      line: 'grpcurl -H "authorization: Bearer $(auth4agent operator token --rpc auth4agent.v1.IdentityService/ListAgents)" auth.example.com:443 auth4agent.v1.IdentityService/ListAgents',
    },
    {
      does: 'as the administrator',
      line: "auth4agent operator token --admin --key data/admin-key.pem --rpc 'GET /v1/keys'",
    },
  ],
  flags: tokenFlags,
  async run(context) {
    const { flags, answer } = context
    const rpc = readRpc(context)
    if (flags.on('admin')) {
      if (flags.text('key') === undefined) throw usageError('missing: --key FILE, the key of the administrator')
      const assertion = await (await openAdministrator(context)).assert(rpc)
      return answer({ assertion, ...(rpc !== undefined && { rpc }) }, assertion, assertion)
    }
    const operator = await openOperator(context)
    const filled = rpc?.replaceAll('{operator}', operator.id)
    const assertion = await operator.assert(filled)
    answer({ assertion, ...(filled !== undefined && { rpc: filled }) }, assertion, assertion)
  },
})

function readRpc({ flags }: Context<typeof tokenFlags>): string | undefined {
  const [given, method, path] = [flags.text('rpc'), flags.text('method'), flags.text('path')]
  if ((method === undefined) !== (path === undefined)) throw usageError('--method and --path belong together')
  if (given !== undefined && method !== undefined) throw usageError('either --rpc, or --method and --path')
  const rpc = given ?? (method === undefined ? undefined : `${method} ${path}`)
  if (rpc === undefined) return undefined
  const isRest = /^[A-Z]+ \/[\x21-\x7e]*$/.test(rpc) && !/[?#]/.test(rpc)
  if (!isRest && !/^[\w.]+\/\w+$/.test(rpc)) {
    throw usageError(
      '--rpc is `METHOD /path` without a query, or `package.Service/Method`',
      "For example: --rpc 'GET /v1/operators/{operator}/audit'",
    )
  }
  return rpc
}
