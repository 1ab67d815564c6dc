import type { KnownIssuer } from '../../../services/trust/issuers/known-issuer.ts'
import { NOW_S } from '../assertions.ts'
import {
  ALPHA,
  accepts,
  alpha,
  blocks,
  CARGO,
  EDGES,
  GAMMA,
  GUILD,
  gamma,
  letsCall,
  member,
} from './foreign-parties.ts'
import { type foreignWorld, type WorldOptions } from './foreign-world.ts'

type World = Pick<ReturnType<typeof foreignWorld>, 'record' | 'logs'>

const withAlpha = (row: Partial<KnownIssuer>) => [{ ...alpha, ...row }, gamma]
const acmeAs = (operatorId: string) =>
  new Map([...alpha.domains].map(([name, domain]) => [name, { ...domain, operatorId }]))

/** The domains of alpha, proven so many milliseconds ago. */
const provenBefore = (ms: number) =>
  new Map([...alpha.domains].map(([name, domain]) => [name, { ...domain, provenAt: NOW_S * 1_000 - ms }]))

/** What the deployment knows of issuers. */
export const ISSUERS: Readonly<Record<string, WorldOptions>> = {
  'issuers as they should be': {},
  'the issuer is not admitted': { issuers: [gamma] },
  'the issuer is disabled': { issuers: withAlpha({ isEnabled: false }) },
  'the domain is not proven': { issuers: withAlpha({ domains: new Map() }) },
  'the domain names another operator': { issuers: withAlpha({ domains: acmeAs(GUILD) }) },
  'nobody has repeated the proof of the domain': { issuers: withAlpha({ domains: provenBefore(7_200_001) }) },
  'the keys were never fetched': { issuers: withAlpha({ keysAsOf: undefined }) },
  'the keys are older than a day': { issuers: withAlpha({ keysAsOf: (NOW_S - 86_401) * 1_000 }) },
  'the trust chain of the issuer has ended': { issuers: withAlpha({ validUntil: NOW_S * 1_000 }) },
  'the trust chain of the group has ended': { issuers: [alpha, { ...gamma, validUntil: NOW_S * 1_000 }] },
  'the issuer of the group is not known': { issuers: [alpha] },
  'there is no copy': { hasCopy: false },
}

const other = [{ audience: 'https://other.cargo.example', scopes: { read: ['orders:read'] } }]
const writes = [{ audience: 'https://api.cargo.example/v1', scopes: { write: ['orders:write'] } }]
/** The statements that there are. */
export const GRAPHS: Readonly<Record<string, NonNullable<WorldOptions['rows']>>> = {
  'no statement': [],
  lets: [letsCall()],
  'lets until a second ago': [letsCall({ exp: NOW_S })],
  'lets call another audience': [letsCall({ grants: other })],
  'lets with another scope': [letsCall({ grants: writes })],
  'lets and blocks': [letsCall(), blocks()],
  accepts: [accepts()],
  membership: [member()],
  'accepts, with a member': [accepts(), member()],
  'accepts, with a member, and blocks': [accepts(), member(), blocks()],
  'accepts with another scope': [accepts({ grants: writes }), member()],
}

/** What has happened since everything was read. */
export const CHANGES: Readonly<Record<string, (world: World) => void>> = {
  'nothing has ended': () => undefined,
  'an edge of the owner has ended': (world) => {
    world.record('edge', { subject: EDGES.letsCall })
    world.record('edge', { subject: EDGES.accepts })
  },
  "the owner's tokens have ended": (world) => world.record('operator', { operatorId: CARGO, minimumEpoch: 2 }),
  'the issuer was disabled a moment ago': (world) => world.record('issuer', { subject: ALPHA, minimumEpoch: 2 }),
  'the domain of the caller has ended': (world) => world.record('edge', { subject: EDGES.alphaAcme }),
  'the domain of the group has ended': (world) => world.record('edge', { subject: EDGES.gammaGuild }),
  'the membership has ended in the log of its deployment': (world) =>
    world.record('edge', { subject: EDGES.member }, GAMMA),
  'the group has ended in the log of its deployment': (world) =>
    world.record('operator', { operatorId: GUILD, minimumEpoch: 5 }, GAMMA),
  'the log of the caller is stale': (world) => setAge(world, ALPHA),
  'the log of the group is stale': (world) => setAge(world, GAMMA),
  'the log of the caller is not followed': (world) => void world.logs.delete(ALPHA),
  'the log of the group is not followed': (world) => void world.logs.delete(GAMMA),
}

function setAge(world: World, issuer: string): void {
  const log = world.logs.get(issuer)
  if (log !== undefined) log.ageMs = 5_001
}
