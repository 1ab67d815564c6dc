#!/usr/bin/env node
import { run } from './run.ts'
import { systemIo } from './system-io.ts'

/** Without top-level await, since `start.cjs` loads this with `require`. */
async function main(): Promise<void> {
  const io = systemIo()
  process.exitCode = await run(process.argv.slice(2), io)
  // Told to stop, it does not wait for what cannot be called off, as a question to a resolver.
  if (io.signal.aborted) process.exit()
}

void main()
