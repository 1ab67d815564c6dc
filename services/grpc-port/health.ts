import { createRequire } from 'node:module'
import type { Server } from '@grpc/grpc-js'
import { addOnFirstCall } from './on-first-call.ts'

const SERVICE = '/grpc.health.v1.Health'
const METHODS = [
  { path: `${SERVICE}/Check`, requestStream: false, responseStream: false },
  { path: `${SERVICE}/List`, requestStream: false, responseStream: false },
  { path: `${SERVICE}/Watch`, requestStream: false, responseStream: true },
]

const require = createRequire(import.meta.url)

/** Loads the package of health, which reads its .proto file as it is loaded. */
export function loadHealth(): typeof import('grpc-health-check') {
  return require('grpc-health-check')
}

/**
 * Adds grpc.health.v1 for these services and for the server (""). The function that it returns tells whoever asks, and those who
 * watch, whether they serve; until then they do not.
 */
export function addHealth(server: Server, services: readonly string[]): (isServing: boolean) => void {
  const names = ['', ...services]
  let status: 'SERVING' | 'NOT_SERVING' = 'NOT_SERVING'
  let setAll: (() => void) | undefined
  addOnFirstCall(server, METHODS, (real) => {
    const health = new (loadHealth().HealthImplementation)()
    setAll = () => {
      for (const name of names) health.setStatus(name, status)
    }
    setAll()
    health.addToServer(real)
  })
  return (isServing) => {
    status = isServing ? 'SERVING' : 'NOT_SERVING'
    setAll?.()
  }
}
