import { describe, expect, it } from 'vitest'
import { verifyGrantChain } from '../../../../services/revocation/verify-grant-chain.ts'
import {
  CHAIN_ISSUER,
  chainOf,
  countingKeys,
  derivedGrant,
  GRANT_KEY,
  grantsOf,
  holderDid,
  holderKey,
  holderStatement,
  ISSUED,
  rootGrant,
} from '../../../../test/support/grant-chains.ts'
import { checkDpopProof } from '../dpop/dpop-proof.ts'
import { DPOP_PROOF_TYPE, signDpopProof } from '../dpop/sign-dpop-proof.ts'
import { signClientAssertion } from '../identity/client-assertion.ts'
import { parseKeyEvent } from '../key-events/key-event.ts'
import { readAccessToken } from '../token/access-token.ts'

const verify = (text: string) => verifyGrantChain(text, { issuer: CHAIN_ISSUER, keys: countingKeys() })
const find = () => Promise.reject(new Error('no database'))
const UNREACHABLE = { find, findNow: find }
const [ROOT = '', CHILD = ''] = grantsOf(1)

describe('verifyGrantChain', () => {
  it('refuses a chain in which any one character is another one', async () => {
    const text = chainOf(2)
    const keys = countingKeys()
    expect(await verifyGrantChain(text, { issuer: CHAIN_ISSUER, keys })).toMatchObject({ ok: true })
    for (let at = 0; at < text.length; at += 5) {
      const character = text[at] === 'A' ? 'B' : 'A'
      const changed = `${text.slice(0, at)}${character}${text.slice(at + 1)}`
      expect(await verifyGrantChain(changed, { issuer: CHAIN_ISSUER, keys })).toMatchObject({ ok: false })
    }
  })

  it('takes a chain without its end as the chain of the holder before, whose key the presenter must have', async () => {
    const verified = await verify(grantsOf(2).slice(0, 2).join('~'))
    expect(verified.ok && verified.chain.hops.at(-1)?.jkt).toBe(holderKey(1).kid)
  })

  it.each([
    ['separators', '~'.repeat(1_000_000)],
    ['dots', '.'.repeat(1_000_000)],
    ['a long grant', `${ROOT}~${'a'.repeat(1_000_000)}`],
    ['a thousand roots', Array(1_000).fill(ROOT).join('~')],
  ])('asks for no key and reads nothing of a long text: %s', async (_name, text) => {
    const refused = verifyGrantChain(text, { issuer: CHAIN_ISSUER, keys: UNREACHABLE })
    expect(await refused).toMatchObject({ reason: 'CHAIN_TOO_LARGE', hop: undefined })
  })

  it('rejects if a key cannot be looked up, and does not refuse the chain', async () => {
    const verified = verifyGrantChain(ROOT, { issuer: CHAIN_ISSUER, keys: UNREACHABLE })
    await expect(verified).rejects.toThrow('no database')
  })
})

describe('a text of another type that the holder has signed is no grant:', () => {
  const [holder, nowS] = [holderKey(0), ISSUED]
  const proof = { method: 'POST', url: 'https://api.acme.test/', nowS }
  const assertion = { did: holderDid(holder), issuer: CHAIN_ISSUER, nowS }
  it.each([
    ['a DPoP proof', () => signDpopProof(holder, proof)],
    ['a client assertion', () => signClientAssertion(holder, assertion)],
  ])('%s', async (_name, sign) => {
    expect(await verify(`${ROOT}~${await sign()}`)).toMatchObject({ ok: false, hop: 1 })
  })

  it.each(['at+jwt', 'dpop+jwt', 'JWT', 'aat-pop+jwt', 'auth4agent-holder+jwt', 'AAT+JWT', 'application/aat+jwt'])(
    'the claims of a grant with the typ %s',
    async (typ) => {
      const text = derivedGrant(ROOT, 1, { header: { typ } })
      expect(await verify(`${ROOT}~${text}`)).toMatchObject({ reason: 'MALFORMED_GRANT', hop: 1 })
    },
  )
})

describe('is nothing else than a grant or a statement:', () => {
  const rules = { method: 'POST', url: 'https://api.acme.test/', nowS: ISSUED, skewS: 10 }
  it.each([
    ['a root', ROOT],
    ['a derived grant', CHILD],
    ['a chain', `${ROOT}~${CHILD}`],
    ['a holder statement', holderStatement(holderKey(1))],
    ['a root with all claims of an access token', rootGrant({ claims: { aud: [CHAIN_ISSUER], scope: 'pay', nbf: 1 } })],
  ])('%s', (_name, text) => {
    expect(readAccessToken(text)).toMatchObject({ verdict: expect.stringMatching(/MALFORMED_TOKEN/) })
    expect(checkDpopProof(text, rules)).toMatchObject({ ok: false })
    expect(parseKeyEvent(text)).toMatchObject({ ok: false })
  })

  it('the claims of a root with the typ of a DPoP proof', () => {
    const text = rootGrant({ header: { typ: DPOP_PROOF_TYPE, kid: undefined, jwk: GRANT_KEY.jwk } })
    expect(checkDpopProof(text, rules)).toMatchObject({ ok: false })
  })
})
