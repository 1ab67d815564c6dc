import { expect, it } from 'vitest'
import { verifyGrantChain } from '../../../../services/revocation/verify-grant-chain.ts'
import {
  CHAIN_ISSUER,
  chainOf,
  countingKeys,
  details,
  ISSUED,
  PAY,
  READ,
} from '../../../../test/support/grant-chains.ts'
import { narrowingText } from './narrowing-text.ts'

const amount = (max: number) => ({ constraint_type: 'range', max })
const any = { constraint_type: 'wildcard' }
const optionalNote = { ...any, optional: true }
const SAME = { exp: ISSUED + 3600 }

it.each<[name: string, root: object, child: object, lines: readonly string[]]>([
  ['nothing', { [READ]: {} }, { [READ]: {} }, []],
  ['a capability less', { [READ]: {}, [PAY]: {} }, { [READ]: {} }, [`without ${PAY}`]],
  [
    'a smaller amount',
    { [PAY]: { amount: amount(500) } },
    { [PAY]: { amount: amount(100) } },
    [`${PAY}: amount must be at most 100, not only at most 500`],
  ],
  [
    'a named argument under any arguments',
    { [PAY]: {} },
    { [PAY]: { amount: amount(5) } },
    [
      `${PAY}: amount must be at most 5, not only any value`,
      `${PAY}: amount is required`,
      `${PAY}: no other arguments`,
    ],
  ],
  [
    'an optional argument less',
    { [PAY]: { amount: amount(5), note: optionalNote } },
    { [PAY]: { amount: amount(5) } },
    [`${PAY}: without the argument note`],
  ],
  [
    'an argument whose name reads like a limit',
    { [PAY]: { amount: amount(5), 'amount is required; note': optionalNote } },
    { [PAY]: { amount: amount(5) } },
    [`${PAY}: without the argument "amount is required; note"`],
  ],
  [
    'an optional argument that is required now',
    { [PAY]: { note: optionalNote } },
    { [PAY]: { note: any } },
    [`${PAY}: note is required`],
  ],
])('narrowingText names %s', async (_name, root, child, lines) => {
  expect(
    await narrowingOf({ authorization_details: details(root) }, { authorization_details: details(child) }),
  ).toEqual(lines)
})

it('narrowingText names depth, domains and lifetime', async () => {
  const domains = { a4a_to: ['acme.test', 'b.test', 'c.test'] }
  const narrower = { a4a_to: ['acme.test'], del_max_depth: 3, exp: ISSUED + 3000 }
  expect(await narrowingOf(domains, narrower)).toEqual([
    'may be handed on to depth 3, not 8',
    'not to agents of b.test, c.test',
    'expires 600 s earlier',
  ])
})

async function narrowingOf(root: object, child: object): Promise<readonly string[]> {
  const chain = chainOf(1, { 0: { claims: { ...root } }, 1: { claims: { ...SAME, ...child } } })
  const verified = await verifyGrantChain(chain, { issuer: CHAIN_ISSUER, keys: countingKeys() })
  if (!verified.ok) throw new Error(verified.rule)
  const [parent, hop] = verified.chain.hops
  if (parent === undefined || hop === undefined) throw new Error('The chain must have two grants')
  return narrowingText(hop, parent)
}
