import { mkdir, rename, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { createToken, type SoftToken, type SoftTokenOptions, takeInHand } from '../../../test/support/softhsm.ts'
import { ensureSoftHsm } from '../../../test/support/softhsm-program.ts'
import { createTokenProvider, rowOf, type TokenProvider } from '../../../test/support/token-provider.ts'
import type { PrivateTokenKey } from '../../platform/crypto/token-key.ts'
import { StartupError } from '../../platform/errors/startup-error.ts'
import type { KeyRow } from '../key-provider.ts'
import { CKF, CKU_USER } from './constants.ts'
import { openPkcs11Provider, type Pkcs11Options } from './pkcs11-provider.ts'

const INPUT = Buffer.from('a signing input')
const [CKS_RO_PUBLIC_SESSION, CKS_RO_USER_FUNCTIONS] = [0, 1]
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const tokensOf = ({ env }: SoftToken) => join(dirname(env.SOFTHSM2_CONF), 'tokens')
const open = (options: Pkcs11Options) => openPkcs11Provider({ ...options, log: silent })
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

beforeAll(async () => void (await ensureSoftHsm()), 300_000)

describe('what keeps it from starting', () => {
  type Alter = (token: SoftToken) => Promise<Partial<Pkcs11Options>>

  it.each<[string, SoftTokenOptions, Alter, RegExp]>([
    [
      'a module that is not there',
      {},
      async () => ({ module: '/no/such.so' }),
      /^There is no PKCS#11 module at \/no\//,
    ],
    ['a module that is none', {}, async ({ env }) => ({ module: env.SOFTHSM2_CONF }), /conf is no PKCS#11 module: \S/],
    ['a library of another kind', {}, async () => ({ module: process.execPath }), /node is no PKCS#11 module: \S/],
    [
      'a module that does not start',
      {},
      async ({ env }) => {
        await writeFile(env.SOFTHSM2_CONF, 'objectstore.backend = none\n')
        return {}
      },
      /^The PKCS#11 module \S+libsofthsm2.so does not start: CKR_GENERAL_ERROR\.$/,
    ],
    [
      'another label',
      { label: 'mine' },
      async ({ addToken }) => {
        await addToken('yours')
        return { tokenLabel: 'ours' }
      },
      /^There is no PKCS#11 token "ours"; there is ("mine", "yours"|"yours", "mine")\.$/,
    ],
    [
      'part of a label',
      {},
      async () => ({ tokenLabel: 'auth4' }),
      /no PKCS#11 token "auth4"; there is "auth4agent"\.$/,
    ],
    [
      'no token at all',
      {},
      async (token) => {
        await hideTokens(token)
        return {}
      },
      /no PKCS#11 token "auth4agent"; there is none\.$/,
    ],
    [
      'two tokens of the label',
      {},
      async ({ addToken, tokenLabel }) => {
        await addToken(tokenLabel)
        return {}
      },
      /^There is more than one PKCS#11 token "auth4agent"/,
    ],
    [
      'a wrong PIN',
      {},
      async () => ({ pin: 'wrong-secret' }),
      /refuses the login: AUTH4AGENT_PKCS11_PIN is not its PIN\.$/,
    ],
    ['an empty PIN', {}, async () => ({ pin: '' }), /refuses the login: AUTH4AGENT_PKCS11_PIN is not its PIN\.$/],
    [
      'a token that lacks mechanisms',
      { config: 'slots.mechanisms = -CKM_MD5,CKM_ECDSA,CKM_EDDSA' },
      async () => ({}),
      /cannot make all kinds of signing keys: it lacks CKM_ECDSA, CKM_EDDSA\.$/,
    ],
  ])('is said in one sentence: %s', async (_name, options, alter, message) => {
    await using token = await createToken(options)
    const altered = await alter(token)
    const error = await caught(open({ ...token, ...altered }))
    expect(error).toBeInstanceOf(StartupError)
    expect((error as Error).message).toMatch(message)
    expect(String(error)).not.toContain(altered.pin || token.pin)
  })

  it('leaves nothing behind: the right PIN then opens, the wrong one after it does not', async () => {
    await using token = await createToken()
    const wrong = { ...token, pin: 'wrong-secret' }
    for (const options of [wrong, token, wrong]) {
      const opened = open(options)
      const error = await caught(opened)
      expect(error instanceof StartupError).toBe(options === wrong)
      if (error === undefined) await (await opened).close()
    }
  })
})

describe('an open token', () => {
  let own: TokenProvider
  let row: KeyRow
  let key: PrivateTokenKey

  beforeEach(async () => {
    own = await createTokenProvider()
    row = rowOf(await own.provider.generate('EdDSA'))
    key = await own.provider.open(row)
  })
  afterEach(() => own[Symbol.asyncDispose]())

  const signs = async (by = key) =>
    importTokenVerifier(row.alg, row.publicJwk)?.verify(INPUT, await by.sign(INPUT)) ?? false

  type Beneath = (token: Awaited<ReturnType<typeof takeInHand>>) => void
  const events: readonly [string, string, Beneath][] = [
    ['its sessions are closed', 'CKR_SESSION_HANDLE_INVALID', ({ calls, slot }) => calls.C_CloseAllSessions(slot)],
    ['its login is ended', 'CKR_OBJECT_HANDLE_INVALID', ({ calls, session }) => calls.C_Logout(session)],
    ['its module is finalised', 'CKR_CRYPTOKI_NOT_INITIALIZED', ({ calls }) => calls.C_Finalize()],
    [
      'its module is started anew',
      'CKR_SESSION_HANDLE_INVALID',
      ({ calls }) => {
        calls.C_Finalize()
        calls.C_Initialize({ flags: CKF.OS_LOCKING_OK })
      },
    ],
  ]

  it.each(events)('goes on when %s beneath it (%s)', async (_name, code, beneath) => {
    beneath(await takeInHand(own.token))
    expect(await signs()).toBe(true)
    expect(own.lines.join()).toContain(code)
    expect(own.lines.join()).not.toContain('"operation"')
    beneath(await takeInHand(own.token))
    const another = await own.provider.generate('ES256')
    beneath(await takeInHand(own.token))
    expect(await own.provider.open(rowOf(another))).toMatchObject({ publicJwk: another.publicJwk })
  })

  it('goes on when all of its sessions are closed at once, again and again', async () => {
    const { calls, slot } = await takeInHand(own.token)
    for (let round = 0; round < 10; round += 1) {
      const signing = Array.from({ length: 20 }, () => signs())
      expect(await Promise.all(signing)).toEqual(signing.map(() => true))
      // Not while it signs: SoftHSM does not bear that.
      calls.C_CloseAllSessions(slot)
    }
  })

  it('is UNAVAILABLE while the token is gone, and goes on when it is back', async () => {
    const { calls } = await takeInHand(own.token)
    const bringBack = await hideTokens(own.token)
    calls.C_Finalize()
    const error = await caught(key.sign(INPUT))
    expect(error).toMatchObject({ reason: 'UNAVAILABLE', retryAfter: 1 })
    expect(own.lines.join()).toContain('There is no PKCS#11 token')
    await bringBack()
    calls.C_Finalize()
    expect(await signs()).toBe(true)
  })

  it('does not try a PIN again that was refused: a token locks itself after a few', async () => {
    const { calls, slot, session } = await takeInHand(own.token)
    const { pin } = own.token
    calls.C_SetPIN(session, pin, 'changed-secret')
    calls.C_CloseAllSessions(slot)
    expect(await refusalOf(key.sign(INPUT))).toBe('UNAVAILABLE')
    const other = calls.C_OpenSession(slot, CKF.SERIAL_SESSION | CKF.RW_SESSION)
    calls.C_Login(other, CKU_USER, 'changed-secret')
    calls.C_SetPIN(other, 'changed-secret', pin)
    calls.C_CloseAllSessions(slot)
    expect(await refusalOf(key.sign(INPUT))).toBe('UNAVAILABLE')
    expect(own.lines.join()).toContain('refuses the login')
    expect(own.lines.join()).not.toContain(pin)
    await using another = await createAnother(own.token)
    expect(await signs(await another.provider.open(row))).toBe(true)
  })

  it('leaves no session open where the login was refused', async () => {
    const { calls, slot, session } = await takeInHand(own.token)
    const { pin, tokenLabel } = own.token
    calls.C_SetPIN(session, pin, 'changed-secret')
    calls.C_CloseAllSessions(slot)
    expect(await refusalOf(key.sign(INPUT))).toBe('UNAVAILABLE')
    // Only where there is none can a token be made anew.
    expect(() => calls.C_InitToken(slot, `${pin}-so`, tokenLabel)).not.toThrow()
  })

  it('ends what is under way when it is closed, and then does nothing more', async () => {
    const { calls } = await takeInHand(own.token)
    const underWay = Array.from({ length: 50 }, () => signs())
    const closed = [own.provider.close(), own.provider.close()]
    expect(await Promise.all(underWay)).toEqual(underWay.map(() => true))
    await Promise.all(closed)
    expect(() => calls.C_GetInfo()).toThrow('CKR_CRYPTOKI_NOT_INITIALIZED')
    const tries = [key.sign(INPUT), own.provider.open(row), own.provider.generate('EdDSA'), own.provider.destroy(row)]
    expect(await Promise.all(tries.map(refusalOf))).toEqual(tries.map(() => 'UNAVAILABLE'))
    expect(() => calls.C_GetInfo()).toThrow('CKR_CRYPTOKI_NOT_INITIALIZED')
  })

  it('logs out when it is closed, though the module is in use for another token', async () => {
    const { calls, slot } = await takeInHand(own.token)
    await own.token.addToken('another')
    // SoftHSM sees new tokens when it starts.
    calls.C_Finalize()
    const another = await open({ ...own.token, tokenLabel: 'another' })
    expect(await signs()).toBe(true)
    const stateOf = () => calls.C_GetSessionInfo(calls.C_OpenSession(slot, CKF.SERIAL_SESSION)).state
    expect(stateOf()).toBe(CKS_RO_USER_FUNCTIONS)
    calls.C_CloseAllSessions(slot)
    expect(await signs()).toBe(true)
    await own.provider.close()
    expect(stateOf()).toBe(CKS_RO_PUBLIC_SESSION)
    await another.close()
  })
})

/** Takes all tokens away; what it gives brings them back. */
async function hideTokens(token: SoftToken): Promise<() => Promise<void>> {
  const [here, away] = [tokensOf(token), `${tokensOf(token)}-away`]
  await rename(here, away)
  await mkdir(here)
  return async () => {
    await rmdir(here)
    await rename(away, here)
  }
}

/** A second provider of a token in this process. */
async function createAnother(token: SoftToken) {
  const provider = await open(token)
  return { provider, [Symbol.asyncDispose]: () => provider.close() }
}
