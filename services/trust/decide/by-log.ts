import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { TokenStatus } from '../../revocation/index.ts'
import type { Knowledge } from './knowledge.ts'
import type { Rows } from './rows.ts'

/** What decisions by rows and log need. */
export interface ByLogDeps {
  readonly knowledge: Pick<Knowledge, 'remembered' | 'current'>
  readonly tokenStatus: Pick<TokenStatus, 'checkTrust'>
}

/** A no. `isEnded`: what remembered rows allow has ended. */
interface No<R> {
  readonly refused: R | Verdict
  readonly isEnded: boolean
}

/**
 * Decides by remembered rows, then looks up in the revocation log what the answer rests on. If something of it has
 * ended, a newer statement may say the same again, so it decides once more by rows that are read now.
 *
 * The log is asked last of all that waits. So every end is seen whose call returned before this decision began.
 *
 * @param look decides by rows
 * @param prove what else a yes needs
 */
export async function decideByLog<Yes extends { readonly basis: TrustBasis }, R extends string>(
  { knowledge, tokenStatus }: ByLogDeps,
  look: (rows: Rows) => Promise<Yes | { readonly refused: R }>,
  prove: (found: Yes) => Promise<No<R> | undefined> = async () => undefined,
): Promise<Yes | No<R>> {
  const decide = async (rows: Rows, isAgain: boolean): Promise<Yes | No<R>> => {
    const found = await look(rows)
    if ('refused' in found) return { refused: found.refused, isEnded: isAgain }
    const unproven = await prove(found)
    if (unproven !== undefined) return unproven
    const ended = await tokenStatus.checkTrust(found.basis)
    if (ended === undefined) return found
    return isAgain ? { refused: ended, isEnded: true } : decide(knowledge.current, true)
  }
  return decide(knowledge.remembered, false)
}
