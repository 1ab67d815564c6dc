import type { KnownConsent } from '../../../services/people/connections/read-connection.ts'
import type { Standing } from '../../../services/people/index.ts'
import type { Image, Target } from './image.ts'

/**
 * What a token for a user rests on: the epochs of the user and of the agent that acts, and six edges. The id of a
 * connection is its edge.
 */
export const USER_PARTS = [
  'user',
  'agent',
  'access',
  'users_to',
  'provider',
  'client',
  'consent',
  'connection',
] as const
export type UserPart = (typeof USER_PARTS)[number]
type RowEdge = Exclude<UserPart, 'user' | 'agent' | 'connection'>

/** A connection of a client. */
interface Connection {
  /** The number of the next refresh token. */
  readonly n: number
  /** The edge of the client when the user allowed it. */
  readonly clientEdge: string
}

/** An agent that is the client of a user, and its operator. */
interface ClientAgent {
  readonly did: string
  readonly operatorId: string
  readonly epoch: number
}

/** A user of an operator, as the tables have it, with everything on which the user's tokens rest. */
export interface UserRow {
  readonly operatorId: string
  readonly subject: string
  /** The owner of the audience: another operator, to which `users_to` leads, or the user's own. */
  readonly ownerId: string
  readonly epoch: number
  /** Undefined if the client is no agent. */
  readonly agent: ClientAgent | undefined
  readonly edges: Readonly<Record<RowEdge, string>>
  readonly connections: ReadonlyMap<string, Connection>
  /** The ids of the codes that have been used. Each is the id of the connection that the code made. */
  readonly used: ReadonlySet<string>
}

const AUDIENCE = 'https://mcp.owner.example/mcp'
const CLIENT = 'https://client.example/client.json'
const RULE = {
  domains: ['*'],
  scopes: [{ name: 'read', words: 'To read', groups: [], is_default: true }],
  clients: 'listed',
  max_days: 30,
}

const AGENT = 'did:agent:vendor.example:21fe31dfa154a261626bf854046fd227'

/** Creates the row of a user at the audience of its own operator, or of another one. There an agent acts for it. */
export function createUser(subject: string, owner: 'itself' | 'another'): UserRow {
  const operatorId = `operator of ${subject}`
  const edge = (part: RowEdge) => `${part} of ${subject}`
  return {
    operatorId,
    subject,
    ownerId: owner === 'itself' ? operatorId : `owner for ${subject}`,
    epoch: 1,
    agent: owner === 'itself' ? undefined : { did: AGENT, operatorId: `vendor for ${subject}`, epoch: 1 },
    edges: {
      access: edge('access'),
      users_to: edge('users_to'),
      provider: edge('provider'),
      client: edge('client'),
      consent: edge('consent'),
    },
    connections: new Map(),
    used: new Set(),
  }
}

/** Returns what ends a part of a user: the next epoch, or an edge. */
export function endingOf({ operatorId, subject, agent, edges }: UserRow, part: UserPart, connection: string): Target {
  const of = { user: subject, part }
  if (part === 'user') return { kind: 'agent', operatorId, subject, minimumEpoch: 2, of }
  if (part === 'agent') {
    if (agent === undefined) throw new Error(`No agent acts for ${subject}`)
    return { kind: 'agent', operatorId: agent.operatorId, subject: agent.did, minimumEpoch: 2, of }
  }
  const edge = part === 'connection' ? connection : edges[part]
  return { kind: 'edge', operatorId: '', subject: edge, minimumEpoch: 0, of }
}

/**
 * Ends a part in the tables. As the triggers do, begins another edge for each but a connection, so the user may go on.
 */
export function rotate(users: Map<string, UserRow>, { user, part }: NonNullable<Target['of']>, target: Target): void {
  const row = users.get(user)
  if (row === undefined) return
  const { epoch, agent, edges, connections } = row
  if (part === 'user') users.set(user, { ...row, epoch: Math.max(epoch, target.minimumEpoch) })
  else if (part === 'agent') {
    if (agent === undefined) return
    users.set(user, { ...row, agent: { ...agent, epoch: Math.max(agent.epoch, target.minimumEpoch) } })
  } else if (part === 'connection') {
    users.set(user, { ...row, connections: new Map([...connections].filter(([id]) => id !== target.subject)) })
  } else if (edges[part] === target.subject) {
    users.set(user, { ...row, edges: { ...edges, [part]: `another ${target.subject}` } })
  }
}

/** Returns the consent of a user. */
export function consentOf({ operatorId, subject, agent }: UserRow): KnownConsent {
  const client = { clientId: agent?.did ?? CLIENT, clientAuth: 'none', clientDigest: '' } as const
  return { consentId: `consent row of ${subject}`, operatorId, subject, ...client, audience: AUDIENCE }
}

/** Reads what readStanding reads: everything on which a token for the user rests, in one snapshot. */
export function standingOf(image: Image, subject: string): Standing {
  const row = rowOf(image, subject)
  const { operatorId, ownerId, edges } = row
  return {
    mark: markOf(image, row),
    operatorStatus: 'active',
    userDomain: 'acme.example',
    userStatus: 'active',
    groups: [],
    providerEdge: edges.provider,
    providerIssuer: 'https://idp.acme.example',
    signals: 'none',
    onLogout: null,
    isCheckDue: false,
    ownerId,
    ownerDomain: 'owner.example',
    ownerStatus: 'active',
    rule: RULE,
    alg: null,
    dpop: null,
    tokenStatus: null,
    accessEdge: edges.access,
    targetEdge: ownerId === operatorId ? null : edges.users_to,
    clientEdge: edges.client,
    clientStatus: 'allowed',
    consentId: consentOf(row).consentId,
    consentEdge: edges.consent,
    capabilities: [`${AUDIENCE}#read`],
    clientDigest: '',
    generation: null,
    issuerStatus: null,
    agent: null,
  }
}

/** Returns what STANDING_MARK returns. */
export function markOf({ timeline }: Pick<Image, 'timeline'>, { epoch, agent, edges }: UserRow): string {
  return JSON.stringify([timeline, epoch, agent?.epoch, edges])
}

/** Returns the row of a user. */
export function rowOf({ users }: Pick<Image, 'users'>, subject: string): UserRow {
  const row = users.get(subject)
  if (row === undefined) throw new Error(`Unknown user ${subject}`)
  return row
}
