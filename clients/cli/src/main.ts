#!/usr/bin/env node
import { run } from './run.ts'
import { systemIo } from './system-io.ts'

/** Runs the tool. There is no top-level await, because `start.cjs` loads this module with `require`. */
async function main(): Promise<void> {
  const io = systemIo()
  process.exitCode = await run(process.argv.slice(2), io)
  // After Ctrl-C, do not wait for work that cannot be cancelled, such as a DNS query.
  if (io.signal.aborted) process.exit()
}

void main()
