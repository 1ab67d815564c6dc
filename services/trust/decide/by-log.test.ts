import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { expect, it } from 'vitest'
import { decideByLog } from './by-log.ts'
import type { Rows } from './rows.ts'

type Look = { readonly basis: TrustBasis } | { readonly refused: 'no' }

const yes = (...edges: string[]) => ({ basis: { issuers: [], edges, authors: [] } })
const NO = { refused: 'no' } as const
// Only told apart, never asked.
const remembered = {} as Rows
const current = {} as Rows

/** Decides by two answers. Notes in which order all are asked. */
async function decide(
  answers: readonly [remembered: Look, current: Look],
  ended: readonly string[],
  unproven?: Verdict,
) {
  const asked: string[] = []
  const tokenStatus = {
    async checkTrust({ edges }: TrustBasis): Promise<Verdict | undefined> {
      asked.push(`log ${edges.join()}`)
      return edges.some((edge) => ended.includes(edge)) ? 'TRUST_ENDED' : undefined
    },
  }
  const look = async (rows: Rows) => {
    asked.push(rows === remembered ? 'remembered' : 'current')
    return answers[rows === remembered ? 0 : 1]
  }
  const prove = async () => {
    asked.push('proof')
    return unproven && { refused: unproven, isEnded: false }
  }
  const found = await decideByLog({ knowledge: { remembered, current }, tokenStatus }, look, prove)
  return { found, asked }
}

it.each<[string, Parameters<typeof decide>, unknown, string[]]>([
  ['a yes that has not ended', [[yes('a'), yes('b')], []], yes('a'), ['remembered', 'proof', 'log a']],
  ['a no', [[NO, yes('b')], []], { refused: 'no', isEnded: false }, ['remembered']],
  [
    'a sender without a proof',
    [[yes('a'), yes('b')], [], 'PROOF_REQUIRED'],
    { refused: 'PROOF_REQUIRED', isEnded: false },
    ['remembered', 'proof'],
  ],
  [
    'a yes that has ended, and is said again by other rows',
    [[yes('a'), yes('b')], ['a']],
    yes('b'),
    ['remembered', 'proof', 'log a', 'current', 'proof', 'log b'],
  ],
  [
    'a yes that has ended',
    [[yes('a'), NO], ['a']],
    { refused: 'no', isEnded: true },
    ['remembered', 'proof', 'log a', 'current'],
  ],
  [
    'rows that are older than the log',
    [
      [yes('a'), yes('b')],
      ['a', 'b'],
    ],
    { refused: 'TRUST_ENDED', isEnded: true },
    ['remembered', 'proof', 'log a', 'current', 'proof', 'log b'],
  ],
])('decideByLog: %s', async (_name, [answers, ended, unproven], found, asked) => {
  expect(await decide(answers, ended, unproven)).toEqual({ found, asked })
})
