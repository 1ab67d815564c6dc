import { describe, expect, it } from 'vitest'
import { useChains } from '../../../test/support/federation/chain-world.ts'
import { ANCHOR, createKey, jwksOf, NOW_S, SUBJECT } from '../../../test/support/federation/entities.ts'
import { createNetwork, fetchUrl } from '../../../test/support/federation/network.ts'
import { configurationUrl } from '../domain/entity-id.ts'

const OTHER = 'https://other-anchor.example'
const HALF_MS = 1_800_000
const world = useChains()
const { clock, current } = world

const longer = () => ({ exp: NOW_S + 7_200 })
/** A network in which two anchors attest the subject. */
const federation = () =>
  createNetwork({ [SUBJECT]: [ANCHOR, OTHER] }, (iss, sub) => ({
    exp: NOW_S + 7_200,
    ...(iss === sub &&
      iss === SUBJECT && {
        metadata: { oauth_authorization_server: { issuer: SUBJECT, jwks_uri: `${SUBJECT}/jwks` } },
      }),
  }))

async function admitted() {
  const network = world.connect(federation())
  await world.pin(ANCHOR)
  await world.discover()
  await world.add({ issuer: SUBJECT, anchor: ANCHOR })
  network.fetched.length = 0
  return network
}

describe('the chain of an admitted issuer', () => {
  it('is used without a fetch until half of its time has passed', async () => {
    const network = await admitted()
    clock.ms += HALF_MS - 1
    expect(await current(ANCHOR)).toMatchObject({ chain: { anchor: ANCHOR, path: [SUBJECT, ANCHOR] } })
    expect(network.fetched).toEqual([])
    clock.ms += 1
    await current(ANCHOR)
    expect(network.fetched).toContain(configurationUrl(SUBJECT))
  })

  it('counts for an hour at most, although its statements live longer', async () => {
    const network = await admitted()
    const row = await world.chain()
    expect(row?.expiresAt.getTime()).toBe(clock.ms + 2 * HALF_MS)
    network.texts.clear()
    clock.ms += 2 * HALF_MS - 1
    expect(await current(ANCHOR)).toMatchObject({ id: row?.id })
    expect(await world.chain()).toMatchObject({ problem: 'NOT_FETCHED' })
    clock.ms += 1
    await expect(current(ANCHOR)).rejects.toMatchObject({ why: 'NOT_FETCHED' })
  })

  it('attack 19, mix-up of anchors: never moves to another anchor, even when its own attests it no more', async () => {
    const network = await admitted()
    await world.pin(OTHER, { position: 0 })
    await world.pin(ANCHOR, { position: 1 })
    network.texts.delete(fetchUrl(ANCHOR, SUBJECT))
    clock.ms += HALF_MS
    expect(await current(ANCHOR)).toMatchObject({ chain: { anchor: ANCHOR } })
    clock.ms += HALF_MS
    await expect(current(ANCHOR)).rejects.toMatchObject({ why: 'CHAIN_NOT_FOUND' })
    expect(await world.chain()).toMatchObject({ anchorId: ANCHOR })
  })

  it('attack 19: the database refuses another anchor for an issuer', async () => {
    await admitted()
    const move = world.db().pool.query('UPDATE issuers SET anchor = $1', [OTHER])
    await expect(move).rejects.toThrow('The anchor of an issuer never changes')
  })

  it('attack 20: is refused under keys that the anchor has changed without a pin, and these are reported', async () => {
    const network = await admitted()
    const fresh = createKey()
    world.connect(createNetwork({ [SUBJECT]: [ANCHOR] }, longer, { [SUBJECT]: network.key(SUBJECT), [ANCHOR]: fresh }))
    clock.ms += 2 * HALF_MS
    await expect(current(ANCHOR)).rejects.toMatchObject({ why: 'KEY_NOT_PINNED' })
    const anchor = await world.db().prisma.trustAnchor.findUnique({ where: { entityId: ANCHOR } })
    expect(anchor?.unpinnedKids).toEqual([fresh.kid])
  })

  it('is refused if the pins were replaced while the statements were fetched', async () => {
    await admitted()
    clock.ms += HALF_MS
    world.interrupt(async () => {
      await world.pin(ANCHOR, { jwks: JSON.stringify(jwksOf(createKey())) })
    })
    await expect(current(ANCHOR)).rejects.toMatchObject({ why: 'KEY_NOT_PINNED' })
    expect(await world.chain()).toBeNull()
  })

  it('writes to the audit when it takes another way, but not when it is renewed', async () => {
    await admitted()
    clock.ms += HALF_MS
    await current(ANCHOR)
    expect((await world.audit()).filter((line) => line.startsWith('issuer.find-chain'))).toHaveLength(1)
  })
})
