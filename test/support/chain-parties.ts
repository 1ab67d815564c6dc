import { startInstance } from './authn.ts'
import { freshOperator, insertAgent, type TestHolder } from './authn-agents.ts'
import { testDatabase } from './database.ts'
import { ACCEPT, insertGrantKey } from './held-chains.ts'

/** Starts an instance over a new database with a key that signs grants. Drop the database at the end. */
export async function startChainInstance(options: Parameters<typeof startInstance>[1] = {}) {
  const database = await testDatabase()
  const instance = await startInstance(database.db, options)
  const key = await insertGrantKey(database.db)
  /** Asks as a service that accepts chains and has checked the proof itself. */
  const verify = (token: string, wanted: object = {}) => instance.verify(token, { ...ACCEPT, ...wanted })
  return { database, instance, key, verify }
}

/** Starts an instance, with three agents of two operators that can hold a chain: the first and last are of `acme`. */
export async function startChainParties() {
  const started = await startChainInstance()
  const { db } = started.database
  const acme = await freshOperator(db)
  const partner = await freshOperator(db)
  const agents = await Promise.all([acme, partner, acme].map((operator) => insertAgent(db, operator)))
  const at = (place: number): TestHolder => {
    const agent = agents[place]
    if (agent === undefined) throw new RangeError(`There is no agent ${place}`)
    return agent
  }
  return { ...started, acme, partner, agents, at }
}
