import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { openAdministrator, openOperator } from '../parties.ts'
import { readBodyFile } from '../secrets.ts'
import { shared } from '../shared-flags.ts'

const tokenFlags = {
  ...operatorFlags,
  rpc: { kind: 'text', value: 'CALL', help: 'the call: `METHOD /path` without query, or `package.Service/Method`' },
  method: { ...shared.method, more: 'together with --path instead of --rpc' },
  path: { kind: 'text', value: 'PATH', help: 'instead of --rpc, together with --method: the path without query' },
  body: {
    kind: 'text',
    value: 'BODY',
    help: 'the exact body of the request, which the assertion then demands: the text itself, @FILE, or - for standard input',
  },
  'no-body': { kind: 'boolean', help: 'instead of --body: the request has no body' },
  admin: shared.admin,
} as const

/** `assertion create`: prints an assertion. */
export const operatorToken = defineCommand({
  help: [
    'Prints an assertion, for curl, grpcurl and scripts. An assertion is a signed JWT that authenticates one call; it is not a token of an agent. The assertion is valid for one minute. For a call that changes something, the server accepts it only once.',
    'With --rpc the assertion is valid only for that call. Without --rpc it is valid for every call that only reads. Anyone who has the assertion can make these calls, so keep it out of logs.',
    'With --body or --no-body the assertion contains the digest of the body, and no other body is accepted. Operators can demand this for every change (`policy set --require-body-digest`). The body must be the same bytes that the other program sends: use its option for raw bytes, such as --data-binary of curl. A gRPC message has other bytes than its JSON.',
    'In a path, the tool replaces {operator} by the id of the operator.',
  ],
  examples: [
    {
      does: 'with curl',
      line: 'curl https://auth.example.com/v1/operators/$ID/audit -H "Authorization: Bearer $(auth4agent assertion create --rpc \'GET /v1/operators/{operator}/audit\')"',
    },
    {
      does: 'for a change with a body',
      line: "auth4agent assertion create --rpc 'POST /v1/operators/{operator}/end-all-tokens' --body @body.json",
    },
    {
      does: 'with grpcurl',
      line: 'grpcurl -H "authorization: Bearer $(auth4agent assertion create --rpc auth4agent.v1.IdentityService/ListAgents)" auth.example.com:443 auth4agent.v1.IdentityService/ListAgents',
    },
    {
      does: 'as the administrator',
      line: "auth4agent assertion create --admin --rpc 'GET /v1/keys'",
    },
  ],
  flags: tokenFlags,
  async run(context) {
    const { flags, answer } = context
    const rpc = readRpc(context)
    const body = await readBody(context, rpc)
    if (flags.on('admin')) {
      const assertion = await (await openAdministrator(context)).assert(rpc, body)
      return answer({ assertion, ...(rpc !== undefined && { rpc }) }, assertion, assertion)
    }
    const operator = await openOperator(context)
    const filled = rpc?.replaceAll('{operator}', operator.id)
    const assertion = await operator.assert(filled, body)
    answer({ assertion, ...(filled !== undefined && { rpc: filled }) }, assertion, assertion)
  },
})

/** Returns the bytes of the body for the digest, or undefined for an assertion without one. GET has no body. */
async function readBody(
  { flags, readStdin }: Context<typeof tokenFlags>,
  rpc: string | undefined,
): Promise<Uint8Array | string | undefined> {
  const given = flags.text('body')
  if (given !== undefined && flags.on('no-body')) throw usageError('--body and --no-body cannot be used together')
  const isNamed = given !== undefined || flags.on('no-body')
  if (rpc === undefined && isNamed) throw usageError('--body and --no-body need --rpc')
  if (given === undefined) return flags.on('no-body') || rpc?.startsWith('GET ') ? '' : undefined
  if (given === '-') return readStdin()
  return given.startsWith('@') ? readBodyFile(given.slice(1)) : given
}

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
