import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { describe, expect, it } from 'vitest'
import { type Config, ConfigError, readConfig } from './config.ts'
import { SERVICE_NAMES, type ServiceName } from './service-names.ts'

type Env = Record<string, string | undefined>
const DAY = 86_400
const kek = (byte: number) => new Uint8Array(32).fill(byte)
const [ONE, TWO] = [encodeBase64(kek(1)), encodeBase64(kek(2))]
const DATABASE = { DATABASE_URL: 'postgresql://u@db.example/a' }

function read(env: Env, services: readonly ServiceName[] = SERVICE_NAMES): Config {
  return readConfig(env, '/data', services)
}

/** The problems that an environment has, without their bullets. */
function problemsOf(env: Env, services?: readonly ServiceName[]): string[] {
  try {
    read(env, services)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [, ...lines] = error.message.split('\n')
    return lines.map((line) => line.slice('  - '.length))
  }
}

describe('the settings of keys', () => {
  it('have defaults', () => {
    expect(read({})).toMatchObject({
      keyRotationInterval: 30 * DAY,
      jwksMaxAge: 300,
      signingKeyFile: undefined,
      otherKeks: [],
      otherKekFiles: [],
      pkcs11Module: undefined,
      pkcs11Token: undefined,
      pkcs11Pin: undefined,
      pkcs11PinFile: undefined,
    })
  })

  it.each<[string, string, Partial<Config>]>([
    ['AUTH4AGENT_KEY_ROTATION_INTERVAL', '1s', { keyRotationInterval: 1 }],
    ['AUTH4AGENT_KEY_ROTATION_INTERVAL', '87600h', { keyRotationInterval: 3650 * DAY }],
    ['AUTH4AGENT_JWKS_MAX_AGE', '1s', { jwksMaxAge: 1 }],
    ['AUTH4AGENT_JWKS_MAX_AGE', '24h', { jwksMaxAge: DAY }],
    ['AUTH4AGENT_SIGNING_KEY_FILE', '/key.pem', { signingKeyFile: '/key.pem' }],
    ['AUTH4AGENT_OTHER_KEKS', ONE, { otherKeks: [Buffer.from(kek(1))] }],
    ['AUTH4AGENT_OTHER_KEKS', `${ONE}, ${TWO}`, { otherKeks: [Buffer.from(kek(1)), Buffer.from(kek(2))] }],
    ['AUTH4AGENT_OTHER_KEK_FILES', '/old, /older', { otherKekFiles: ['/old', '/older'] }],
  ])('reads %s from %s', (name, value, expected) => {
    expect(read({ [name]: value })).toMatchObject(expected)
  })

  const bad: [string, string[]][] = [
    ['AUTH4AGENT_KEY_ROTATION_INTERVAL', ['0', '500ms', '87601h', '-1s', 'monthly']],
    ['AUTH4AGENT_JWKS_MAX_AGE', ['0', '86401', '25h', 'x']],
    ['AUTH4AGENT_OTHER_KEKS', ['x', `${ONE},`, `${ONE},${TWO.slice(4)}`, `${ONE};${TWO}`, `${ONE} ${TWO}`]],
    ['AUTH4AGENT_OTHER_KEK_FILES', ['/old,', ',/old', ' ', '/old,,/older']],
    ['AUTH4AGENT_PKCS11_TOKEN', ['a'.repeat(33), 'ä'.repeat(17)]],
  ]
  it.each(bad.flatMap(([name, values]) => values.map((value) => [name, value] as const)))(
    'refuses %s = %j by name, without repeating the value',
    (name, value) => {
      const others = name === 'AUTH4AGENT_PKCS11_TOKEN' && {
        AUTH4AGENT_PKCS11_MODULE: '/m',
        AUTH4AGENT_PKCS11_PIN: '1',
      }
      const problems = problemsOf({ ...others, [name]: value })
      expect(problems).toHaveLength(1)
      expect(problems[0]).toMatch(new RegExp(`^${name} must be `))
      for (const part of value.split(/[,; ]+/)) if (part.length > 5) expect(problems[0]).not.toContain(part)
    },
  )

  it.each([
    ['AUTH4AGENT_OTHER_KEKS', 'AUTH4AGENT_OTHER_KEKS must be keys of 32 bytes in base64, separated by commas'],
    ['AUTH4AGENT_OTHER_KEK_FILES', 'AUTH4AGENT_OTHER_KEK_FILES must be paths, separated by commas'],
  ])('says how a list is written: %s', (name, problem) => {
    expect(problemsOf({ [name]: ',' })).toEqual([problem])
  })

  it.each(['AUTH4AGENT_OTHER_KEKS', 'AUTH4AGENT_PKCS11_PIN', 'AUTH4AGENT_SIGNING_KEY_FILE'])(
    'refuses %s when it is set but empty',
    (name) => {
      expect(problemsOf({ [name]: '' })).toEqual([`${name} is set but empty`])
    },
  )
})

describe('conflicts of the settings of keys', () => {
  const PKCS11 = {
    AUTH4AGENT_PKCS11_MODULE: '/module.so',
    AUTH4AGENT_PKCS11_TOKEN: 'ä'.repeat(16),
    AUTH4AGENT_PKCS11_PIN: 'secret-pin',
  }
  const PIN_IN_FILE = { ...PKCS11, AUTH4AGENT_PKCS11_PIN: undefined, AUTH4AGENT_PKCS11_PIN_FILE: '/pin' }
  const rows: [string, Env, string[]][] = [
    ['a token with its PIN', PKCS11, []],
    ['a token with its PIN in a file', PIN_IN_FILE, []],
    ['two PINs', { ...PKCS11, AUTH4AGENT_PKCS11_PIN_FILE: '/pin' }, ['exclude each other']],
    ['a token without module', { ...PKCS11, AUTH4AGENT_PKCS11_MODULE: undefined }, ['go together']],
    ['a module without token', { ...PKCS11, AUTH4AGENT_PKCS11_TOKEN: undefined }, ['go together']],
    ['a token without PIN', { ...PKCS11, AUTH4AGENT_PKCS11_PIN: undefined }, ['go together']],
    ['a module alone', { AUTH4AGENT_PKCS11_MODULE: '/module.so' }, ['go together']],
    ['a PIN alone', { AUTH4AGENT_PKCS11_PIN: 'secret-pin' }, ['go together']],
    ['a PIN file alone', { AUTH4AGENT_PKCS11_PIN_FILE: '/pin' }, ['go together']],
    ['another key-encryption key beside that of the data folder', { AUTH4AGENT_OTHER_KEKS: ONE }, []],
    [
      'other key-encryption keys and no own one beside a database',
      { ...DATABASE, AUTH4AGENT_OTHER_KEKS: ONE, AUTH4AGENT_OTHER_KEK_FILES: '/old' },
      ['DATABASE_URL needs AUTH4AGENT_KEK'],
    ],
    [
      'the own key-encryption key among the others',
      { AUTH4AGENT_KEK: ONE, AUTH4AGENT_OTHER_KEKS: `${ONE},${ONE}` },
      [],
    ],
  ]
  it.each(rows)('%s', (_name, env, expected) => {
    const problems = problemsOf(env)
    expect(problems).toHaveLength(expected.length)
    for (const [index, part] of expected.entries()) expect(problems[index]).toContain(part)
    expect(problems.join()).not.toContain('secret-pin')
  })

  it('the others are taken, and left alone, where authn does not run, as the key-encryption key is', () => {
    const env = { ...DATABASE, ...PKCS11, AUTH4AGENT_KEK: ONE, AUTH4AGENT_OTHER_KEKS: TWO }
    expect(problemsOf(env, ['operator-registry'])).toEqual([])
  })
})
