#!/usr/bin/env node
import { run } from './run.ts'
import { systemIo } from './system-io.ts'

const io = systemIo()
process.exitCode = await run(process.argv.slice(2), io)
// Told to stop, it does not wait for what cannot be called off, as a question to a resolver.
if (io.signal.aborted) process.exit()
