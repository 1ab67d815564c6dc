import { isServerIssuer } from '@auth4agent/core/identity/issuer-url'
import type { Agent, AgentOptions } from '../agent.ts'
import type { OtherDeployments, Traveller } from './other-deployments.ts'

/** An agent's tokens of other deployments, whose code may not be loaded yet. */
interface Away extends Pick<Agent, 'issuedFor' | 'forget'> {
  /** Adds the APIs of other deployments to a fetch that only knows those of the agent's own. */
  around(own: Agent['fetch']): Agent['fetch']
  clear(): void
}

/**
 * Prepares an agent's tokens of other deployments. Loads the code on demand, because most agents have only one server.
 * Throws TypeError if the option is wrong.
 */
export function openAway(
  { otherDeployments, grant }: Pick<AgentOptions, 'otherDeployments' | 'grant'>,
  agent: Omit<Traveller, 'allowed'>,
): Away {
  const allowed = readAllowed(otherDeployments)
  if (allowed !== undefined && grant !== undefined) {
    throw new TypeError('otherDeployments must be left out with `grant`, because a grant is for one deployment')
  }
  let loaded: OtherDeployments | undefined
  const load = async () => {
    agent.closing.throwIfAborted()
    const { openOtherDeployments } = await import('./other-deployments.ts')
    loaded ??= openOtherDeployments({ ...agent, allowed: allowed ?? true })
    return loaded
  }
  return {
    around: (own) => {
      if (allowed === undefined) return own
      return async (input, init, options) => {
        const answer = await (await load()).fetch(input, init, options)
        return answer ?? own(input, init, options)
      }
    },
    issuedFor: async (resource, options) => (await load()).issuedFor(resource, options),
    forget: (token) => loaded?.forget(token),
    clear: () => loaded?.clear(),
  }
}

function readAllowed(option: AgentOptions['otherDeployments']): Traveller['allowed'] | undefined {
  if (option === undefined || option === true) return option
  if (Array.isArray(option) && option.length > 0 && option.every((each) => isServerIssuer(each))) return option
  throw new TypeError(`otherDeployments must be true or a list of issuers, not ${JSON.stringify(option)}`)
}
