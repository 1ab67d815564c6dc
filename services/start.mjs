/**
 * Starts `main.ts` with a cache of what Node makes of the sources: their text without types, and V8's code. What stands in that
 * cache is run, so it is trusted exactly as far as the packages it lies among: who may write there may replace those too.
 * Plain JavaScript, so that a start that finds everything there does not even load what strips types.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('../node_modules/.auth4agent-compile-cache', import.meta.url))
/** Permissions that nobody else may have on a folder of one's own: none, for what Node makes inside may be open to all. */
const FORBIDDEN_ON_OWN = 0o077
/** And on one of root's, as an image has it: to write. */
const FORBIDDEN_ON_ROOTS = 0o022

function makeFolder() {
  try {
    mkdirSync(FOLDER, { mode: 0o700 })
  } catch {
    // It is there, or cannot be: what there is decides.
  }
}

/** Whether nobody but root and this user can have put anything into the folder. */
function isTrusted() {
  const folder = lstatSync(FOLDER, { throwIfNoEntry: false })
  if (folder === undefined || !folder.isDirectory()) return false
  const own = process.getuid?.()
  // Windows has no such owners; a folder has its permissions from the one around it, the packages'.
  if (own === undefined) return true
  const forbidden = folder.uid === own ? FORBIDDEN_ON_OWN : FORBIDDEN_ON_ROOTS
  return (folder.uid === own || folder.uid === 0) && (folder.mode & forbidden) === 0
}

makeFolder()
if (isTrusted()) module.enableCompileCache(FOLDER)
await import('./main.ts')
