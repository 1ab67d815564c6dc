export type { GatewayConfig } from './config.ts'
export type { GatewayDeps } from './gateway-context.ts'
export type { Representation, Represented, Resources } from './rest/resource.ts'
export { createGateway } from './server.ts'
