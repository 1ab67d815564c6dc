import { describe, expect, it } from 'vitest'
import { verifyGrantChain } from '../../../../services/revocation/verify-grant-chain.ts'
import { CHAIN_ISSUER, chainOf, countingKeys, lastOf } from '../../../../test/support/grant-chains.ts'
import { ownGrants, REFUSED_GRANTS, REFUSED_TEXTS } from '../../../../test/support/refused-grants.ts'

const verify = (text: string) => verifyGrantChain(text, { issuer: CHAIN_ISSUER, keys: countingKeys() })

describe('verifyGrantChain refuses', () => {
  it.each(REFUSED_GRANTS)('row %i, %s: %s', async (_row, reason, _name, changes) => {
    const hop = lastOf(changes)
    expect(await verify(chainOf(hop, changes))).toMatchObject({ ok: false, reason, hop })
  })

  it.each(REFUSED_TEXTS)('row %i, %s: %s', async (_row, reason, _name, [hop, text]) => {
    expect(await verify(text)).toMatchObject({ ok: false, reason, hop })
  })
})

it('verifyGrantChain accepts the grants of a holder who delegates to itself', async () => {
  expect(await verify(ownGrants().join('~'))).toMatchObject({ ok: true })
})
