import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
import { createAgent } from '@auth4agent/sdk'
import { loadSigningAgent } from '../agent-key.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { termsOf, tokenFlags } from '../get-token.ts'
import { serverOf } from '../parties.ts'
import { startApiProxy } from '../proxy/api-proxy.ts'
import { listenFlags, listenOptions, runProxy } from '../proxy/listening.ts'
import { shared } from '../shared-flags.ts'

/** `agent proxy`: sends requests of local tools to an API with the token of the agent. */
export const apiProxy = defineCommand({
  help: [
    "Listens on this machine and sends all requests to one API, with a token of the agent of agent.json. It renews the token. Use it for tools that cannot get tokens or cannot make DPoP proofs: give them the printed address in place of the API's address.",
    'The address contains a secret. Anyone who knows the address can act as the agent at this API while the proxy runs. The proxy prints it once and never logs it. The proxy refuses requests from web pages and from other machines.',
    'With --dpop the token is bound to a new key, which only the proxy has, and each request gets a new DPoP proof (RFC 9449). The token is then useless outside the proxy.',
  ],
  examples: [
    {
      does: 'an API that accepts only bound tokens',
      line: 'auth4agent agent proxy --api https://api.example.com --scope orders:read --aud https://api.example.com --dpop',
    },
    {
      does: 'for a script that reads the address from a file',
      line: 'auth4agent agent proxy --api https://api.example.com --scope orders:read --aud https://api.example.com --prefix-file "$XDG_RUNTIME_DIR/orders-api" --quiet',
    },
  ],
  flags: {
    ...tokenFlags,
    ...listenFlags,
    api: { kind: 'text', value: 'URL', help: 'address of the API: an origin, with or without a path', required: true },
    dpop: { ...shared.dpop, more: 'a new key, which only the proxy has' },
  },
  async run(context) {
    const { flags, fetchAnyway: fetch, signal, progress } = context
    const api = apiOf(flags.required('api'))
    const listening = listenOptions(context)
    const { agent, key, store } = await loadSigningAgent(context)
    const choice = serverOf(agent, context)
    const terms = termsOf(context)
    const { did } = agent
    // At Ctrl-C the proxy waits for running requests before it ends them.
    const client = makeAgent({ ...choice, ...terms, did, key: store ?? key, fetch, dpop: flags.on('dpop') })
    try {
      // The first token shows at once whether the agent may have it.
      await progress(`asking ${choice.server} for a token`, client.token({ signal }))
      const start = () => startApiProxy({ ...listening, api, fetch: (input, init) => client.fetch(input, init) })
      const remark = `sending requests of ${did} to ${api}`
      await runProxy(start, { told: { api, did }, remark, port: listening.port }, context)
    } finally {
      client.close()
    }
  },
})

/** Creates the agent. Throws CliError for scopes, audiences or lifetimes that no server accepts. */
function makeAgent(options: Parameters<typeof createAgent>[0]) {
  try {
    return createAgent(options)
  } catch (error) {
    throw error instanceof TypeError ? usageError(error.message) : error
  }
}

function apiOf(text: string): string {
  const isPlain = URL.canParse(text) && new URL(text).search === '' && new URL(text).hash === ''
  if (!isPlain || !isSecureUrl(text)) {
    throw usageError(
      '--api must be an https address, or http on this machine',
      'A token is only sent encrypted. For example: --api https://api.example.com',
    )
  }
  return new URL(text).href.replace(/\/+$/, '')
}
