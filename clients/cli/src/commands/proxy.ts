import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import type { Writer } from '../context.ts'
import { loadOperatorKey } from '../operator-key.ts'
import { removeAddressFile, writeAddressFile } from '../proxy/address-file.ts'
import { OPERATOR_CALLS, type OperatorCall } from '../proxy/operator-calls.ts'
import { type Proxy, type ProxyEntry, type ProxyOptions, startProxy } from '../proxy/proxy-server.ts'
import { compact } from '../text.ts'

const CALLS = OPERATOR_CALLS.map(({ name }) => name)
const PREFIX_BYTES = 16

/** `proxy`: signs the operator calls of tools that cannot sign. */
export const proxy = defineCommand({
  help: [
    'Listens on this machine and forwards all requests to the server. It adds an operator assertion to calls that need one. Use it for tools and scripts that cannot sign: give them the printed address in place of the address of the server.',
    'The address contains a secret. Anyone who knows the address can act as the operator while the proxy runs. The proxy prints it once and never logs it. The proxy refuses requests from web pages and from other machines.',
    `Names for --allow: ${CALLS.join(', ')}. The proxy always forwards calls that need no assertion.`,
  ],
  examples: [
    { does: 'on a fixed port', line: 'auth4agent proxy --port 8090' },
    {
      does: 'for a script that reads the address from a file',
      line: 'auth4agent proxy --prefix-file "$XDG_RUNTIME_DIR/auth4agent-proxy" --quiet',
    },
    { does: 'sign only calls that read', line: 'auth4agent proxy --read-only' },
    { does: 'sign only calls that stop agents', line: 'auth4agent proxy --allow suspend-agent --allow revoke-agent' },
  ],
  flags: {
    ...serverFlags,
    port: { kind: 'text', value: 'PORT', help: 'port to listen on; a free one by default' },
    host: {
      kind: 'text',
      value: 'ADDRESS',
      help: 'address to listen on; 127.0.0.1 by default',
      choices: ['127.0.0.1', '::1'],
    },
    'prefix-file': {
      kind: 'text',
      value: 'FILE',
      help: 'write the address to this file too, readable only by you, and remove it at the end',
    },
    allow: { kind: 'list', value: 'CALL', help: 'sign only these calls; separated by commas', choices: CALLS },
    'read-only': { kind: 'boolean', help: 'sign only calls that change nothing' },
  },
  async run(context) {
    const { flags, signal, stderr, json, quiet, answer, note, progress } = context
    const port = portOf(flags.text('port') ?? '0')
    const host = hostOf(flags.text('host') ?? '127.0.0.1')
    const signs = signsOf(flags.list('allow'), flags.on('read-only'))
    const { server, issuer, domain, operator } = await progress(
      'asking the server for its issuer',
      loadOperatorKey(context),
    )
    const running = await listen({
      server: new URL(server),
      issuer,
      prefix: randomBytes(PREFIX_BYTES).toString('hex'),
      operatorId: operator.id,
      sign: (rpc) => operator.assert(rpc),
      signs,
      onRequest: quiet ? () => undefined : (entry) => log(stderr, entry, json),
      host,
      port,
    })
    const file = flags.text('prefix-file')
    try {
      if (file !== undefined) await writeAddressFile(file, running.url)
      answer({ url: running.url, server, operator_id: operator.id }, running.url, running.url)
      note(`signing calls of ${domain} to ${server}; press Ctrl-C to stop`)
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      if (file !== undefined) await removeAddressFile(file, running.url)
      await running.close()
    }
  },
})

async function listen(options: ProxyOptions): Promise<Proxy> {
  try {
    return await startProxy(options)
  } catch (error) {
    throw configurationError(
      `Port ${options.port} cannot be opened: ${codeOf(error)}`,
      'Choose another port with --port, or omit --port.',
    )
  }
}

function signsOf(lists: readonly string[], isReadOnly: boolean): (call: OperatorCall) => boolean {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim())
  return ({ name, reads }) => (names.length === 0 || names.includes(name)) && (reads || !isReadOnly)
}

/** Reads --host. Throws CliError for an address that other machines can reach. */
function hostOf(text: string): '127.0.0.1' | '::1' {
  if (text === '127.0.0.1' || text === '::1') return text
  throw usageError(
    '--host must be 127.0.0.1 or ::1',
    'On any other address the secret would cross the network unencrypted.',
  )
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw usageError('--port must be a number from 0 to 65535')
  return port
}

function log({ write }: Writer, entry: ProxyEntry, json: boolean): void {
  const { method, path = '-', status, signed, refused } = entry
  const remark = signed === undefined ? '' : ` signed as ${signed}`
  write(
    `${json ? compact(entry) : `${method} ${path} ${status}${remark}${refused === undefined ? '' : ` ${refused}`}`}\n`,
  )
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
