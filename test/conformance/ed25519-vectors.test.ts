import { admitPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import type { Ed25519Engine } from '@auth4agent/core/keys/ed25519-engine'
import { nodeEngine } from '@auth4agent/core/keys/ed25519-node'
import { loadSodiumEngine } from '@auth4agent/core/keys/ed25519-sodium'
import { describe, expect, it } from 'vitest'
import vectors from '../vectors/ed25519-signatures.json' with { type: 'json' }

type Vector = (typeof vectors.cases)[number]

const ENGINES = [loadSodiumEngine(), nodeEngine]

/** What the server decides about a signature: the key is admitted at registration and only then used to verify. */
function isAccepted(engine: Ed25519Engine, { pk, msg, sig }: Vector): boolean {
  const admission = admitPublicKey(Buffer.from(pk, 'hex'))
  return admission.ok && isVerified(engine, { pk, msg, sig })
}

function isVerified(engine: Ed25519Engine, { pk, msg, sig }: Pick<Vector, 'pk' | 'msg' | 'sig'>): boolean {
  return verify(engine.importPublicKey(Buffer.from(pk, 'hex')), Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'))
}

describe.each(ENGINES)('Ed25519 vectors of Wycheproof and speccheck, by $name', (engine) => {
  it('has all of them', () => {
    expect(vectors.cases).toHaveLength(vectors.count)
    expect(vectors.count).toBeGreaterThanOrEqual(163)
  })

  it.each(vectors.cases)('$id is $expect: $why', (vector) => {
    expect([isAccepted(engine, vector) ? 'valid' : 'invalid', 'either']).toContain(vector.expect)
  })
})

describe('Both engines', () => {
  it('say the same of every vector, though its key were not admitted', () => {
    const [bySodium, byNode] = ENGINES.map((engine) => vectors.cases.map((vector) => isVerified(engine, vector)))
    expect(bySodium).toEqual(byNode)
  })
})
