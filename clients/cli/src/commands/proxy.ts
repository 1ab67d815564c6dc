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

/** Signs the operator calls of tools that cannot. */
export const proxy = defineCommand({
  help: [
    "Listens on this machine and passes everything on to the server. Calls that need the operator's assertion get one, made with its key, so that tools and scripts that cannot sign keep working: give them the address that it prints as their server.",
    'The address has a secret in it. Whoever knows it may do what the operator may, for as long as the proxy runs: it is printed once, and the log is without it. Web pages are refused, and so is every other machine.',
    `Names for --allow: ${CALLS.join(', ')}. Calls of anyone need no signature and always pass.`,
  ],
  examples: [
    { does: 'for the tools of this hour', line: 'auth4agent proxy --port 8090' },
    {
      does: 'for a script, which reads the address',
      line: 'auth4agent proxy --prefix-file "$XDG_RUNTIME_DIR/auth4agent-proxy" --quiet',
    },
    { does: 'only to look', line: 'auth4agent proxy --read-only' },
    { does: 'only to stop agents', line: 'auth4agent proxy --allow suspend-agent --allow revoke-agent' },
  ],
  flags: {
    ...serverFlags,
    port: { kind: 'text', value: 'PORT', help: 'of 127.0.0.1; a free one unless told' },
    host: { kind: 'text', value: 'ADDRESS', help: '127.0.0.1, unless told ::1', choices: ['127.0.0.1', '::1'] },
    'prefix-file': {
      kind: 'text',
      value: 'FILE',
      help: 'write the address there too, readable by you alone, and remove it in the end',
    },
    allow: { kind: 'list', value: 'CALL', help: 'sign these calls alone; comma-separated or repeated', choices: CALLS },
    'read-only': { kind: 'boolean', help: 'sign only what changes nothing' },
  },
  async run(context) {
    const { flags, signal, stderr, json, quiet, answer, note, progress } = context
    const port = portOf(flags.text('port') ?? '0')
    const host = hostOf(flags.text('host') ?? '127.0.0.1')
    const signs = signsOf(flags.list('allow'), flags.on('read-only'))
    const { server, issuer, domain, operator } = await progress(
      'asking the server for its name',
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
      note(`signing for ${domain} at ${server}; Ctrl-C ends it`)
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
      `port ${options.port} cannot be listened on: ${codeOf(error)}`,
      'Choose another with --port, or none.',
    )
  }
}

function signsOf(lists: readonly string[], isReadOnly: boolean): (call: OperatorCall) => boolean {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim())
  return ({ name, reads }) => (names.length === 0 || names.includes(name)) && (reads || !isReadOnly)
}

/** What any other machine could reach is none. */
function hostOf(text: string): '127.0.0.1' | '::1' {
  if (text === '127.0.0.1' || text === '::1') return text
  throw usageError(
    '--host takes 127.0.0.1 or ::1',
    'Whoever reaches the proxy from elsewhere would read its secret on the way.',
  )
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw usageError(`--port takes a number up to 65535`)
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
