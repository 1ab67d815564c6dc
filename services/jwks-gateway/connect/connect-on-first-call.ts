import type { Mount } from '../../http-port/server.ts'
import type { GatewayContext } from '../gateway-context.ts'

/**
 * Offers Connect and gRPC-Web at `/package.Service/Method` in a package of the services. Their modules, with Node's own fetch
 * behind them, are loaded for the first request.
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
