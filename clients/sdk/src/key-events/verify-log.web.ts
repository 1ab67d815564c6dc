import type { LogVerifier } from './log-verifier.ts'

/** Platforms without node:crypto cannot verify logs. */
export const logVerifier: LogVerifier | undefined = undefined
