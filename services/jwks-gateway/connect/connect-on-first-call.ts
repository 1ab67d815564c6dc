import type { Mount } from '../../http-port/server.ts'
import type { GatewayContext } from '../gateway-context.ts'

/**
 * Serves Connect and gRPC-Web at `/package.Service/Method`, for every path that begins with the package of a public
 * service. The modules of Connect, which also load Node's fetch, are only loaded at the first request.
 */
export function connectOnFirstCall(context: GatewayContext): Mount {
  const prefixes = [...new Set(context.rpc.services.map(({ file }) => `/${file.proto.package}.`))]
  let loading: Promise<Mount['handle']> | undefined
  return {
    owns: (path) => prefixes.some((prefix) => path.startsWith(prefix)),
    async handle(exchange) {
      loading ??= import('./connect.ts').then(({ createConnectHandler }) => createConnectHandler(context))
      const handle = await loading
      await handle(exchange)
    },
  }
}
