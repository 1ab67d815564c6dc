import { expect } from 'vitest'
import type { Db } from '../../services/platform/db/db.ts'
import { authnState } from './authn-agents.ts'
import { refusalOf } from './reason-of.ts'

/** Expects that work is refused with a reason and changes nothing that authn keeps in the database. */
export async function expectRefusal(db: Db, work: () => Promise<unknown>, reason: string): Promise<void> {
  const before = await authnState(db)
  expect(await refusalOf(work())).toBe(reason)
  expect(await authnState(db)).toEqual(before)
}
