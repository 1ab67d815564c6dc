import { mapScopes } from '@auth4agent/core/trust/scope-map'
import type { TrustDeps } from '../config.ts'
import type { KnownGraph } from '../knowledge/known-graph.ts'

/** What an agent of this deployment wants at another deployment. */
export interface ChainQuestion {
  readonly operatorId: string
  /** The issuer of the other deployment, byte for byte. */
  readonly issuer: string
  /** An audience there. */
  readonly resource: string
  readonly scopes: readonly string[]
}

/** What the agent may have there. */
export interface AllowedChain {
  /** In the words of the statement. */
  readonly scopes: readonly string[]
  /** Id of the statement. */
  readonly edge: string
  /** When the statement expires, in Unix seconds. */
  readonly exp: number
}

/** What the agent may have there, or what the statements of its operator do not name. */
type Chain = AllowedChain | { readonly refused: 'issuer' | 'resource' | 'scope' | 'ended' }

/** Finds out whether an operator lets its agents carry authority to another deployment. */
export type FindChain = (question: ChainQuestion) => Promise<Chain>

type Deps = Pick<TrustDeps, 'knowledge' | 'now'> & {
  readonly tokenStatus: Pick<TrustDeps['tokenStatus'], 'checkTrust'>
}

/** Creates the function. A copy of the statements may say yes, and only the database may say no. */
export function createFindChain({ knowledge, tokenStatus, now }: Deps): FindChain {
  const findIn = (known: KnownGraph, question: ChainQuestion) => search(known, question, now() / 1_000)
  const isOver = async ({ edge, operatorId, epoch }: Found) => {
    const basis = { issuers: [], edges: [edge], authors: [{ operatorId, epoch }] }
    return (await tokenStatus.checkTrust(basis)) !== undefined
  }
  return async (question) => {
    const { copy } = knowledge
    const quick = copy && findIn(copy, question)
    if (quick !== undefined && !('refused' in quick) && !(await isOver(quick))) return allowed(quick)
    const { operatorId } = question
    const found = findIn(await knowledge.rereadBetween(operatorId, operatorId), question)
    if ('refused' in found) return found
    return (await isOver(found)) ? { refused: 'ended' } : allowed(found)
  }
}

interface Found extends AllowedChain {
  readonly operatorId: string
  readonly epoch: number
}

function allowed({ scopes, edge, exp }: Found): AllowedChain {
  return { scopes, edge, exp }
}

type Refused = Extract<Chain, { readonly refused: unknown }>

/** An operator has at most one statement about each issuer that counts. */
function search({ graph, sources }: KnownGraph, question: ChainQuestion, nowS: number): Found | Refused {
  const { operatorId, issuer, resource, scopes } = question
  const edge = graph
    .edgesFrom(operatorId)
    .find(({ kind, to, exp }) => kind === 'chains-to' && to === issuer && exp > nowS)
  const source = edge && sources.get(edge.id)
  if (edge === undefined || source === undefined || source.issuer !== undefined) return { refused: 'issuer' }
  // A grant without an audience is for all audiences of the issuer.
  const grant = edge.grants.find(({ audience }) => audience === '' || audience === resource)
  if (grant === undefined) return { refused: 'resource' }
  const mapped = mapScopes(grant, scopes)
  if (mapped === undefined) return { refused: 'scope' }
  return { edge: edge.id, operatorId: source.signerId, epoch: source.epoch, scopes: mapped, exp: edge.exp }
}
