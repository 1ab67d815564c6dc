import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { accessToken } from '../../support/access-tokens.ts'
import { endTrust, newTrust, TRUST_ENDS } from '../../support/trust-records.ts'
import { endToken, untilKnown } from '../support/end-token.ts'
import type { World } from '../support/world.ts'
import { boundCases } from './bound-tokens.ts'
import { chainCases } from './chain-verdicts.ts'
import { delegatedCases } from './delegated-verdicts.ts'
import { foreignCases } from './foreign-verdicts.ts'
import { PROOF_KEYS } from './proofs.ts'
import { NOBODY } from './valid-requests.ts'
import type { VerdictCase } from './verdict-case.ts'

const now = () => Math.floor(Date.now() / 1000)
const foreign = generateKeyPair()

const KEY = PROOF_KEYS.ES256

/** Valid tokens with one wrong claim. */
const BAD_CLAIMS: Readonly<Record<string, () => object>> = {
  ...Object.fromEntries(
    ['iss', 'sub', 'aud', 'scope', 'operator_id', 'iat', 'nbf', 'exp', 'jti', 'client_id', 'epoch'].map((claim) => [
      `no ${claim}`,
      () => ({ [claim]: undefined }),
    ]),
  ),
  'an audience that is not a list': () => ({ aud: 'a.com' }),
  'an empty list of audiences': () => ({ aud: [] }),
  'nine audiences': () => ({ aud: Array.from({ length: 9 }, () => 'a.com') }),
  'a subject that is not a DID': () => ({ sub: 'acme', client_id: 'acme' }),
  'a client_id other than the subject': () => ({ client_id: 'did:agent:a.com:0' }),
  'a scope with two blanks': () => ({ scope: 'read  write' }),
  'a list of scopes': () => ({ scope: ['read'] }),
  'an operator that is not an id': () => ({ operator_id: 'acme' }),
  'times as text': () => ({ iat: String(now()) }),
  'exp with half a second': () => ({ exp: now() + 60.5 }),
  'a lifetime of more than an hour': () => ({ exp: now() + 3700 }),
  'exp before iat': () => ({ exp: now() - 60 }),
  'a jti of 65 characters': () => ({ jti: 'a'.repeat(65) }),
  'a single epoch': () => ({ epoch: [1] }),
  'epochs as text': () => ({ epoch: ['1', '1'] }),
  'epochs of zero': () => ({ epoch: [0, 0] }),
  'a binding of null': () => ({ cnf: null }),
  'a binding without a key': () => ({ cnf: {} }),
  'a list of bindings': () => ({ cnf: [{ jkt: KEY.kid }] }),
  'a binding to half a thumbprint': () => ({ cnf: { jkt: KEY.kid.slice(0, 20) } }),
  'a binding to a number': () => ({ cnf: { jkt: 1 } }),
  'a binding to a whole key': () => ({ cnf: { jwk: KEY.jwk } }),
  'a binding to a key and a certificate': () => ({ cnf: { jkt: KEY.kid, 'x5t#S256': KEY.kid } }),
  'a member named __proto__': () => JSON.parse('{"x":{"__proto__":{"aud":1}}}') as object,
}

const BAD_FORMS: Readonly<Record<string, (good: string) => string>> = {
  'an empty token': () => '',
  'a token that is not a JWT': () => 'token',
  'a token of two parts': (good) => good.replace(/\.[^.]*$/, ''),
  'a token of four parts': (good) => `${good}.e30`,
  'a token without its signature': (good) => good.replace(/[^.]*$/, ''),
  'a signature with padding': (good) => `${good}==`,
  'a token before white space': (good) => `${good} `,
  'a token with a line end inside': (good) => good.replace('.', '\n.'),
  'a token after a scheme': (good) => `Bearer ${good}`,
  'a signature with trailing bits': (good) =>
    good.replace(/.$/, (last) => (last === 'A' ? 'B' : String.fromCodePoint((last.codePointAt(0) ?? 0) + 1))),
  'a token of more than 16 KB': (good) => `${good}${'A'.repeat(17_000)}`,
}

const malformed: readonly VerdictCase[] = [
  ...Object.entries(BAD_CLAIMS).map(
    ([name, claims]): VerdictCase => ({ name, verdict: 'MALFORMED_TOKEN', token: ({ token }) => token(claims()) }),
  ),
  ...Object.entries(BAD_FORMS).map(
    ([name, spoil]): VerdictCase => ({ name, verdict: 'MALFORMED_TOKEN', token: ({ token }) => spoil(token()) }),
  ),
  ...['JWT', 'at+JWT', 'auth4agent-operator+jwt', 'application/at+jwt'].map(
    (typ): VerdictCase => ({
      name: `the typ ${typ}`,
      verdict: 'MALFORMED_TOKEN',
      token: ({ token }) => token({}, { typ }),
    }),
  ),
  {
    name: 'a critical extension',
    verdict: 'MALFORMED_TOKEN',
    token: ({ token }) => token({}, { crit: ['exp'] }),
  },
]

const untrue: readonly VerdictCase[] = [
  ...['none', 'HS256', 'Ed25519', 'ES256', 'eddsa'].map(
    (alg): VerdictCase => ({
      name: `alg ${alg}`,
      verdict: 'UNSUPPORTED_ALGORITHM',
      token: ({ token }) => token({}, { alg }),
    }),
  ),
  { name: 'an unknown key', verdict: 'UNKNOWN_KEY', token: () => accessToken(foreign) },
  {
    name: 'an agent’s own key',
    verdict: 'UNKNOWN_KEY',
    token: ({ agents, token }) => token({}, { kid: thumbprint(agents.active.pair.publicKey) }),
  },
  {
    name: 'the signature of another token',
    verdict: 'SIGNATURE_INVALID',
    token: ({ token }) => token().replace(/[^.]*$/, token().replace(/.*\./, '')),
  },
  { name: 'another issuer', verdict: 'WRONG_ISSUER', token: ({ token }) => token({ iss: 'https://rogue.com' }) },
  {
    name: 'the issuer with an extra slash',
    verdict: 'WRONG_ISSUER',
    token: ({ token, issuer }) => token({ iss: `${issuer}/` }),
  },
  {
    name: 'a token of yesterday',
    verdict: 'TOKEN_EXPIRED',
    token: ({ token }) => token({ iat: now() - 86_400, nbf: now() - 86_400, exp: now() - 86_000 }),
  },
  {
    name: 'a token of tomorrow',
    verdict: 'TOKEN_NOT_YET_VALID',
    token: ({ token }) => token({ iat: now() + 600, nbf: now() + 600, exp: now() + 900 }),
  },
]

const unwanted: readonly VerdictCase[] = (
  [
    ['another audience', 'AUDIENCE_MISMATCH', { audience: ['a.com'] }],
    ['a part of the audience', 'AUDIENCE_MISMATCH', { audience: ['http://localhost'] }],
    ['another scope', 'SCOPE_MISSING', { scope: 'write' }],
    ['one scope more than the token has', 'SCOPE_MISSING', { scope: 'read write' }],
    ['the scope in another case', 'SCOPE_MISSING', { scope: 'READ' }],
    ['another operator', 'OPERATOR_NOT_TRUSTED', { operators: ['bravo-operator.com'] }],
    ['a part of the operator’s domain', 'OPERATOR_NOT_TRUSTED', { operators: ['operator.com'] }],
    ['the name of a prototype’s member', 'OPERATOR_NOT_TRUSTED', { operators: ['constructor'] }],
  ] as const
).map(([name, verdict, wanted]) => ({
  name,
  verdict,
  wanted: Object.fromEntries(
    Object.entries(wanted).map(([field, value]) => [field, typeof value === 'string' ? value : [...value]]),
  ),
  token: ({ token }: World) => token(),
}))

const unattested: VerdictCase = {
  name: 'a result of attestation',
  verdict: 'ATTESTATION_REQUIRED',
  wanted: { operators: ['acme-operator.com'], attestation: { types: ['tpm'], level: 'hardware' } },
  token: ({ token }) => token({ attestation: [{ attestor: 'boot', type: 'tpm', level: 'bound', at: 1_700_000_000 }] }),
}

const ended: readonly VerdictCase[] = [
  {
    name: 'a revoked jti',
    verdict: 'TOKEN_REVOKED',
    token: async (world) => {
      const jti = crypto.randomUUID()
      await endToken(world, world.operators.acme.id, jti)
      return world.token({ jti })
    },
  },
  {
    name: 'an agent’s earlier epoch',
    verdict: 'AGENT_TOKENS_ENDED',
    token: async (world) => {
      const { id, did } = world.agents.careful
      await world.db.prisma.agent.update({ where: { id }, data: { epoch: { increment: 1 } } })
      await untilKnown(world)
      return world.token({ sub: did, client_id: did })
    },
  },
  {
    name: 'an agent under another operator',
    verdict: 'AGENT_TOKENS_ENDED',
    token: ({ agents: { ofBravo }, token }) => token({ sub: ofBravo.did, client_id: ofBravo.did }),
  },
  {
    name: 'an operator’s earlier epoch',
    verdict: 'OPERATOR_TOKENS_ENDED',
    token: async (world) => {
      const { did, operatorId } = world.agents.ofBound
      await world.db.prisma.operator.update({ where: { id: operatorId }, data: { epoch: { increment: 1 } } })
      await untilKnown(world)
      return world.token({ sub: did, client_id: did, operator_id: operatorId })
    },
  },
  {
    name: 'an unknown operator',
    verdict: 'OPERATOR_TOKENS_ENDED',
    token: ({ token }) => token({ operator_id: NOBODY }),
  },
  ...TRUST_ENDS.map(([verdict, kind]) => ({
    name: `a record of the kind ${kind} about its trust`,
    verdict,
    token: async (world: World) => {
      const trust = newTrust()
      await endTrust(world.db.pool, kind, trust)
      await untilKnown(world)
      return world.token(kind === 'edge' ? trust.claims : trust.chained)
    },
  })),
]

/** Tokens for every verdict of VerifyToken, except `valid`. */
export const verdictCases: readonly VerdictCase[] = [
  ...foreignCases,
  ...malformed,
  ...untrue,
  ...unwanted,
  unattested,
  ...boundCases,
  ...ended,
  ...chainCases,
  ...delegatedCases,
]
