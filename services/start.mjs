/**
 * Starts `main.ts` with a cache of compiled sources: their text without types, and V8's code. Node runs the code in
 * the cache, so only users who may change the packages in node_modules may write to it. This file is plain
 * JavaScript, so that a start with a full cache does not load the code that strips types.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'
import { refusalOf } from './process/node-version.mjs'

const FOLDER = fileURLToPath(new URL('../node_modules/.auth4agent-compile-cache', import.meta.url))
/**
 * Permissions that other users must not have on a folder of this user: all of them, because files in the folder may be
 * open to everybody.
 */
const FORBIDDEN_ON_OWN = 0o077
/** Permissions that other users must not have on a folder of root, as in a container image: to write. */
const FORBIDDEN_ON_ROOTS = 0o022

function makeFolder() {
  try {
    mkdirSync(FOLDER, { mode: 0o700 })
  } catch {
    // The folder exists or cannot be created. isTrusted decides.
  }
}

/** Returns whether only root and this user can have written into the folder. */
function isTrusted() {
  const folder = lstatSync(FOLDER, { throwIfNoEntry: false })
  if (folder === undefined || !folder.isDirectory()) return false
  const own = process.getuid?.()
  // Node reports no owners on Windows, where the folder inherits its permissions from node_modules.
  if (own === undefined) return true
  const forbidden = folder.uid === own ? FORBIDDEN_ON_OWN : FORBIDDEN_ON_ROOTS
  return (folder.uid === own || folder.uid === 0) && (folder.mode & forbidden) === 0
}

const refusal = refusalOf(process.versions.node)
if (refusal !== undefined) {
  process.stderr.write(`${refusal}\n`)
  process.exit(1)
}
makeFolder()
if (isTrusted()) module.enableCompileCache(FOLDER)
await import('./main.ts')
