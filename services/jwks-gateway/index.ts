export type { GatewayConfig } from './config.ts'
export type { GatewayDeps } from './gateway-context.ts'
export { resources } from './representations.ts'
export { createGateway } from './server.ts'
