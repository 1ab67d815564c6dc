export { Auth4AgentError } from './errors.ts'
export type { Signer } from './signer.ts'
export { type Call, createTransport, type Transport, type TransportOptions } from './transport.ts'
