import { CHAIN_ISSUER, OPERATOR } from '../../../support/grant-chains.ts'

/** A party of a delegation. */
interface Party {
  readonly did: string
  readonly operator_id: string
}

/** The owner of an audience, and the rules of its policy. */
interface Owner {
  readonly operator_id: string
  readonly rules: readonly { readonly audience: string; readonly callers: readonly string[] }[]
}

/** A decision about the parties of a chain or delegated token that is used at an audience. */
export interface HolderCase {
  readonly name: string
  readonly audience: string
  readonly parties: readonly Party[]
  readonly operators: readonly string[] | 'any'
  readonly actors?: readonly string[] | 'any'
  /** Null for a verifier that does not know the owner, and if there is none. */
  readonly owner: Owner | null
  readonly expect: 'accepted' | { readonly refused: string; readonly hop: number }
}

const AUDIENCE = 'https://api.owner.test/v1'
const IDS: Readonly<Record<string, string>> = {
  'acme.test': OPERATOR,
  'p.test': '11111111-2222-8333-8444-555555555555',
  'e.test': '66666666-7777-8888-9999-aaaaaaaaaaaa',
  'owner.test': '99999999-7777-8888-9999-bbbbbbbbbbbb',
}
const OWNER = IDS['owner.test'] ?? ''

const parties = (...domains: readonly string[]): readonly Party[] =>
  domains.map((domain, at) => ({ did: `did:agent:${domain}:${`${at}`.repeat(32)}`, operator_id: IDS[domain] ?? '' }))
const listing = (...callers: readonly string[]): Owner => ({
  operator_id: OWNER,
  rules: [{ audience: AUDIENCE, callers }],
})
const at = (reason: string, hop: number) => ({ refused: reason, hop })
const ACTOR = 'ACTOR_NOT_TRUSTED'
const PRINCIPAL = 'OPERATOR_NOT_TRUSTED'

type Row = [name: string, parties: readonly Party[], given: Partial<HolderCase>, expect: HolderCase['expect']]

const OF_VERIFIER: readonly Row[] = [
  ['operators bind all holders', parties('acme.test', 'p.test'), { operators: ['acme.test', 'p.test'] }, 'accepted'],
  ['operators may be ids', parties('acme.test', 'p.test'), { operators: [OPERATOR, 'p.test'] }, 'accepted'],
  ['any operator', parties('acme.test', 'e.test'), {}, 'accepted'],
  ['a last holder of another operator', parties('acme.test', 'e.test'), { operators: ['acme.test'] }, at(ACTOR, 1)],
  [
    'a middle holder of another operator',
    parties('acme.test', 'e.test', 'acme.test'),
    { operators: ['acme.test'] },
    at(ACTOR, 1),
  ],
  ['a principal of another operator', parties('e.test', 'acme.test'), { operators: ['acme.test'] }, at(PRINCIPAL, 0)],
  ['a subdomain', parties('acme.test', 'p.test'), { operators: ['acme.test', 'test'] }, at(ACTOR, 1)],
  [
    'actors name further holders',
    parties('acme.test', 'e.test'),
    { operators: ['acme.test'], actors: ['acme.test', 'e.test'] },
    'accepted',
  ],
  [
    'actors bind the principal too',
    parties('acme.test', 'e.test'),
    { operators: ['acme.test'], actors: ['e.test'] },
    at(ACTOR, 0),
  ],
  ['any actor', parties('acme.test', 'p.test', 'e.test'), { operators: ['acme.test'], actors: 'any' }, 'accepted'],
  [
    'any actor, and a principal of another operator',
    parties('e.test', 'acme.test'),
    { operators: ['acme.test'], actors: 'any' },
    at(PRINCIPAL, 0),
  ],
]

const OF_OWNER: readonly Row[] = [
  [
    'the owner lists all holders',
    parties('acme.test', 'p.test'),
    { owner: listing('p.test', 'acme.test') },
    'accepted',
  ],
  ['the owner lists every caller', parties('acme.test', 'e.test'), { owner: listing('*') }, 'accepted'],
  ['the owner needs no entry', parties('owner.test', 'p.test'), { owner: listing('p.test') }, 'accepted'],
  [
    'the owner lists the host',
    parties('owner.test', 'p.test'),
    { owner: { operator_id: OWNER, rules: [{ audience: 'api.owner.test', callers: ['p.test'] }] } },
    'accepted',
  ],
  ['the owner does not list the last holder', parties('p.test', 'e.test'), { owner: listing('p.test') }, at(ACTOR, 1)],
  [
    'the owner does not list a middle holder',
    parties('owner.test', 'e.test', 'p.test'),
    { owner: listing('p.test') },
    at(ACTOR, 1),
  ],
  [
    'the owner does not list the principal',
    parties('e.test', 'p.test'),
    { owner: listing('p.test') },
    at(PRINCIPAL, 0),
  ],
  [
    'the verifier trusts a holder whom the owner does not list',
    parties('p.test', 'e.test'),
    { owner: listing('p.test'), operators: ['p.test', 'e.test'] },
    at(ACTOR, 1),
  ],
  ['at the issuer, which nobody owns', parties('p.test', 'e.test'), { audience: CHAIN_ISSUER }, 'accepted'],
]

/** Makes decisions about who may be a party of delegated authority. */
export function makeHolderCases(): readonly HolderCase[] {
  return [...OF_VERIFIER, ...OF_OWNER].map(toCase)
}

function toCase([name, held, given, expect]: Row): HolderCase {
  const { audience = AUDIENCE, operators = 'any', actors, owner = null } = given
  return { name, audience, parties: held, operators, ...(actors && { actors }), owner, expect }
}
