import { rename, stat } from 'node:fs/promises'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { buildDidDocument } from '@auth4agent/core/identity/did-document'
import {
  createKeyFile,
  keyFileReference,
  pathsIn,
  readOperatorConfig,
  updateAgentConfig,
  updateOperatorConfig,
  writeText,
} from '@auth4agent/sdk/node'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { suppliedFlags } from '../common-flags.ts'
import type { Context, Place } from '../context.ts'
import { nextLine } from '../next-line.ts'
import { chooseServer, knowsServer, type ServerChoice } from '../parties.ts'
import { normalizeDomain } from '../server-address.ts'
import { shared } from '../shared-flags.ts'
import { indented, lines } from '../text.ts'

const LOCAL = 'http://localhost:8080'

const flags = {
  operator: { kind: 'boolean', help: 'create an operator instead of an agent' },
  domain: {
    kind: 'text',
    value: 'DOMAIN',
    help: 'domain of the operator',
    more: 'for an agent, by default the one of operator.json',
  },
  server: { ...suppliedFlags.server, more: 'http://localhost:8080 if the context has none' },
  issuer: suppliedFlags.issuer,
  output: { ...shared.output, more: 'the public data as JSON' },
  force: {
    ...shared.force,
    more: 'replace an existing agent or operator, whose key and configuration are kept under other names',
  },
} as const

/** `init`: creates the key and configuration of an agent or operator. It sends nothing to the server. */
export const init = defineCommand({
  help: [
    'Creates a new private key, and agent.json or operator.json. The private key never leaves this machine. The command prints the most important public data; --json prints all public data.',
    'It never overwrites a key. Keep a backup of the root key: an operator that loses it can no longer change anything.',
  ],
  examples: [
    { does: 'an operator', line: 'auth4agent init --operator --domain example.com --server https://auth.example.com' },
    { does: 'an agent of that domain', line: 'auth4agent init --domain example.com --server https://auth.example.com' },
    {
      does: 'a second agent, in its own folder',
      line: 'auth4agent init --domain example.com --config ~/agents/second',
    },
  ],
  flags,
  folder: 'made',
  async run(context) {
    const { flags, folder, place, answer, now } = context
    const role = flags.on('operator') ? 'operator' : 'agent'
    const common = { domain: await chooseDomain(context, role), ...(await chooseNewServer(context)) }
    await makeRoom(folder, role, flags.on('force') ? now() : undefined)
    const made = role === 'operator' ? await initOperator(folder, common) : await initAgent(folder, common)
    const output = flags.text('output')
    const result = 'did' in made ? made.did : made.root_public_key
    if (output === undefined) return answer(made, toText(made, place), result)
    await writeText(output, indented(made), { replacesLink: true })
    answer({ ...made, output }, `identity written to ${output}`, result)
  },
})

/** Returns the domain of --domain, or for an agent the domain of operator.json. Throws CliError without one. */
async function chooseDomain(
  { flags: given, folder }: Context<typeof flags>,
  role: 'operator' | 'agent',
): Promise<string> {
  const named = given.text('domain')
  if (named !== undefined) return normalizeDomain(named)
  const own = role === 'agent' ? (await readOperatorConfig(folder))?.domain : undefined
  if (own !== undefined && own !== '') return own
  throw usageError('Missing: --domain DOMAIN', '`auth4agent init --help` has examples.')
}

/** Returns the server of --server, or else of the context, or else the one on this machine. */
async function chooseNewServer(context: Context<typeof flags>): Promise<ServerChoice> {
  const { folder, flags: given } = context
  if (given.text('server') !== undefined || (await knowsServer(folder))) return chooseServer(context)
  return { server: LOCAL, issuer: given.text('issuer') }
}

type Made = Awaited<ReturnType<typeof initOperator> | ReturnType<typeof initAgent>>

function toText(made: Made, place: Place): string {
  const { mode, server } = made
  const told = 'did' in made ? { did: made.did } : { domain: made.domain, root_public_key: made.root_public_key }
  return `${mode} created\n\n${lines({ ...told, server, folder: place.folder })}\n\nnext:\n${nextLine(place, `${mode} register`)}`
}

interface Common {
  readonly domain: string
  readonly server: string
  readonly issuer: string | undefined
}

async function initOperator(folder: string, { domain, server, issuer }: Common) {
  const path = pathsIn(folder).operatorKey
  const root_public_key = encodeBase64((await createKeyFile(path)).publicKey)
  const key = keyFileReference(folder, path)
  const told = issuer === undefined ? {} : { issuer }
  await updateOperatorConfig(folder, { id: '', domain, server_url: server, root_public_key, key, ...told })
  return { mode: 'operator', domain, root_public_key, server }
}

async function initAgent(folder: string, { domain, server, issuer }: Common) {
  const path = pathsIn(folder).agentKey
  const { publicKey } = await createKeyFile(path)
  const did = formatDid(domain, fingerprint(publicKey))
  const public_key = encodeBase64(publicKey)
  // The server publishes this document after the agent becomes active.
  const did_document = buildDidDocument({ did, status: 'active', publicKey })
  const key = keyFileReference(folder, path)
  const told = issuer === undefined ? {} : { issuer }
  await updateAgentConfig(folder, { did, operator_id: '', server_url: server, public_key, key, did_document, ...told })
  return { mode: 'agent', did, public_key, did_document, server }
}

/**
 * Protects an existing key or configuration: throws CliError, or renames the files if `asideAt` (Unix milliseconds) is
 * given. The new names end with `asideAt`.
 */
async function makeRoom(folder: string, role: 'operator' | 'agent', asideAt: number | undefined): Promise<void> {
  const paths = pathsIn(folder)
  const present = []
  for (const path of role === 'operator' ? [paths.operatorKey, paths.operator] : [paths.agentKey, paths.agent]) {
    if (await stat(path).catch(() => undefined)) present.push(path)
  }
  if (present.length > 0 && asideAt === undefined) {
    throw configurationError(
      `The folder already contains an ${role}: ${present.join(', ')}`,
      'Use another folder (--config FOLDER), or --force, which keeps the old files under other names.',
    )
  }
  for (const path of present) await rename(path, `${path}.${asideAt}`)
}
