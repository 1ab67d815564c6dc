import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { configurationError, usageError } from '../cli-error.ts'
import type { Context, Writer } from '../context.ts'
import { compact } from '../text.ts'
import { removeAddressFile, writeAddressFile } from './address-file.ts'
import type { LocalServerOptions, Proxy, ProxyEntry } from './local-server.ts'

const PREFIX_BYTES = 16

/** The flags of a proxy on this machine. */
export const listenFlags = {
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
} as const

type Listening = Context<typeof listenFlags>

/** Reads the flags of {@link listenFlags}, and makes a secret prefix. Throws CliError. */
export function listenOptions({ flags, stderr, json, quiet }: Listening): LocalServerOptions {
  return {
    port: portOf(flags.text('port') ?? '0'),
    host: hostOf(flags.text('host') ?? '127.0.0.1'),
    prefix: randomBytes(PREFIX_BYTES).toString('hex'),
    onRequest: quiet ? () => undefined : (entry) => log(stderr, entry, json),
  }
}

/**
 * Runs a proxy until the tool is stopped. It prints the address with the members of `told`, writes it to the file of
 * --prefix-file, and prints `remark`. Rejects with CliError if the port cannot be opened.
 */
export async function runProxy(
  start: () => Promise<Proxy>,
  { told, remark, port }: { readonly told: object; readonly remark: string; readonly port: number },
  { flags, signal, answer, note }: Listening,
): Promise<void> {
  const running = await start().catch((error: unknown) => {
    throw configurationError(
      `Port ${port} cannot be opened: ${codeOf(error)}`,
      'Choose another port with --port, or omit --port.',
    )
  })
  const file = flags.text('prefix-file')
  try {
    if (file !== undefined) await writeAddressFile(file, running.url)
    answer({ url: running.url, ...told }, running.url, running.url)
    note(`${remark}; press Ctrl-C to stop`)
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    if (file !== undefined) await removeAddressFile(file, running.url)
    await running.close()
  }
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
