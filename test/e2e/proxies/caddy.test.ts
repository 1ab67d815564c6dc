import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from '../../support/child-process.ts'
import { ensureInstalled, findProgram } from '../../support/debian-package.ts'
import { readExample } from '../../support/deploy-example.ts'
import { forwardAuthCases } from './forward-auth-cases.ts'

const MISSING = 'The tests need Caddy. Install it with "apt-get install caddy", or put it in your PATH.'

/** Starts a real Caddy without its port for administrators. Resolves with a function that stops it. */
async function startCaddy(config: string): Promise<() => Promise<void>> {
  const command = await ensureInstalled({ name: 'caddy', find: () => findProgram('caddy'), missing: MISSING })
  const folder = await mkdtemp(join(tmpdir(), 'a4a-caddy-'))
  const file = join(folder, 'Caddyfile')
  await writeFile(file, `{\n\tadmin off\n}\n${config}`)
  const folders = [`XDG_CONFIG_HOME=${folder}`, `XDG_DATA_HOME=${folder}`]
  const args = [...folders, command, 'run', '--adapter', 'caddyfile', '--config', file]
  const isReady = /serving initial configuration/
  const caddy = await startProgram({ name: 'caddy', command: '/usr/bin/env', args, isReady })
  return async () => {
    await caddy.end('SIGTERM')
    await rm(folder, { recursive: true })
  }
}

forwardAuthCases({
  name: 'Caddy',
  silent: 504,
  away: 502,
  // Caddy drops names with underscores since August 2026. Auth4Agent refuses those that an older one sends on.
  identity: { hyphens: [200], underscores: [200, 403] },
  repeated: 401,
  start: async ({ issuer, upstream }, port) =>
    startCaddy(
      await readExample('caddy/Caddyfile', {
        ':8000 {': `:${port} {`,
        '127.0.0.1:3000': upstream.address,
        '127.0.0.1:8080': new URL(issuer).host,
      }),
    ),
})
