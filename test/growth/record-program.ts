import { recordStatements } from './record.ts'

/** Loaded by `node --import` into the servers that tests start. */
recordStatements()
