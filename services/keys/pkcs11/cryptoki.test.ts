import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { importAddon } from './cryptoki.ts'
import { attemptCall, codeOf, judgeError } from './cryptoki-error.ts'

const PACKAGE = join(import.meta.dirname, '../../../node_modules/pkcs11js')

describe('importAddon', () => {
  it('throws a StartupError with the build commands when the addon is not built', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'a4a-unbuilt-'))
    try {
      await cp(join(PACKAGE, 'index.js'), join(folder, 'index.cjs'))
      const unbuilt = () => import(pathToFileURL(join(folder, 'index.cjs')).href)
      await expect(importAddon(unbuilt)).rejects.toMatchObject({
        name: 'StartupError',
        message: expect.stringContaining('npm rebuild pkcs11js --ignore-scripts=false --foreground-scripts'),
        cause: { code: 'MODULE_NOT_FOUND' },
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('judgeError', () => {
  it.each([
    ['CKR_SESSION_HANDLE_INVALID:179\n  at PKCS11.C_Sign', 'lost'],
    ['CKR_SESSION_CLOSED', 'lost'],
    ['CKR_USER_NOT_LOGGED_IN', 'lost'],
    ['CKR_DEVICE_REMOVED', 'lost'],
    ['CKR_TOKEN_NOT_PRESENT', 'lost'],
    ['CKR_KEY_HANDLE_INVALID', 'lost'],
    ['CKR_OBJECT_HANDLE_INVALID', 'lost'],
    ['CKR_CRYPTOKI_NOT_INITIALIZED', 'lost'],
    ['CKR_OPERATION_ACTIVE', 'lost'],
    ['CKR_OPERATION_NOT_INITIALIZED', 'lost'],
    ['CKR_PIN_INCORRECT', 'broken'],
    ['CKR_DEVICE_ERROR', 'broken'],
    ['CKR_VENDOR_DEFINED:2147483649', 'broken'],
    ['what CKR_SESSION_CLOSED means', 'sound'],
  ])('judges the message "%s" as %s', (message, verdict) => {
    expect(judgeError(new Error(message))).toBe(verdict)
  })

  it('judges values that are not errors as sound', () => {
    expect([judgeError('CKR_SESSION_CLOSED'), codeOf(undefined)]).toEqual(['sound', undefined])
  })
})

describe('attemptCall', () => {
  it.each([
    ['CKR_SESSION_CLOSED', false],
    ['a mistake', true],
  ])('throws an error with the message "%s": %s', (message, isThrown) => {
    const attempt = () =>
      attemptCall(() => {
        throw new Error(message)
      })
    if (isThrown) expect(attempt).toThrow(message)
    else expect(attempt).not.toThrow()
  })
})
