import { type Agent, Auth4AgentError } from '@auth4agent/sdk'
import { unexpected } from '../until-refused.ts'
import { type ApiAbroad, startApiAbroad } from './abroad.ts'
import type { FederationScene } from './scene.ts'

/** The agent of acme, which calls the API of dock. */
export interface CallAbroad {
  readonly agent: Agent
  readonly api: ApiAbroad
}

/** What each request of the agent is for, by its method, receiver and path. */
const MEANINGS: Readonly<Record<string, string>> = {
  'GET API /.well-known/oauth-protected-resource/v1': 'dock accepts tokens of B',
  'POST A /oauth/token': 'acme may go to B: a grant',
  'POST B /oauth/token': "for the grant: B's own token",
  'GET API /v1/orders': '200',
}

/** An agent calls an API of another deployment, and gets what it needs by itself. */
export async function callByFetch(scene: FederationScene, ending: AsyncDisposableStack): Promise<CallAbroad> {
  const { cast, tell } = scene
  const api = await startApiAbroad(cast, cast.dock)
  ending.defer(() => api.close())
  const agent = await cast.openAbroad(api.fetch)
  ending.defer(() => agent.close())
  const response = await agent.fetch(api.url)
  if (response.status !== 200) throw unexpected('the API', response.status, await response.text())
  const { scope } = await agent.issuedFor(cast.dock.audience)
  const steps = api.sent.flatMap(({ method, to, path }) => {
    const meaning = MEANINGS[`${method} ${to} ${path}`]
    return meaning === undefined ? [] : [`  ${`${method} ${to}`.padEnd(10)} ${meaning}`]
  })
  tell({
    step: 'called-abroad',
    title: 'The agent of acme calls the API of dock: agent.fetch(url)',
    lines: [
      `GET ${api.url}: ${response.status}`,
      'The SDK has done this for it:',
      ...steps,
      `The token is bound to the key of the agent. Its scope at dock: ${scope}`,
    ],
    facts: {
      url: api.url,
      status: response.status,
      scope,
      requests: api.sent.map(({ method, to }) => `${method} ${to}`),
    },
  })
  return { agent, api }
}

/** Calls again, and returns the reason of the refusal. */
export async function refusalOfFetch({ agent, api }: CallAbroad): Promise<string> {
  try {
    const { status } = await agent.fetch(api.url)
    return String(status)
  } catch (error) {
    if (error instanceof Auth4AgentError) return error.reason
    throw error
  }
}
