import { create } from '@bufbuild/protobuf'
import { beforeEach, expect } from 'vitest'
import { PutTrustAnchorRequestSchema } from '../../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import { putAnchor } from '../../../services/federation/anchors/anchor-store.ts'
import { readAnchor } from '../../../services/federation/anchors/read-anchor.ts'
import { createCurrentChain } from '../../../services/federation/chains/current-chain.ts'
import { createFindChain } from '../../../services/federation/chains/find-chain.ts'
import { systemAuthor } from '../../../services/ledger/ledger.ts'
import type { Outbound } from '../../../services/platform/outbound/outbound.ts'
import { OutboundError } from '../../../services/platform/outbound/outbound-error.ts'
import { createDiscover } from '../../../services/trust/issuers/discover-issuer.ts'
import { createKeyFetcher } from '../../../services/trust/issuers/keys/fetch-keys.ts'
import { silentLog } from '../database.ts'
import { asAdmin } from '../identity.ts'
import { useIssuers } from '../issuers.ts'
import { NOW_S, SUBJECT } from './entities.ts'
import type { createNetwork } from './network.ts'

type Network = ReturnType<typeof createNetwork>
type Edits = Partial<Omit<Parameters<typeof readAnchor>[0], '$typeName' | '$unknown'>>

/** The issuer of the deployment in these tests. */
const OURS = 'https://auth.alpha.net'

const nothing = async (): Promise<void> => undefined

/** A deployment with trust anchors, whose requests to the outside a network of entities answers. */
export function useChains() {
  const world = useIssuers()
  const { clock, now, vault, db } = world
  let network: Network | undefined
  /** Runs before each answer of the network. */
  let before = nothing
  beforeEach(async () => {
    clock.ms = NOW_S * 1_000
    before = nothing
    await db().pool.query('TRUNCATE trust_anchors, trust_chains')
  })
  const get: Outbound['get'] = async (url, { accept }) => {
    await before()
    network?.fetched.push(url)
    const text = network?.texts.get(url)
    if (text === undefined) throw new OutboundError('STATUS', `${url} answers 404`)
    return { mediaType: accept[0] ?? '', body: Buffer.from(text), maxAgeS: undefined, date: undefined }
  }
  const outbound = { get }
  const search = () => createFindChain({ prisma: db().prisma, outbound, now })
  const deps = () => ({ prisma: db().prisma, vault, now, findChain: search(), log: silentLog })
  return {
    ...world,
    outbound,
    /** Lets a network answer from now on. */
    connect(other: Network) {
      network = other
      return other
    },
    interrupt: (work: () => Promise<void>) => {
      before = async () => {
        before = nothing
        await work()
      }
    },
    /** Pins the key that an anchor has in the network, or other keys. */
    pin: (entityId: string, edits: Edits = {}) => {
      const jwks = JSON.stringify({ keys: [(network ?? expect.fail()).key(entityId).jwk] })
      const request = create(PutTrustAnchorRequestSchema, { entityId, jwks, ...edits })
      return putAnchor({ prisma: db().prisma, now }, asAdmin(), readAnchor(request, []))
    },
    discover: (issuer = SUBJECT, call = asAdmin()) =>
      createDiscover({ ...deps(), issuer: OURS, testDomains: true, skewMs: 10_000 })(call, issuer),
    /** Fetches the keys of all issuers that are due. */
    fetchKeys: () => createKeyFetcher({ ...deps(), outbound, currentChain: createCurrentChain(deps()) }).run(),
    current: (anchor: string) => createCurrentChain(deps())(systemAuthor('test'), SUBJECT, anchor),
    chain: () => db().prisma.trustChain.findUnique({ where: { subject: SUBJECT } }),
  }
}
