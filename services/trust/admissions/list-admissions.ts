import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isIssuerUrl } from '@auth4agent/core/identity/issuer-url'
import { parseAudience } from '@auth4agent/core/token/audience'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ListAdmissionsRequest, ListAdmissionsResponseSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call, Principal } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { decodeToken, pageTokenAfter, parsePageSize } from '../../platform/requests/page.ts'
import type { TrustDeps } from '../config.ts'
import { MAX_AGE_MS } from '../decide/knowledge.ts'
import { listPaths } from '../decide/paths/list-paths.ts'
import { compareTexts } from '../decide/paths/survey.ts'
import { isBoundOnly } from '../decide/permit.ts'
import { type Admission, type OwnedAudience, toAdmission } from './admission.ts'
import { issuerMessage } from './issuer-message.ts'
import type { AroundOwner, ReadAroundOwner } from './read-around-owner.ts'

/** What the list of admissions needs. */
export interface AdmissionDeps extends Pick<TrustDeps, 'now'> {
  readonly operators: Pick<TrustDeps['operators'], 'lookupAudienceOwner'>
  readonly knowledge: Pick<TrustDeps['knowledge'], 'copy'>
  readonly readAroundOwner: ReadAroundOwner
}

const SIZES = { default: 200, max: 500 }
/** The most paths of one audience. A group can have any number of members, and must not take the list from others. */
const MAX_PATHS = 20_000

/**
 * Lists who of other deployments may call an audience. It decides by rows that are read now. Beyond the limits it
 * leaves out the longest paths: a verifier asks about operators that it does not find.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, INVALID_PAGE_TOKEN, PERMISSION_DENIED
 */
export async function listAdmissions(
  deps: AdmissionDeps,
  { audience: text, pageSize, pageToken }: ListAdmissionsRequest,
  call: Call,
): Promise<MessageInitShape<typeof ListAdmissionsResponseSchema>> {
  const audience = parseAudience(text)
  if (audience === undefined) throw new ApiError('INVALID_AUDIENCE', 'audience must be a URL or a host name')
  const size = parsePageSize(pageSize, SIZES)
  const after = parseToken(pageToken)
  const owner = await deps.operators.lookupAudienceOwner({ host: audience.host, audiences: [text] }, call)
  requireOwner(owner.operatorId, call.principal)
  const at = deps.now()
  const around = await deps.readAroundOwner(owner.operatorId, deps.knowledge.copy.issuers)
  const { rows, next } = pageOf(admissionsOf(around, { audience, owner, at }), after, size)
  const issuers = [...new Set(rows.flatMap(({ issuers }) => issuers))]
  return {
    admissions: rows.map(({ message }) => message),
    issuers: issuers.toSorted((one, other) => compareTexts(one.issuer, other.issuer)).map(issuerMessage),
    boundOnly: isBoundOnly(owner, audience),
    position: around.position,
    asOf: timestampFromMs(at),
    maxAge: MAX_AGE_MS / 1_000,
    nextPageToken: next,
  }
}

/** The refusal is the same whether an audience has another owner or none. */
function requireOwner(owner: string, principal: Principal): void {
  if (principal.kind === 'admin') return
  if (principal.kind === 'operator' && principal.operatorId === owner) return
  throw new ApiError(
    'PERMISSION_DENIED',
    'Only the owner of the audience and the administrator may list its admissions',
  )
}

function admissionsOf(around: AroundOwner, asked: OwnedAudience): readonly Admission[] {
  const { owner, audience, at } = asked
  const question = { owner: owner.operatorId, audience: audience.text, nowS: Math.floor(at / 1_000) }
  const paths = listPaths(around.graph, question, { paths: MAX_PATHS, edges: around.maxEdges })
  return paths.flatMap((path) => toAdmission(around, path, asked) ?? [])
}

/**
 * Cuts a page that ends between two operators, because the first fitting admission of an operator decides. `next` is
 * empty on the last page.
 */
function pageOf(sorted: readonly Admission[], after: string, size: number) {
  const rest = sorted.filter(({ node }) => node > after)
  const last = rest[size - 1]
  const end = last === undefined ? -1 : rest.findIndex(({ node }) => node > last.node)
  if (last === undefined || end < 0) return { rows: rest, next: '' }
  return { rows: rest.slice(0, end), next: pageTokenAfter(last.node) }
}

/** Returns the node after which the page begins; empty for the first page. */
function parseToken(token: string): string {
  if (token === '') return ''
  const node = decodeToken(token)
  const [home = '', domain = '', id = '', ...others] = node.split(' ')
  if (!isIssuerUrl(home) || domain === '' || !isUuid(id) || others.length > 0) throw new ApiError('INVALID_PAGE_TOKEN')
  return node
}
