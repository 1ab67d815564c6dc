import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { JsonObject } from '@bufbuild/protobuf'
import { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { MAX_PROPOSALS } from '../../../services/trust/statements/proposal-store.ts'
import { MAX_LIVE_STATEMENTS } from '../../../services/trust/statements/store.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { OperatorName, SeededOperator } from '../support/seed.ts'
import {
  draftOf,
  fillProposals,
  fillStatements,
  seedBlock,
  seedProposal,
  statementOf,
} from '../support/trust-statements.ts'
import type { World } from '../support/world.ts'
import { NOBODY } from './valid-requests.ts'

const {
  putTrustStatement,
  revokeTrustStatement,
  proposeTrust,
  dismissTrustProposal,
  listPublishedTrust,
  listAdmissions,
  explainTrust,
  getTrustView,
} = TrustService.method

/** Statements of acme about bravo with one mistake, by name. */
const BAD_STATEMENTS: Readonly<Record<string, (world: World) => string>> = {
  'a statement by a foreign key': ({ operators: { acme, bravo } }) =>
    statementOf({ ...acme, pair: generateKeyPair() }, bravo),
  "a foreign signature under acme's kid": ({ operators: { acme, bravo } }) => {
    const good = statementOf(acme, bravo).split('.')
    return [...good.slice(0, 2), statementOf(acme, bravo).split('.')[2]].join('.')
  },
  'the statement of another operator': ({ operators: { acme, bravo } }) => statementOf(bravo, acme),
  'a statement of another deployment': ({ operators: { acme, bravo } }) =>
    statementOf(acme, bravo, { home: 'https://rogue.com' }),
  'a subject that does not exist': ({ operators: { acme, bravo } }) => statementOf(acme, bravo, { sub: NOBODY }),
  'a wildcard audience': ({ operators: { acme, bravo } }) =>
    statementOf(acme, bravo, { grants: [{ audience: '*', scopes: { read: ['read'] } }] }),
  'an audience of another domain': ({ operators: { acme, bravo } }) =>
    statementOf(acme, bravo, { grants: [{ audience: `api.${bravo.domain}`, scopes: { read: ['read'] } }] }),
  'an unknown member': ({ operators: { acme, bravo } }) => statementOf(acme, bravo, { note: 1 }),
  'a statement that has expired': ({ operators: { acme, bravo } }) =>
    statementOf(acme, bravo, { iat: 1, nbf: 1, exp: 2 }),
}

const statements: readonly RefusalCase[] = Object.entries(BAD_STATEMENTS).map(([name, make]) => ({
  name,
  method: putTrustStatement,
  reason: 'INVALID_STATEMENT',
  caller: 'acme',
  request: (world) => ({ id: world.operators.acme.id, statement: make(world) }),
}))

const versions: readonly RefusalCase[] = [
  {
    name: 'the version of the statement before',
    method: putTrustStatement,
    reason: 'STATEMENT_CONFLICT',
    caller: 'acme',
    request: ({ operators: { acme, bravo } }) => ({ id: acme.id, statement: statementOf(acme, bravo, { version: 1 }) }),
  },
  {
    name: 'a statement more than the largest number',
    method: putTrustStatement,
    reason: 'STATEMENT_LIMIT',
    caller: 'bound',
    request: async ({ db, operators: { acme, bound } }) => {
      await fillStatements(db, bound, MAX_LIVE_STATEMENTS)
      return { id: bound.id, statement: statementOf(bound, acme) }
    },
  },
  {
    name: 'an unknown statement',
    method: revokeTrustStatement,
    reason: 'STATEMENT_NOT_FOUND',
    caller: 'acme',
    request: ({ operators: { acme } }) => ({ id: acme.id, jti: NOBODY }),
  },
  {
    name: 'the statement of another operator',
    method: revokeTrustStatement,
    reason: 'STATEMENT_NOT_FOUND',
    caller: 'bravo',
    request: ({ operators: { bravo }, statement }) => ({ id: bravo.id, jti: statement }),
  },
]

/** Returns a request that ends a block, with everything that a root operation needs unless a case changes it. */
function endOfBlock(caller: OperatorName): Pick<RefusalCase, 'method' | 'caller' | 'coversBody' | 'request'> {
  return {
    method: revokeTrustStatement,
    caller,
    coversBody: true,
    request: async ({ db, operators: { [caller]: signer, bravo } }) => ({
      id: signer.id,
      jti: await seedBlock(db, signer, bravo),
    }),
  }
}

const invalidApproval = (name: string, approval: string): RefusalCase => ({
  ...endOfBlock('team'),
  name: `the end of a block, with ${name}`,
  reason: 'INVALID_APPROVAL',
  headers: { 'auth4agent-approval': approval },
})

function endWhileInactive(caller: 'suspended' | 'lapsed'): RefusalCase {
  const name = `the end of a block, by an operator that is ${caller}`
  return { ...endOfBlock(caller), name, reason: 'OPERATOR_NOT_ACTIVE', audited: true }
}

/** The end of a block gives authority, so it needs what putting one needs. */
const blocks: readonly RefusalCase[] = [
  { ...endOfBlock('guest'), name: 'the end of a block, by a key with the role trust', reason: 'ROLE_REQUIRED' },
  {
    ...endOfBlock('acme'),
    name: 'the end of a block, by an assertion without a digest',
    reason: 'BODY_DIGEST_REQUIRED',
    coversBody: false,
  },
  { ...endOfBlock('team'), name: 'the end of a block, by one of two root keys', reason: 'APPROVALS_REQUIRED' },
  invalidApproval('an approval that is no JWS', 'nonsense'),
  invalidApproval('nine approvals', Array<string>(9).fill('a.b.c').join(',')),
  { ...endOfBlock('frozen'), name: 'the end of a block, by a frozen operator', reason: 'OPERATOR_FROZEN' },
  endWhileInactive('suspended'),
  endWhileInactive('lapsed'),
]

/** Drafts of acme to bravo with one mistake, by name. */
const BAD_DRAFTS: Readonly<Record<string, (world: World) => JsonObject>> = {
  'a draft about another operator': ({ operators: { acme, bravo } }) => draftOf(acme, bravo),
  'a signer that is not active': ({ operators: { acme, lapsed } }) => draftOf(lapsed, acme),
  'a signer of another deployment': ({ operators: { acme, bravo } }) => ({
    ...draftOf(bravo, acme),
    home: 'https://rogue.com',
  }),
  'a draft with a jti': ({ operators: { acme, bravo } }) => ({ ...draftOf(bravo, acme), jti: NOBODY }),
}

const proposals: readonly RefusalCase[] = [
  ...Object.entries(BAD_DRAFTS).map(
    ([name, make]): RefusalCase => ({
      name,
      method: proposeTrust,
      reason: 'INVALID_STATEMENT',
      caller: 'acme',
      request: (world) => ({ id: world.operators.acme.id, draft: make(world) }),
    }),
  ),
  {
    name: 'a proposal more than the largest number',
    method: proposeTrust,
    reason: 'PROPOSAL_LIMIT',
    caller: 'acme',
    request: async ({ db, operators: { acme, bound } }) => {
      await fillProposals(db, bound, MAX_PROPOSALS)
      return { id: acme.id, draft: draftOf(bound, acme) }
    },
  },
  {
    name: 'a proposal to an operator that has dismissed one',
    method: proposeTrust,
    reason: 'PROPOSAL_DISMISSED',
    caller: 'bound',
    request: async ({ db, operators: { acme, bound } }) => {
      await seedProposal(db, acme, bound, new Date())
      return { id: bound.id, draft: draftOf(acme, bound) }
    },
  },
  {
    name: 'an unknown proposal',
    method: dismissTrustProposal,
    reason: 'PROPOSAL_NOT_FOUND',
    caller: 'acme',
    request: ({ operators: { acme } }) => ({ id: acme.id, proposal_id: NOBODY }),
  },
  {
    name: 'the proposal to another operator',
    method: dismissTrustProposal,
    reason: 'PROPOSAL_NOT_FOUND',
    caller: 'bravo',
    request: ({ operators: { bravo }, proposal }) => ({ id: bravo.id, proposal_id: proposal }),
  },
]

const inactive: readonly RefusalCase[] = (['suspended', 'lapsed'] as const).flatMap((caller) => {
  const given = { name: `an operator that is ${caller}`, reason: 'OPERATOR_NOT_ACTIVE', caller, audited: true } as const
  return [
    {
      ...given,
      method: putTrustStatement,
      request: ({ operators }) => ({
        id: operators[caller].id,
        statement: statementOf(operators[caller], operators.acme),
      }),
    },
    {
      ...given,
      method: proposeTrust,
      request: ({ operators }) => ({
        id: operators[caller].id,
        draft: draftOf(operators.acme, operators[caller]),
      }),
    },
    {
      ...given,
      method: listPublishedTrust,
      request: ({ operators }) => ({ audience: `https://auth.${operators[caller].domain}` }),
    },
  ] satisfies RefusalCase[]
})

const questions: readonly RefusalCase[] = [
  {
    name: 'a question about two others',
    method: explainTrust,
    reason: 'PERMISSION_DENIED',
    caller: 'bound',
    request: ({ operators: { acme, bravo } }) => ({ from: bravo.domain, to: `https://api.${acme.domain}` }),
  },
  {
    name: 'a question about an unknown operator',
    method: explainTrust,
    reason: 'OPERATOR_NOT_FOUND',
    caller: 'acme',
    request: ({ operators: { acme } }) => ({ from: NOBODY, to: `https://api.${acme.domain}` }),
  },
]

/** The refusal does not tell whether anybody owns the audience. */
const lists: readonly RefusalCase[] = [
  {
    name: "admissions of another operator's audience",
    method: listAdmissions,
    reason: 'PERMISSION_DENIED',
    caller: 'acme',
    request: ({ operators: { bravo } }) => ({ audience: `https://api.${bravo.domain}` }),
  },
  {
    name: "admissions of nobody's audience",
    method: listAdmissions,
    reason: 'PERMISSION_DENIED',
    caller: 'acme',
    request: () => ({ audience: 'https://api.nobody.example' }),
  },
  {
    name: 'a page token of admissions without an operator',
    method: listAdmissions,
    reason: 'INVALID_PAGE_TOKEN',
    caller: 'acme',
    request: ({ operators: { acme } }) => ({ audience: `https://api.${acme.domain}`, page_token: 'MS41' }),
  },
]

const inMinutes = (minutes: number) => Math.floor(Date.now() / 1_000) + minutes * 60

/** Views with one mistake, by name. Each is about acme, and would be good otherwise. */
const BAD_VIEWS: Readonly<Record<string, readonly [ReasonCode, (world: World) => string]>> = {
  'a view that ended a minute ago': ['VIEW_EXPIRED', (world) => world.trustView(`${inMinutes(-1)}.admin`)],
  'the view of a released operator': [
    'VIEW_EXPIRED',
    (world) => world.trustView(`${inMinutes(5)}.${ofKey(world.operators.released)}`),
  ],
  'a view by a key that acme has not': [
    'VIEW_EXPIRED',
    (world) => world.trustView(`${inMinutes(5)}.${world.operators.acme.id}.${thumbprint(generateKeyPair().publicKey)}`),
  ],
  'a DPoP nonce': ['INVALID_VIEW', (world) => world.dpopNonce(inMinutes(5))],
  'a later expiry': [
    'INVALID_VIEW',
    (world) => world.trustView(`${inMinutes(5)}.admin`).replace(/\.(\d+)\./, (_, exp) => `.${Number(exp) + 1}.`),
  ],
  'another operator': [
    'INVALID_VIEW',
    ({ operators: { acme, bravo }, trustView }) =>
      trustView(`${inMinutes(5)}.${ofKey(acme)}`).replace(acme.id, bravo.id),
  ],
}

const ofKey = ({ id, pair }: SeededOperator) => `${id}.${thumbprint(pair.publicKey)}`

const views: readonly RefusalCase[] = Object.entries(BAD_VIEWS).map(([name, [reason, make]]) => ({
  name,
  method: getTrustView,
  reason,
  request: (world) => ({ view: make(world) }),
}))

/** Cases about the rules of trust statements, proposals and questions. */
export const trustCases: readonly RefusalCase[] = [
  ...statements,
  ...versions,
  ...blocks,
  ...proposals,
  ...inactive,
  ...questions,
  ...lists,
  ...views,
]
