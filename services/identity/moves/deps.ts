import type { KeyEventDeps } from '../key-events/deps.ts'

/** Dependencies of the calls about moves. */
export interface MoveDeps extends KeyEventDeps {
  /** The issuer of this server. */
  readonly issuer: string
}
