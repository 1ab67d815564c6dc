import { operatorId } from '@auth4agent/core/identity/operator-id'
import { foreignNode, type StatementRow } from '../../../services/trust/decide/read-statements.ts'
import type { KnownIssuer } from '../../../services/trust/issuers/known-issuer.ts'
import { accessToken, knownKey } from '../access-tokens.ts'
import { NOW_S } from '../assertions.ts'

/** The foreign issuers, the operators, and the audience of the worked example. */
export const ALPHA = 'https://auth.alpha.example'
export const GAMMA = 'https://id.gamma.example'
export const BETA = 'https://beta.example/auth'
export const AUDIENCE = 'https://api.cargo.example/v1'
export const CARGO = 'c0000000-0000-8000-8000-000000000001'
export const ACME_DID = 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227'
export const ACME = operatorId({ issuer: ALPHA, domain: 'acme.example', thumbprint: 'acme-root' })
export const GUILD = operatorId({ issuer: GAMMA, domain: 'guild.example', thumbprint: 'guild-root' })

export const EDGES = {
  alphaAcme: 'e0000000-0000-8000-8000-00000000000a',
  gammaGuild: 'e0000000-0000-8000-8000-00000000000c',
  letsCall: 'e0000000-0000-8000-8000-000000000001',
  accepts: 'e0000000-0000-8000-8000-000000000002',
  member: 'e0000000-0000-8000-8000-000000000003',
}

export const alphaKey = knownKey()
const gammaKey = knownKey()

/** Makes the row of an issuer that speaks for one domain. */
function issuerRow(issuer: string, key: typeof alphaKey, domain: string, id: string, edgeId: string): KnownIssuer {
  return {
    id: `${edgeId.slice(0, -1)}f`,
    issuer,
    kind: 'auth4agent',
    isEnabled: true,
    algorithms: ['EdDSA'],
    tokenType: 'at+jwt',
    mode: 'log',
    introspectionUri: '',
    statusListUri: '',
    actsAs: CARGO,
    maxTokenTtlS: 3_600,
    maxStalenessMs: 5_000,
    generation: 1,
    acceptedFromS: 0,
    keysAsOf: NOW_S * 1_000,
    validUntil: undefined,
    chainDueAt: undefined,
    keys: new Map([[key.entry.kid, key.entry]]),
    domains: new Map([[domain, { domain, edgeId, operatorId: id, provenAt: NOW_S * 1_000 }]]),
  }
}

export const alpha = issuerRow(ALPHA, alphaKey, 'acme.example', ACME, EDGES.alphaAcme)
export const gamma = issuerRow(GAMMA, gammaKey, 'guild.example', GUILD, EDGES.gammaGuild)

const acme = { operatorId: ACME, domain: 'acme.example', home: ALPHA }
const guild = { operatorId: GUILD, domain: 'guild.example', home: GAMMA }
const cargo = { operatorId: CARGO, domain: 'cargo.example', home: BETA }
const grants = [{ audience: AUDIENCE, scopes: { read: ['orders:read'], write: ['orders:write'] } }]

type Change = Partial<StatementRow>

/** cargo lets agents of acme call its audience. */
export function letsCall(change: Change = {}): StatementRow {
  return {
    id: EDGES.letsCall,
    kind: 'lets-call',
    from: CARGO,
    to: foreignNode(ALPHA, 'acme.example', ACME),
    depth: 0,
    grants,
    exp: NOW_S + 86_400,
    signerId: CARGO,
    epoch: 1,
    issuer: undefined,
    domainEdge: undefined,
    signer: cargo,
    subject: acme,
    ...change,
  }
}

/** cargo accepts members of guild. */
export function accepts(change: Change = {}): StatementRow {
  const to = foreignNode(GAMMA, 'guild.example', GUILD)
  return letsCall({ id: EDGES.accepts, kind: 'accepts-members-of', depth: 1, to, subject: guild, ...change })
}

/** guild, at another deployment, says that acme is a member. */
export function member(change: Change = {}): StatementRow {
  return letsCall({
    id: EDGES.member,
    kind: 'member',
    from: foreignNode(GAMMA, 'guild.example', GUILD),
    grants: [],
    signerId: GUILD,
    epoch: 4,
    issuer: GAMMA,
    domainEdge: EDGES.gammaGuild,
    signer: guild,
    ...change,
  })
}

/** cargo blocks acme. */
export function blocks(): StatementRow {
  return letsCall({ id: 'e0000000-0000-8000-8000-000000000009', kind: 'blocks', grants: [] })
}

/** A token of an agent of acme, issued by A for cargo's audience, with changed claims and header. */
export function acmeToken(claims: object = {}, header: object = {}, key = alphaKey.pair): string {
  const good = { iss: ALPHA, sub: ACME_DID, client_id: ACME_DID, operator_id: ACME, aud: [AUDIENCE], scope: 'read' }
  return accessToken(key, header, { ...good, ...claims })
}
