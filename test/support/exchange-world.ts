import { startInstance, type TestInstance } from './authn.ts'
import { freshOperator, insertAgent, type TestHolder } from './authn-agents.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { chainThrough, insertGrantKey, type TestGrantKey } from './held-chains.ts'
import type { TestOperator } from './identity.ts'

type Three<T> = readonly [T, T, T]

/** An instance with a chain through agents of three operators. */
export interface ExchangeWorld {
  readonly database: TestDatabase
  readonly instance: TestInstance
  readonly key: TestGrantKey
  readonly operators: Three<TestOperator>
  readonly holders: Three<TestHolder>
  readonly chain: string
}

/** Starts the world of a test of exchanges. The caller drops its database. */
export async function startExchangeWorld(): Promise<ExchangeWorld> {
  const database = await testDatabase()
  const { db } = database
  const instance = await startInstance(db)
  const key = await insertGrantKey(db)
  const operators = [await freshOperator(db), await freshOperator(db), await freshOperator(db)] as const
  const [first, second, third] = operators
  const holders = [await insertAgent(db, first), await insertAgent(db, second), await insertAgent(db, third)] as const
  return { database, instance, key, operators, holders, chain: await chainThrough(key, holders) }
}
