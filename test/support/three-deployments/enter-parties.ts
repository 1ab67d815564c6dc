import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathsIn } from '@auth4agent/sdk/node'
import {
  enterAgent,
  enterOperator,
  type PlayedOperator,
  proveDomain,
  type Scene,
} from '../../../clients/cli/src/demo/parties.ts'
import { CAST, type OperatorName, SCOPES, WITH_AGENT } from './cast.ts'
import type { Patiently } from './patience.ts'
import type { ExampleDeployment, ExampleDeployments } from './start-servers.ts'

/** An operator of the example. */
export interface Party extends PlayedOperator {
  readonly domain: string
  readonly home: ExampleDeployment
}

export type Parties = Readonly<Record<OperatorName, Party>>

/** Registers the operators of the example and their agents. Each gets the folder of its name, for the tool. */
export async function enterParties(
  deployments: ExampleDeployments,
  folder: string,
  patiently: Patiently,
): Promise<Parties> {
  const { alpha, beta, gamma } = deployments
  const enter = (home: ExampleDeployment, name: OperatorName, domain: string) =>
    enterParty(home, { domain, folder: join(folder, name), hasAgent: WITH_AGENT.includes(name), patiently })
  const { alpha: a, beta: b, gamma: c } = CAST
  const [acme, bolt, cargo, dock, guild, hall] = await Promise.all([
    enter(alpha, 'acme', a.operators.acme),
    enter(alpha, 'bolt', a.operators.bolt),
    enter(beta, 'cargo', b.operators.cargo),
    enter(beta, 'dock', b.operators.dock),
    enter(gamma, 'guild', c.operators.guild),
    enter(gamma, 'hall', c.operators.hall),
  ])
  return { acme, bolt, cargo, dock, guild, hall }
}

/** Registers an operator, publishes its record in DNS and confirms it. */
export async function enterParty(
  home: ExampleDeployment,
  {
    domain,
    folder,
    hasAgent = false,
    patiently,
  }: {
    readonly domain: string
    readonly folder: string
    readonly hasAgent?: boolean
    readonly patiently: Patiently
  },
): Promise<Party> {
  const { signal } = new AbortController()
  const scene: Scene = {
    server: home.url,
    issuer: home.issuer,
    domain,
    folder,
    fetch,
    fetchAnyway: fetch,
    signal,
    pause: (ms) => delay(ms),
    stillOwned: () => undefined,
    tell({ step, facts }) {
      if (step === 'record-wanted')
        home.zone.setTxt(String(facts['txt_record_name']), [String(facts['txt_record_value'])])
    },
  }
  const played = await patiently(`${domain} registers at ${home.name}`, async () => {
    // An earlier attempt has left its key, and the server may know it. A new key is another operator until the proof.
    await rm(folder, { recursive: true, force: true })
    return enterOperator(scene)
  })
  await patiently(`${domain} proves its domain at ${home.name}`, () => proveDomain(scene, played))
  if (hasAgent) {
    const { did } = await patiently(`${domain} registers an agent at ${home.name}`, async () => {
      await rm(pathsIn(folder).agentKey, { force: true })
      const { did, agent } = await enterAgent(scene, played)
      agent.close()
      return { did }
    })
    await patiently(`${domain} sets scopes`, () => played.operator.agents.setScopes(did, SCOPES))
  }
  return { ...played, domain, home }
}
