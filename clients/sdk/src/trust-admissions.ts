import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'
import type { Caller } from './caller.ts'
import { queryOf } from './pages.ts'

const admission = {
  issuer: 'text',
  domain: 'text',
  operator_id: 'text',
  scopes: 'any',
  edge_ids: 'texts',
  authors: 'any',
  expires_at: 'text',
} as const satisfies Shape
const scope = { scope: 'text', values: 'texts' } as const satisfies Shape
const author = { edge_id: 'text', operator_id: 'text', epoch: 'count', home: 'text?' } as const satisfies Shape

/**
 * That agents of an operator of another deployment may call an audience. `scopes` is the map of the owner's statement.
 * Of several admissions of one operator, the first one that maps all scopes of a token decides.
 */
export type TrustAdmission = Omit<Answer<typeof admission>, 'scopes' | 'authors'> & {
  readonly scopes: readonly Answer<typeof scope>[]
  readonly authors: readonly Answer<typeof author>[]
}

const issuer = {
  issuer: 'text',
  kind: 'text',
  revocation_mode: 'text',
  max_token_ttl: 'count',
  max_staleness_ms: 'count',
  generation: 'count',
  accepted_from: 'text?',
  keys_as_of: 'text?',
  keys_usable_until: 'text?',
} as const satisfies Shape
/** An issuer that admissions name, as far as a verifier of its tokens must know it. */
export type AdmissionIssuer = Answer<typeof issuer>

const page = {
  admissions: 'any',
  issuers: 'any',
  bound_only: 'flag',
  position: 'text',
  as_of: 'text',
  max_age: 'count',
} as const satisfies Shape

/** Who of other deployments may call an audience. */
export interface TrustAdmissions extends Omit<Answer<typeof page>, 'admissions' | 'issuers'> {
  readonly admissions: readonly TrustAdmission[]
  readonly issuers: readonly AdmissionIssuer[]
}

const PAGE_SIZE = 500

/** Reads all pages of the admissions of an audience. Position and time are those of the first page. */
export async function readAdmissions(
  caller: Pick<Caller, 'page'>,
  party: string,
  audience: string,
): Promise<TrustAdmissions> {
  const admissions: TrustAdmission[] = []
  const issuers = new Map<string, AdmissionIssuer>()
  let first: Answer<typeof page> | undefined
  let token: string | undefined
  do {
    const query = queryOf({ audience, page_size: PAGE_SIZE, page_token: token })
    const { json, next } = await caller.page(party, { method: 'GET', path: '/v1/trust/admissions', query })
    const read = readAnswer(page, json)
    first ??= read
    admissions.push(...readAnswers(admission, read.admissions).map(readAdmission))
    for (const each of readAnswers(issuer, read.issuers)) issuers.set(each.issuer, each)
    // Stops if the server names the same page again, because the list would never end.
    token = next === token ? undefined : next
  } while (token !== undefined)
  return { ...first, admissions, issuers: [...issuers.values()] }
}

function readAdmission({ scopes, authors, ...rest }: Answer<typeof admission>): TrustAdmission {
  return { ...rest, scopes: readAnswers(scope, scopes), authors: readAnswers(author, authors) }
}
