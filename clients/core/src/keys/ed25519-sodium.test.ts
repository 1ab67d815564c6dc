import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { until } from '../../../../test/support/until.ts'
import { chooseEngine, engineChoice } from './ed25519.ts'
import { nodeEngine } from './ed25519-node.ts'
import { loadSodiumEngine, type Sodium } from './ed25519-sodium.ts'

const sodium: Sodium = createRequire(import.meta.url)('sodium-native')
const isWiped = (secret: Uint8Array) => secret.every((byte) => byte === 0)

describe('chooseEngine', () => {
  it('chooses libsodium if it loads', () => {
    expect(engineChoice.engine.name).toBe('libsodium')
    expect(engineChoice).not.toHaveProperty('problem')
  })

  it.each<[string, Partial<Sodium>]>([
    ['accepts everything', { crypto_sign_verify_detached: () => true }],
    ['refuses everything', { crypto_sign_verify_detached: () => false }],
    ['signs wrongly', { crypto_sign_detached: (signature) => void signature.fill(1) }],
    ['derives a wrong key', { crypto_sign_seed_keypair: (publicKey) => void publicKey.fill(1) }],
    ['lacks a function', { crypto_sign_detached: Object.create(null) }],
  ])('chooses node:crypto if the package %s', (_name, broken) => {
    const choice = chooseEngine(() => loadSodiumEngine(() => ({ ...sodium, ...broken })))
    expect(choice).toMatchObject({ engine: nodeEngine, problem: expect.stringContaining('Error: ') })
  })

  it('reports the problem that the addon loader found', () => {
    const { problem } = chooseEngine(() => {
      throw new Error('Cannot load addon', { cause: new Error('GLIBC_2.33 not found') })
    })
    expect(problem).toBe('Error: GLIBC_2.33 not found')
  })

  it('chooses node:crypto in a process without the package and reports why', () => {
    const hook = `import { registerHooks } from 'node:module'
      const resolve = (name, context, next) => next(name === 'sodium-native' ? 'sodium-native-gone' : name, context)
      registerHooks({ resolve })`
    const script = `import { engineChoice, generateKeyPair, importPublicKey, sign, verify } from './clients/core/src/keys/ed25519.ts'
      const { publicKey, privateKey } = generateKeyPair()
      const holds = verify(importPublicKey(publicKey), publicKey, sign(privateKey, publicKey))
      console.log(JSON.stringify([engineChoice.engine.name, engineChoice.problem, holds]))`
    const args = [
      '--import',
      `data:text/javascript,${encodeURIComponent(hook)}`,
      '--input-type=module',
      '--eval',
      script,
    ]
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual(['node:crypto', expect.stringContaining("'sodium-native-gone'"), true])
  })
})

describe('memory of a libsodium secret', () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const seed = Buffer.alloc(32, 7)

  /** Returns only the signing function of a key, and the memory that contains its secret. */
  function makeSigner() {
    const secrets: Uint8Array[] = []
    const spied: Pick<Sodium, 'crypto_sign_seed_keypair'> = {
      crypto_sign_seed_keypair(publicKey, secretKey, from) {
        secrets.push(secretKey)
        sodium.crypto_sign_seed_keypair(publicKey, secretKey, from)
      },
    }
    const engine = loadSodiumEngine(() => ({ ...sodium, ...spied }))
    const { sign } = engine.importSeed(seed)
    const secret = secrets.at(-1) ?? new Uint8Array()
    expect(Buffer.from(secret.subarray(0, 32))).toEqual(seed)
    return { sign, secret }
  }

  it('is overwritten after the signing function is garbage-collected', async () => {
    const { secret } = makeSigner()
    await until(async () => {
      collectGarbage()
      return isWiped(secret)
    }, Boolean)
  })

  it('is kept while the signing function exists, even without the key object', async () => {
    const { sign, secret } = makeSigner()
    const { secret: forgotten } = makeSigner()
    await until(async () => {
      collectGarbage()
      return isWiped(forgotten)
    }, Boolean)
    expect(isWiped(secret)).toBe(false)
    expect(Buffer.from(sign(seed))).toEqual(nodeEngine.importSeed(seed).sign(seed))
  })
})
