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
import { tokenKind } from '../domain/key-kinds.ts'
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

describe('openPkcs11Provider', () => {
  type Alter = (token: SoftToken) => Promise<Partial<Pkcs11Options>>

  it.each<[string, SoftTokenOptions, Alter, RegExp]>([
    [
      'a missing module',
      {},
      async () => ({ module: '/no/such.so' }),
      /^AUTH4AGENT_PKCS11_MODULE must be the path of a PKCS#11 module; \/no\/such\.so does not exist/,
    ],
    [
      'a file that is no library',
      {},
      async ({ env }) => ({ module: env.SOFTHSM2_CONF }),
      /conf is not a PKCS#11 module: \S/,
    ],
    [
      'a program instead of a module',
      {},
      async () => ({ module: process.execPath }),
      /node is not a PKCS#11 module: \S/,
    ],
    [
      'a module that does not start',
      {},
      async ({ env }) => {
        await writeFile(env.SOFTHSM2_CONF, 'objectstore.backend = none\n')
        return {}
      },
      /^The PKCS#11 module \S+libsofthsm2.so does not start: CKR_GENERAL_ERROR$/,
    ],
    [
      'an unknown label',
      { label: 'mine' },
      async ({ addToken }) => {
        await addToken('yours')
        return { tokenLabel: 'ours' }
      },
      /^There is no PKCS#11 token "ours"; the module has ("mine", "yours"|"yours", "mine")$/,
    ],
    [
      'part of a label',
      {},
      async () => ({ tokenLabel: 'auth4' }),
      /no PKCS#11 token "auth4"; the module has "auth4agent"$/,
    ],
    [
      'a module without hardware tokens',
      {},
      async (token) => {
        await hideTokens(token)
        return {}
      },
      /no PKCS#11 token "auth4agent"; the module has no token$/,
    ],
    [
      'two hardware tokens with the label',
      {},
      async ({ addToken, tokenLabel }) => {
        await addToken(tokenLabel)
        return {}
      },
      /^Only one PKCS#11 token may have the label "auth4agent"/,
    ],
    [
      'a wrong PIN',
      {},
      async () => ({ pin: 'wrong-secret' }),
      /refuses the login: AUTH4AGENT_PKCS11_PIN must be its PIN$/,
    ],
    ['an empty PIN', {}, async () => ({ pin: '' }), /refuses the login: AUTH4AGENT_PKCS11_PIN must be its PIN$/],
    [
      'a hardware token that lacks mechanisms',
      { config: 'slots.mechanisms = -CKM_MD5,CKM_ECDSA,CKM_EDDSA' },
      async () => ({}),
      /must support all kinds of signing keys, but lacks CKM_ECDSA, CKM_EDDSA$/,
    ],
  ])('throws a StartupError that explains %s, without the PIN', async (_name, options, alter, message) => {
    await using token = await createToken(options)
    const altered = await alter(token)
    const error = await caught(open({ ...token, ...altered }))
    expect(error).toBeInstanceOf(StartupError)
    expect((error as Error).message).toMatch(message)
    expect(String(error)).not.toContain(altered.pin || token.pin)
  })

  it('opens with the right PIN after a wrong one was refused, and refuses the wrong one again', async () => {
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

describe('a provider of openPkcs11Provider', () => {
  let own: TokenProvider
  let row: KeyRow
  let key: PrivateTokenKey

  beforeEach(async () => {
    own = await createTokenProvider()
    row = rowOf(await own.provider.generate(tokenKind('EdDSA')))
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
      'its module is restarted',
      'CKR_SESSION_HANDLE_INVALID',
      ({ calls }) => {
        calls.C_Finalize()
        calls.C_Initialize({ flags: CKF.OS_LOCKING_OK })
      },
    ],
  ]

  it.each(events)('continues to sign, generate and open after %s (%s)', async (_name, code, beneath) => {
    beneath(await takeInHand(own.token))
    expect(await signs()).toBe(true)
    expect(own.lines.join()).toContain(code)
    expect(own.lines.join()).not.toContain('"operation"')
    beneath(await takeInHand(own.token))
    const another = await own.provider.generate(tokenKind('ES256'))
    beneath(await takeInHand(own.token))
    expect(await own.provider.open(rowOf(another))).toMatchObject({ publicJwk: another.publicJwk })
  })

  it('continues to sign when all of its sessions are closed 10 times', async () => {
    const { calls, slot } = await takeInHand(own.token)
    for (let round = 0; round < 10; round += 1) {
      const signing = Array.from({ length: 20 }, () => signs())
      expect(await Promise.all(signing)).toEqual(signing.map(() => true))
      // Close sessions only between signatures, because SoftHSM does not support closing sessions while it signs.
      calls.C_CloseAllSessions(slot)
    }
  })

  it('throws UNAVAILABLE while the hardware token is missing, and signs when it is back', async () => {
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

  it('does not try a refused PIN again', async () => {
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

  it('leaves no session open when the login is refused', async () => {
    const { calls, slot, session } = await takeInHand(own.token)
    const { pin, tokenLabel } = own.token
    calls.C_SetPIN(session, pin, 'changed-secret')
    calls.C_CloseAllSessions(slot)
    expect(await refusalOf(key.sign(INPUT))).toBe('UNAVAILABLE')
    // A hardware token can be initialised only while no session is open.
    expect(() => calls.C_InitToken(slot, `${pin}-so`, tokenLabel)).not.toThrow()
  })

  it('finishes running signatures when it is closed, and then throws UNAVAILABLE', async () => {
    const { calls } = await takeInHand(own.token)
    const underWay = Array.from({ length: 50 }, () => signs())
    const closed = [own.provider.close(), own.provider.close()]
    expect(await Promise.all(underWay)).toEqual(underWay.map(() => true))
    await Promise.all(closed)
    expect(() => calls.C_GetInfo()).toThrow('CKR_CRYPTOKI_NOT_INITIALIZED')
    const tries = [
      key.sign(INPUT),
      own.provider.open(row),
      own.provider.generate(tokenKind('EdDSA')),
      own.provider.destroy(row),
    ]
    expect(await Promise.all(tries.map(refusalOf))).toEqual(tries.map(() => 'UNAVAILABLE'))
    expect(() => calls.C_GetInfo()).toThrow('CKR_CRYPTOKI_NOT_INITIALIZED')
  })

  it('logs out when it is closed, also while the module is in use for another hardware token', async () => {
    const { calls, slot } = await takeInHand(own.token)
    await own.token.addToken('another')
    // SoftHSM finds new tokens only when it starts.
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

/** Hides all tokens. Returns a function that restores them. */
async function hideTokens(token: SoftToken): Promise<() => Promise<void>> {
  const [here, away] = [tokensOf(token), `${tokensOf(token)}-away`]
  await rename(here, away)
  await mkdir(here)
  return async () => {
    await rmdir(here)
    await rename(away, here)
  }
}

/** Opens a second provider of a token in this process. */
async function createAnother(token: SoftToken) {
  const provider = await open(token)
  return { provider, [Symbol.asyncDispose]: () => provider.close() }
}
