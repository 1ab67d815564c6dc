import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import { loadOperatorKey } from '../operator-key.ts'
import { listenFlags, listenOptions, runProxy } from '../proxy/listening.ts'
import { OPERATOR_CALLS, type OperatorCall } from '../proxy/operator-calls.ts'
import { startProxy } from '../proxy/proxy-server.ts'

const CALLS = OPERATOR_CALLS.map(({ name }) => name)

/** `operator proxy`: signs the operator calls of tools that cannot sign. */
export const proxy = defineCommand({
  help: [
    'Listens on this machine and forwards all requests to the server. It adds an operator assertion to calls that need one. Use it for tools and scripts that cannot sign: give them the printed address in place of the address of the server.',
    'The address contains a secret. Anyone who knows the address can act as the operator while the proxy runs. The proxy prints it once and never logs it. The proxy refuses requests from web pages and from other machines.',
    `Names for --allow: ${CALLS.join(', ')}. The proxy always forwards calls that need no assertion.`,
  ],
  examples: [
    { does: 'on a fixed port', line: 'auth4agent operator proxy --port 8090' },
    {
      does: 'for a script that reads the address from a file',
      line: 'auth4agent operator proxy --prefix-file "$XDG_RUNTIME_DIR/auth4agent-proxy" --quiet',
    },
    { does: 'sign only calls that read', line: 'auth4agent operator proxy --read-only' },
    {
      does: 'sign only calls that stop agents',
      line: 'auth4agent operator proxy --allow suspend-agent --allow revoke-agent',
    },
  ],
  flags: {
    ...serverFlags,
    ...listenFlags,
    allow: { kind: 'list', value: 'CALL', help: 'sign only these calls; separated by commas', choices: CALLS },
    'read-only': { kind: 'boolean', help: 'sign only calls that change nothing' },
  },
  async run(context) {
    const { flags, progress } = context
    const listening = listenOptions(context)
    const signs = signsOf(flags.list('allow'), flags.on('read-only'))
    const { server, issuer, domain, operator } = await progress(
      'asking the server for its issuer',
      loadOperatorKey(context),
    )
    const sign = (rpc: string, body: Uint8Array) => operator.assert(rpc, body)
    const start = () =>
      startProxy({ ...listening, server: new URL(server), issuer, operatorId: operator.id, sign, signs })
    const told = { server, operator_id: operator.id }
    const remark = `signing calls of ${domain} to ${server}`
    await runProxy(start, { told, remark, port: listening.port }, context)
  },
})

function signsOf(lists: readonly string[], isReadOnly: boolean): (call: OperatorCall) => boolean {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim())
  return ({ name, reads }) => (names.length === 0 || names.includes(name)) && (reads || !isReadOnly)
}
