import { describe, expect, it } from 'vitest'
import { basisThrough } from '../../test/simulation/revocation/bearers.ts'
import { both, calmWorld, endSilently, pass } from '../../test/simulation/revocation/calm-world.ts'
import type { Target } from '../../test/simulation/revocation/image.ts'
import { LEASE_MS } from '../../test/simulation/revocation/schedule.ts'

const ISSUER: Target = { kind: 'issuer', operatorId: '', subject: 'https://other.example', minimumEpoch: 2 }
const EDGE: Target = { kind: 'edge', operatorId: '', subject: 'edge', minimumEpoch: 0 }
const AUTHOR: Target = { kind: 'operator', operatorId: 'author', subject: '', minimumEpoch: 2 }

async function start() {
  const world = await calmWorld([both('verifier')])
  const [instance] = world.instancesOf('verifier')
  if (instance?.verifier === undefined) throw new Error('The instance has no log follower')
  return { world, verifier: instance.verifier }
}

describe('checkTrust of a log follower', () => {
  it.each([
    ['ISSUER_DISABLED', ISSUER],
    ['TRUST_ENDED', EDGE],
    ['TRUST_ENDED', AUTHOR],
  ])('answers %s after the record %j, and nothing against other trust', async (verdict, target) => {
    const { world, verifier } = await start()
    const basis = basisThrough(target)
    expect(verifier.checkTrust(basis)).toBeUndefined()
    verifier.receive(endSilently(world, target))
    expect(verifier.checkTrust(basis)).toBe(verdict)
    expect(verifier.checkTrust(basisThrough({ ...target, operatorId: 'x', subject: 'x' }))).toBeUndefined()
  })

  it('answers unknown when the lease has run out, also if it runs out during the look-up', async () => {
    const { world, verifier } = await start()
    const { machine, link } = world.placeOf('verifier')
    const slow = {
      ...basisThrough(ISSUER),
      get edges() {
        machine.setWall(10 * LEASE_MS)
        return []
      },
    }
    expect(verifier.checkTrust(slow)).toBe('unknown')
    machine.setWall(-10 * LEASE_MS)
    expect(verifier.checkTrust(basisThrough(ISSUER))).toBeUndefined()
    link.isCut = true
    await pass(world, LEASE_MS)
    expect(verifier.checkTrust(basisThrough(ISSUER))).toBe('unknown')
  })
})
