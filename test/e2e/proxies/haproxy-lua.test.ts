import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readExample } from '../../support/deploy-example.ts'
import { forwardAuthCases } from './forward-auth-cases.ts'
import { haproxyFolder, startHaproxy } from './haproxy.ts'

forwardAuthCases({
  name: 'HAProxy with Lua',
  silent: 503,
  away: 503,
  identity: { hyphens: [200], underscores: [200] },
  repeated: 401,
  start: async ({ issuer, upstream }, port) => {
    const started = new AsyncDisposableStack()
    const folder = await haproxyFolder(started)
    const script = join(folder, 'auth4agent.lua')
    await writeFile(script, await readExample('haproxy/auth4agent.lua', {}))
    const file = join(folder, 'forward-auth.cfg')
    const addresses = {
      '127.0.0.1:8000': `127.0.0.1:${port}`,
      '127.0.0.1:3000': upstream.address,
      '127.0.0.1:8080': `127.0.0.1:${new URL(issuer).port}`,
      '/etc/haproxy/auth4agent.lua': script,
    }
    await writeFile(file, await readExample('haproxy/forward-auth.cfg', addresses))
    started.defer(await startHaproxy([file]))
    return () => started.disposeAsync()
  },
})
