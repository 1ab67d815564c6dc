import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { admitPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import type { Ed25519Engine } from '@auth4agent/core/keys/ed25519-engine'
import { nodeEngine } from '@auth4agent/core/keys/ed25519-node'
import { loadSodiumEngine } from '@auth4agent/core/keys/ed25519-sodium'
import { describe, expect, it } from 'vitest'

/** A signature with its key and message, in hexadecimal, and whether strict verification accepts the signature. */
interface Vector {
  readonly id: string
  readonly why: string
  readonly pk: string
  readonly msg: string
  readonly sig: string
  readonly expect: 'valid' | 'invalid' | 'either'
}

const RFC_8032_TEST_1 = {
  pk: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  msg: '',
  sig: 'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
}
const IDENTITY = `01${'00'.repeat(31)}`

/** A few vectors of this project, for test runs without the public vectors. */
const OWN: readonly Vector[] = [
  { id: 'rfc8032-1', why: 'the first example of RFC 8032', expect: 'valid', ...RFC_8032_TEST_1 },
  { id: 'own-1', why: 'another message', expect: 'invalid', ...RFC_8032_TEST_1, msg: '00' },
  {
    id: 'own-2',
    why: 'S not below L',
    expect: 'invalid',
    ...RFC_8032_TEST_1,
    sig: `${RFC_8032_TEST_1.sig.slice(0, 126)}1b`,
  },
  {
    id: 'own-3',
    why: 'a key of small order',
    expect: 'invalid',
    pk: IDENTITY,
    msg: '',
    sig: IDENTITY + '00'.repeat(32),
  },
]

/** Reads the vectors of Wycheproof and speccheck from the folder in AUTH4AGENT_VECTORS_DIR, and adds those in OWN. */
async function readVectors(): Promise<readonly Vector[]> {
  const folder = process.env['AUTH4AGENT_VECTORS_DIR']
  if (folder === undefined) return OWN
  const file: { count: number; cases: Vector[] } = JSON.parse(
    await readFile(join(folder, 'ed25519-signatures.json'), 'utf8'),
  )
  if (file.cases.length !== file.count) throw new Error(`The file must contain ${file.count} vectors`)
  return [...OWN, ...file.cases]
}

const vectors = await readVectors()

const ENGINES = [loadSodiumEngine(), nodeEngine]

/**
 * Tells whether the server accepts a signature. It admits a key at registration, and verifies only with admitted keys.
 */
function isAccepted(engine: Ed25519Engine, { pk, msg, sig }: Vector): boolean {
  const admission = admitPublicKey(Buffer.from(pk, 'hex'))
  return admission.ok && isVerified(engine, { pk, msg, sig })
}

function isVerified(engine: Ed25519Engine, { pk, msg, sig }: Pick<Vector, 'pk' | 'msg' | 'sig'>): boolean {
  return verify(engine.importPublicKey(Buffer.from(pk, 'hex')), Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'))
}

describe.each(ENGINES)('Ed25519 verification by $name', (engine) => {
  it.each(vectors)('finds the signature of $id $expect: $why', (vector) => {
    expect([isAccepted(engine, vector) ? 'valid' : 'invalid', 'either']).toContain(vector.expect)
  })
})

describe('both Ed25519 engines', () => {
  it('give the same answer for every vector, also when the server would not admit the key', () => {
    const [bySodium, byNode] = ENGINES.map((engine) => vectors.map((vector) => isVerified(engine, vector)))
    expect(bySodium).toEqual(byNode)
  })
})
