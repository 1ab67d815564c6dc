import { EDGE, OTHER_ISSUER, OTHER_KID } from './log-records.ts'
import { DID, SIGNING_KEYS } from './parties.ts'
import { changed, type TokenCase } from './token-case.ts'

const edge = (number: number) => `${EDGE.slice(0, -2)}${String(number).padStart(2, '0')}`
const edges = (length: number) => Array.from({ length }, (_, at) => edge(at))
const HOME = { iss: OTHER_ISSUER, jti: 'home-token', kids: [OTHER_KID], generation: 2, epoch: [1, 1], edge: EDGE }
const THROUGH = { edges: [EDGE], home: HOME }

const MALFORMED: Readonly<Record<string, object>> = {
  'edges that are empty': { edges: [] },
  'edges of 49 entries': { edges: edges(49) },
  'an edge twice': { edges: [EDGE, EDGE] },
  'an edge in upper case': { edges: [EDGE.toUpperCase()] },
  'edges that are a string': { edges: EDGE },
  'home that is a string': { home: OTHER_ISSUER },
  'home with another member': { home: { ...HOME, sub: 'x' } },
  'home without iss': { home: { ...HOME, iss: undefined } },
  'home without edge': { home: { ...HOME, edge: undefined } },
  'home with an edge that is no UUID': { home: { ...HOME, edge: 'x' } },
  'home without kids': { home: { ...HOME, kids: [] } },
  'home with three kids': { home: { ...HOME, kids: [OTHER_KID, SIGNING_KEYS.ES256.kid, SIGNING_KEYS.EdDSA.kid] } },
  'home with a kid twice': { home: { ...HOME, kids: [OTHER_KID, OTHER_KID] } },
  'home with an empty iss': { home: { ...HOME, iss: '' } },
  'home with a jti with a space': { home: { ...HOME, jti: 'a b' } },
  'home with a kid that is no thumbprint': { home: { ...HOME, kids: ['x'] } },
  'home with a generation of 0': { home: { ...HOME, generation: 0 } },
  'home with a generation that is a string': { home: { ...HOME, generation: '2' } },
  'home beside may_act': { home: HOME, cnf: { jkt: OTHER_KID }, may_act: { sub: DID } },
  'home with an epoch of one number': { home: { ...HOME, epoch: [1] } },
}

const ended = (kind: string, subject: string, minimum_epoch: number) => ({
  revocations: [{ kind, operator_id: '', subject, minimum_epoch }],
})

const through = (name: string, expect: string, verifier?: Parameters<typeof changed>[3]) =>
  changed(name, expect, { claims: THROUGH }, verifier)

/** Makes tokens that were issued through trust, with malformed claims about it, and after the end of it. */
export async function trustCases(): Promise<TokenCase[]> {
  return Promise.all([
    through('a token that was issued through trust', 'VALID'),
    changed('48 edges', 'VALID', { claims: { edges: edges(48) } }),
    ...Object.entries(MALFORMED).map(([name, claims]) => changed(name, 'MALFORMED_TOKEN', { claims: { ...claims } })),
    through('its edge ended', 'TRUST_ENDED', ended('edge', EDGE, 0)),
    through('another edge ended', 'VALID', ended('edge', edge(1), 0)),
    through('its issuer was disabled', 'ISSUER_DISABLED', ended('issuer', OTHER_ISSUER, 3)),
    through('its issuer was disabled in an earlier generation', 'VALID', ended('issuer', OTHER_ISSUER, 2)),
  ])
}
