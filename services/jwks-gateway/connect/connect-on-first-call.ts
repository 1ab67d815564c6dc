import type { DescService } from '@bufbuild/protobuf'
import type { GatewayContext } from '../gateway-context.ts'
import type { ConnectListener } from './connect.ts'

/** Tells whether a path is one of Connect's: `/package.Service/Method` in a package of the services. */
export function connectPathTest(services: readonly DescService[]): (url: string) => boolean {
  const prefixes = [...new Set(services.map(({ file }) => `/${file.proto.package}.`))]
  return (url) => prefixes.some((prefix) => url.startsWith(prefix))
}

/** The listener of Connect and gRPC-Web, whose modules, with Node's own fetch behind them, are loaded for the first request. */
export function connectOnFirstCall(context: GatewayContext): ConnectListener {
  let loading: Promise<ConnectListener> | undefined
  return (request, response) => {
    loading ??= import('./connect.ts').then(({ createConnectListener }) => createConnectListener(context))
    loading.then(
      (listener) => listener(request, response),
      (error: unknown) => {
        context.log.error({ error }, 'Connect could not be loaded')
        response.destroy()
      },
    )
  }
}
