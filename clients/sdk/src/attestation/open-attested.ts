import type { AgentOptions } from '../agent.ts'
import type { AgentKeys } from '../key-events/agent-keys.ts'
import { listSources } from './evidence-source.ts'
import type { Attested, Attesting, FirstResults } from './keep-attested.ts'

/**
 * Adds attestation to the work that an agent does with its key, if the agent has the option `attest`. Loads the code
 * on demand, because most agents do not attest. Throws TypeError if an option is wrong.
 */
export function openAttested(
  { attest, operator }: Pick<AgentOptions, 'attest' | 'operator'>,
  agent: Omit<Attesting, 'operator' | 'sources' | 'first'>,
  first?: FirstResults,
): (keys: AgentKeys) => AgentKeys {
  if (attest === undefined) {
    if (operator !== undefined) throw new TypeError('The option operator is only for an agent with `attest` or `enrol`')
    return (keys) => keys
  }
  if (operator === undefined) throw new TypeError('The option attest needs the option operator')
  const sources = listSources(attest)
  let attested: Promise<Attested> | undefined
  const load = async () => {
    const { keepAttested } = await import('./keep-attested.ts')
    return keepAttested({ ...agent, operator, sources, first })
  }
  return (keys) => ({
    ...keys,
    use: (work) =>
      keys.use(async (signer) => {
        attested ??= load()
        return (await attested).around(signer, () => work(signer))
      }),
  })
}
