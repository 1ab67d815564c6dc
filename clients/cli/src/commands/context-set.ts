import { readAgentConfig, readOperatorConfig, updateAgentConfig, updateOperatorConfig } from '@auth4agent/sdk/node'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { suppliedFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { readKey } from '../secrets.ts'
import { checkServer } from '../server-address.ts'
import { administratorKeyReference, readServerConfig, updateServerConfig } from '../server-config.ts'
import { lines } from '../text.ts'

const NONE = 'none'

const setFlags = {
  server: { ...suppliedFlags.server, more: 'all later commands use it', aliases: ['url'] },
  issuer: { ...suppliedFlags.issuer, more: 'only with --server' },
  'administrator-key': {
    kind: 'text',
    value: 'FILE',
    help: 'file of the private administrator key, such as data/admin-key.pem; `none` forgets it',
  },
} as const

/** `context set`: changes what the context supplies. */
export const setContext = defineCommand({
  help: [
    'Changes the server of the context, in agent.json and operator.json. An operator id is valid on one server only, so register again if the address belongs to another server.',
    'Without agent and operator it writes server.json, so that a folder of an administrator or of a service names its server too. The administrator key stays where it is: server.json has the path of its file.',
  ],
  examples: [
    { does: 'the server has a new address', line: 'auth4agent context set --server https://auth.example.com' },
    {
      does: 'the address differs from the issuer',
      line: 'auth4agent context set --server http://127.0.0.1:8080 --issuer http://localhost:8080',
    },
    {
      does: 'a context of the administrator',
      line: 'auth4agent context set --context admin --server https://auth.example.com --administrator-key data/admin-key.pem',
    },
  ],
  flags: setFlags,
  folder: 'made',
  async run(context) {
    const { flags, folder, answer } = context
    const server_url = flags.text('server') && checkServer(flags.text('server') ?? '')
    const issuer = flags.text('issuer') ?? ''
    if (server_url === undefined && issuer !== '') throw usageError('--issuer needs --server')
    const administrator_key = await keyReferenceOf(context)
    if (server_url === undefined && administrator_key === undefined)
      throw usageError('Name what to change: --server URL or --administrator-key FILE')
    const updated = server_url === undefined ? [] : await setServer(folder, server_url, issuer)
    if (administrator_key !== undefined) await updateServerConfig(folder, { administrator_key })
    const told = {
      ...(server_url !== undefined && { server_url }),
      ...(issuer !== '' && { issuer }),
      ...(administrator_key !== undefined && { administrator_key }),
    }
    const text = lines({
      'Server URL updated to': server_url,
      'Administrator key': administrator_key === '' ? NONE : administrator_key,
    })
    answer({ ...told, updated }, text, server_url ?? folder)
  },
})

/**
 * Returns the path of the administrator key for server.json, empty to forget it. Rejects unless it has a private key.
 */
async function keyReferenceOf(context: Context<typeof setFlags>): Promise<string | undefined> {
  const file = context.flags.text('administrator-key')
  if (file === undefined || file === NONE) return file && ''
  if (file === '-') throw usageError('--administrator-key must name a file, because later commands read it again')
  await readKey(file, context)
  return administratorKeyReference(context.folder, file)
}

/** Writes the server into each file of the folder that names one, or else into a new server.json. */
async function setServer(folder: string, server_url: string, issuer: string): Promise<readonly string[]> {
  const [agent, operator] = [await readAgentConfig(folder), await readOperatorConfig(folder)]
  const isAlone = agent === undefined && operator === undefined
  const own = await readServerConfig(folder)
  const changes = (before: string | undefined) => ({ server_url, ...((issuer !== '' || before) && { issuer }) })
  if (agent !== undefined) await updateAgentConfig(folder, changes(agent.issuer))
  if (operator !== undefined) await updateOperatorConfig(folder, changes(operator.issuer))
  const isOwn = isAlone || (own?.server_url ?? '') !== ''
  if (isOwn) await updateServerConfig(folder, changes(own?.issuer))
  return [...(agent ? ['agent'] : []), ...(operator ? ['operator'] : []), ...(isOwn ? ['server'] : [])]
}
