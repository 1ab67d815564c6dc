import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { type Environment, failToStart } from '../../support/server.ts'

const DATABASE_URL = 'postgresql://127.0.0.1:1/nothing'
const KEK = randomBytes(32).toString('base64')

it.each<readonly [string, Environment, readonly string[]]>([
  ['a database without a key-encryption key', { DATABASE_URL }, ['AUTH4AGENT_KEK']],
  [
    'several wrong settings, and names all of them',
    { PORT: 'http', AUTH4AGENT_TOKEN_TTL: '2h', AUTH4AGENT_BASE_URL: 'example.com', AUTH4AGENT_COLOUR: 'red' },
    ['4 problems', 'PORT', 'AUTH4AGENT_TOKEN_TTL', 'AUTH4AGENT_BASE_URL', 'AUTH4AGENT_COLOUR'],
  ],
  [
    'plain http on an address that other machines can reach',
    { AUTH4AGENT_HOST: '0.0.0.0' },
    ['AUTH4AGENT_ALLOW_PLAIN_HTTP'],
  ],
  ...['/proc/x', '/proc/x/y', '/sys', '/dev/null', '/dev/null/x'].map(
    (path) =>
      [
        `the data folder ${path}`,
        { AUTH4AGENT_DATA_DIR: path },
        [`The data folder ${path} cannot be used (`, 'set AUTH4AGENT_DATA_DIR to a writable folder'],
      ] as const,
  ),
  [
    'a missing certificate',
    { DATABASE_URL, AUTH4AGENT_KEK: KEK, AUTH4AGENT_TLS_CERT_FILE: '/none.crt', AUTH4AGENT_TLS_KEY_FILE: '/none.key' },
    ['AUTH4AGENT_TLS_CERT_FILE names /none.crt for the certificate, but there is no such file'],
  ],
])('the server refuses to start on %s', async (_name, env, words) => {
  const { status, logs } = await failToStart(env)
  expect(status).toBe(1)
  for (const word of words) expect(logs).toContain(word)
  expect(logs).not.toContain(KEK)
  expect(logs).not.toContain('    at ')
})
