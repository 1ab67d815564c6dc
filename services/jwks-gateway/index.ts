export type { GatewayConfig } from './config.ts'
export type { GatewayDeps } from './gateway-context.ts'
export { createGateway } from './server.ts'
