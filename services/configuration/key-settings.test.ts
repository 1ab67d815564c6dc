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

/** Returns the problems of an environment, without their bullets. */
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

describe('readConfig, the settings of keys', () => {
  it('returns the defaults of an empty environment', () => {
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
  ])('accepts %s=%s', (name, value, expected) => {
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
    'refuses %s=%j by name, without repeating the value',
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
  ])('explains the form of the list %s', (name, problem) => {
    expect(problemsOf({ [name]: ',' })).toEqual([problem])
  })

  it.each(['AUTH4AGENT_OTHER_KEKS', 'AUTH4AGENT_PKCS11_PIN', 'AUTH4AGENT_SIGNING_KEY_FILE'])(
    'refuses an empty %s',
    (name) => {
      expect(problemsOf({ [name]: '' })).toEqual([`${name} must not be empty; unset it to use the default`])
    },
  )
})

describe('findConflicts, of the settings of keys', () => {
  const PKCS11 = {
    AUTH4AGENT_PKCS11_MODULE: '/module.so',
    AUTH4AGENT_PKCS11_TOKEN: 'ä'.repeat(16),
    AUTH4AGENT_PKCS11_PIN: 'secret-pin',
  }
  const PIN_IN_FILE = { ...PKCS11, AUTH4AGENT_PKCS11_PIN: undefined, AUTH4AGENT_PKCS11_PIN_FILE: '/pin' }
  const rows: [string, Env, string[]][] = [
    ['accepts a hardware token with its PIN', PKCS11, []],
    ['accepts a hardware token with its PIN in a file', PIN_IN_FILE, []],
    ['refuses two PINs', { ...PKCS11, AUTH4AGENT_PKCS11_PIN_FILE: '/pin' }, ['must not both be set']],
    [
      'refuses a hardware token without module',
      { ...PKCS11, AUTH4AGENT_PKCS11_MODULE: undefined },
      ['must be set together'],
    ],
    [
      'refuses a module without hardware token',
      { ...PKCS11, AUTH4AGENT_PKCS11_TOKEN: undefined },
      ['must be set together'],
    ],
    ['refuses a hardware token without PIN', { ...PKCS11, AUTH4AGENT_PKCS11_PIN: undefined }, ['must be set together']],
    ['refuses a module alone', { AUTH4AGENT_PKCS11_MODULE: '/module.so' }, ['must be set together']],
    ['refuses a PIN alone', { AUTH4AGENT_PKCS11_PIN: 'secret-pin' }, ['must be set together']],
    ['refuses a PIN file alone', { AUTH4AGENT_PKCS11_PIN_FILE: '/pin' }, ['must be set together']],
    ['accepts another KEK beside the one in the data folder', { AUTH4AGENT_OTHER_KEKS: ONE }, []],
    [
      'refuses other KEKs without AUTH4AGENT_KEK when DATABASE_URL is set',
      { ...DATABASE, AUTH4AGENT_OTHER_KEKS: ONE, AUTH4AGENT_OTHER_KEK_FILES: '/old' },
      ['AUTH4AGENT_KEK or AUTH4AGENT_KEK_FILE must be set'],
    ],
    [
      'accepts AUTH4AGENT_KEK among the other KEKs',
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

  it('accepts the KEKs in a process without authn, which does not use them', () => {
    const env = { ...DATABASE, ...PKCS11, AUTH4AGENT_KEK: ONE, AUTH4AGENT_OTHER_KEKS: TWO }
    expect(problemsOf(env, ['operator-registry'])).toEqual([])
  })
})
