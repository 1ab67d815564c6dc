import { readExample } from '../../support/deploy-example.ts'
import { startNginx } from '../../support/nginx.ts'
import { forwardAuthCases } from './forward-auth-cases.ts'

forwardAuthCases({
  name: 'nginx',
  silent: 500,
  away: 500,
  identity: { hyphens: [403], underscores: [200] },
  repeated: 400,
  start: async ({ issuer, upstream }, port) =>
    startNginx(
      await readExample('nginx/orders.conf', {
        '127.0.0.1:8000': `127.0.0.1:${port}`,
        '127.0.0.1:3000': upstream.address,
        '127.0.0.1:8080': new URL(issuer).host,
      }),
    ),
})
