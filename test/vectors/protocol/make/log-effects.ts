import { EDGE, JTI, LOG, OTHER_ISSUER, OTHER_KID, TRUST } from './log-records.ts'
import { DID, OPERATOR_ID, SIGNING_KEYS } from './parties.ts'

interface TokenFacts {
  readonly kid: string
  readonly jti: string
  readonly operator_id: string
  readonly sub: string
  readonly epoch: readonly [agent: number, operator: number]
  readonly edges?: readonly string[]
  readonly home?: object
}

const FACTS: TokenFacts = {
  kid: SIGNING_KEYS.ES256.kid,
  jti: 'another-token',
  operator_id: OPERATOR_ID,
  sub: DID,
  epoch: [9, 9],
}

const ANOTHER_EDGE = '0c5be8a1-2f47-8d36-b1e9-6a8d4f7c2b15'
/** The token of another issuer, in the smallest generation that stays valid. */
const HOME = { iss: OTHER_ISSUER, jti: 'home-token', kids: [OTHER_KID], generation: 5, epoch: [1, 1], edge: EDGE }
const EARLIER = { ...HOME, generation: 4 }

/** Makes verdicts after some records. `records` lists the sequences of records of this file. */
export function effects(): object[] {
  const all = [...LOG, ...TRUST].map(({ sequence }) => sequence)
  const judged = (name: string, changed: Partial<TokenFacts>, expect: string, records: readonly number[] = all) => ({
    name,
    records,
    token: { ...FACTS, ...changed },
    expect,
  })
  return [
    judged('no record', { kid: SIGNING_KEYS.EdDSA.kid, jti: JTI, epoch: [1, 1] }, 'VALID', []),
    judged('a token that no record ends', {}, 'VALID'),
    judged('the revoked token', { jti: JTI }, 'TOKEN_REVOKED'),
    judged('an agent epoch below the minimum', { epoch: [3, 9] }, 'AGENT_TOKENS_ENDED'),
    judged('an agent epoch at the minimum', { epoch: [4, 9] }, 'VALID'),
    judged('an operator epoch below the minimum of the operator', { epoch: [9, 2] }, 'OPERATOR_TOKENS_ENDED', [3]),
    judged('an operator epoch at the minimum of the operator', { epoch: [9, 3] }, 'VALID', [3]),
    judged('an operator epoch below the minimum of the deployment', { epoch: [9, 6] }, 'OPERATOR_TOKENS_ENDED'),
    judged('an operator epoch at the minimum of the deployment', { epoch: [9, 7] }, 'VALID'),
    judged('a compromised signing key', { kid: SIGNING_KEYS.EdDSA.kid }, 'UNKNOWN_KEY'),
    judged(
      'both epochs below the minimum, and no record of the deployment',
      { epoch: [1, 1] },
      'OPERATOR_TOKENS_ENDED',
      [2, 3],
    ),
    judged('only the epoch of the agent below the minimum', { epoch: [1, 9] }, 'AGENT_TOKENS_ENDED'),
    judged('the key before token and epochs', { kid: SIGNING_KEYS.EdDSA.kid, jti: JTI, epoch: [1, 1] }, 'UNKNOWN_KEY'),
    judged('the token before both epochs', { jti: JTI, epoch: [1, 1] }, 'TOKEN_REVOKED'),
    judged("the operator's epoch before the agent's", { epoch: [1, 1] }, 'OPERATOR_TOKENS_ENDED'),
    judged('a generation below the minimum of its issuer', { home: EARLIER }, 'ISSUER_DISABLED'),
    judged('a generation at the minimum of its issuer', { home: HOME }, 'VALID'),
    judged('another issuer whose URL has a slash more', { home: { ...EARLIER, iss: `${OTHER_ISSUER}/` } }, 'VALID'),
    judged('an edge that has ended', { edges: [ANOTHER_EDGE, EDGE] }, 'TRUST_ENDED'),
    judged('another edge', { edges: [ANOTHER_EDGE], home: HOME }, 'VALID'),
    judged('the epoch of the agent before the issuer', { epoch: [3, 9], home: EARLIER }, 'AGENT_TOKENS_ENDED'),
    judged('the issuer before the edge', { edges: [EDGE], home: EARLIER }, 'ISSUER_DISABLED'),
  ]
}
