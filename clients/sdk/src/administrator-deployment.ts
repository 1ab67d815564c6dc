import { ADMIN_ISSUER } from '@auth4agent/core/identity/assertion'
import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'
import type { createCaller } from './caller.ts'

const processShape = {
  id: 'text',
  host: 'text',
  version: 'text',
  schema: 'text',
  services: 'texts',
  started_at: 'text',
  seen_at: 'text',
  counts: 'flag',
} as const satisfies Shape
/** A process of the deployment. `schema` is the newest migration that its version contains. */
export type ServerProcess = Answer<typeof processShape>

const stepShape = { name: 'text', sql: 'text', waits_for: 'texts' } as const satisfies Shape
/** A contract step that has not been run. `waits_for` has the ids of the processes that hold it up. */
export type ContractStep = Answer<typeof stepShape>

/**
 * The processes of a deployment, latest first, and its contract steps. While there are `unlisted_sessions`, every step
 * waits: they are of processes of versions before the list.
 */
export interface ServerProcesses {
  readonly processes: readonly ServerProcess[]
  readonly contract_steps: readonly ContractStep[]
  readonly unlisted_sessions: number
}

/** The administrator's calls about the processes and the schema of the deployment. */
export interface DeploymentCalls {
  /** Lists the processes that use the database, and the contract steps that have not been run. */
  processes(): Promise<ServerProcesses>
  /**
   * Runs the contract steps of an upgrade, after which no older version can start. Rejects with `OLD_PROCESSES` while
   * one still runs.
   */
  contractSchema(reason?: string): Promise<{ readonly applied: readonly string[] }>
}

/** Makes the calls about the processes and the schema. */
export function deploymentCalls(caller: ReturnType<typeof createCaller>): DeploymentCalls {
  return {
    async processes() {
      const shape = { processes: 'any', contract_steps: 'any', unlisted_sessions: 'count' } as const
      const path = '/v1/deployment/processes'
      const list = readAnswer(shape, await caller.call(ADMIN_ISSUER, { method: 'GET', path }))
      return {
        ...list,
        processes: readAnswers(processShape, list.processes),
        contract_steps: readAnswers(stepShape, list.contract_steps),
      }
    },
    async contractSchema(reason) {
      const path = '/v1/deployment/contract-schema'
      return readAnswer(
        { applied: 'texts' },
        await caller.call(ADMIN_ISSUER, { method: 'POST', path, body: { reason } }),
      )
    },
  }
}
