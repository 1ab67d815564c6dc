import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { openAdministrator, openOperator } from '../parties.ts'

const tokenFlags = {
  ...operatorFlags,
  rpc: { kind: 'text', value: 'CALL', help: 'the call: `METHOD /path` without query, or `package.Service/Method`' },
  method: { kind: 'text', value: 'METHOD', help: 'instead of --rpc, together with --path: the HTTP method' },
  path: { kind: 'text', value: 'PATH', help: 'instead of --rpc, together with --method: the path without query' },
  admin: { kind: 'boolean', help: 'sign as the administrator, with the key of --key' },
} as const

/** `operator token`: prints an assertion. */
export const operatorToken = defineCommand({
  help: [
    'Prints an assertion, for curl, grpcurl and scripts. An assertion is a signed JWT that authenticates one call; it is not a token of an agent. The assertion is valid for one minute. For a call that changes something, the server accepts it only once.',
    'With --rpc the assertion is valid only for that call. Without --rpc it is valid for every call that only reads. Anyone who has the assertion can make these calls, so keep it out of logs.',
    'In a path, the tool replaces {operator} by the id of the operator.',
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
      if (flags.text('key') === undefined)
        throw usageError('--key FILE is missing: --admin needs the file of the administrator key')
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
  if ((method === undefined) !== (path === undefined)) throw usageError('--method and --path must be used together')
  if (given !== undefined && method !== undefined)
    throw usageError('--rpc cannot be used together with --method and --path')
  const rpc = given ?? (method === undefined ? undefined : `${method} ${path}`)
  if (rpc === undefined) return undefined
  const isRest = /^[A-Z]+ \/[\x21-\x7e]*$/.test(rpc) && !/[?#]/.test(rpc)
  if (!isRest && !/^[\w.]+\/\w+$/.test(rpc)) {
    throw usageError(
      '--rpc must be `METHOD /path` without a query, or `package.Service/Method`',
      "For example: --rpc 'GET /v1/operators/{operator}/audit'",
    )
  }
  return rpc
}
