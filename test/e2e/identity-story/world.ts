import { type Agent, createAgent, type Operator, type Signer } from '@auth4agent/sdk'
import { loadOperationalKey, loadSigner, readOperatorConfig } from '@auth4agent/sdk/node'
import { type PublicServer, provenOperatorAt, startPublicServer } from '../../support/public-server.ts'
import type { Environment } from '../../support/server.ts'
import { newPerson, type Person } from '../operator-team/person.ts'

/** Long enough to object in time on a busy machine. */
const RECOVERY_DELAY = '8s'

/** The servers of two companies, and the people and operators of the story. */
export interface World extends AsyncDisposable {
  /** The server of alice and bob, and of mallory. */
  readonly here: PublicServer
  /** The server of bravo. */
  readonly there: PublicServer
  readonly alice: Person
  readonly bob: Person
  readonly mallory: Operator
  readonly bravo: Operator
  /** Returns an agent that works with a key until the end of the story. */
  readonly agentAt: (server: PublicServer, did: string, key: Signer) => Agent
}

/** Starts the servers, and proves the domains of mallory and bravo. */
export async function startWorld(): Promise<World> {
  await using started = new AsyncDisposableStack()
  const start = async (env?: Environment) => {
    const server = await startPublicServer(env)
    started.defer(() => server.stop())
    return server
  }
  const here = await start({ AUTH4AGENT_RECOVERY_DELAY: RECOVERY_DELAY, AUTH4AGENT_SCHEDULE_INTERVAL: '1s' })
  const there = await start()
  const [alice, bob] = [started.use(await newPerson()), started.use(await newPerson())]
  const mallory = await provenOperatorAt(here, 'mallory.example.net')
  const bravo = await provenOperatorAt(there, 'bravo.example.org')
  const all = started.move()
  return {
    here,
    there,
    alice,
    bob,
    mallory,
    bravo,
    agentAt({ issuer: server }, did, key) {
      const agent = createAgent({ server, did, key, scopes: ['read'] })
      all.defer(() => agent.close())
      return agent
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Loads a person's root key, or the operational key with a label, from the files of the tool. */
export async function loadKey(person: Person, label?: string): Promise<Signer> {
  const folder = person.file('.auth4agents')
  const config = await readOperatorConfig(folder)
  if (config === undefined) throw new Error('The person must have joined an operator')
  return label === undefined ? loadSigner(folder, config) : loadOperationalKey(folder, config, label)
}
