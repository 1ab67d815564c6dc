import { access } from 'node:fs/promises'
import type { PKCS11 } from 'pkcs11js'
import { StartupError } from '../../platform/errors/startup-error.ts'
import { CKF } from './constants.ts'
import { attemptCall, codeOf, describeError } from './cryptoki-error.ts'

/** One use of a PKCS #11 module: the vendor's library, loaded and initialised. */
export interface Cryptoki {
  readonly calls: PKCS11
  /**
   * Finalises and initialises the module, which ends all sessions. Does nothing while the module has other uses. No
   * call may be running.
   */
  readonly restart: () => void
  /** Ends this use. The last release finalises the module, which ends all sessions. */
  readonly release: () => void
}

/** The npm package, as `import` returns it. */
type Addon = { readonly default: { readonly PKCS11: new () => PKCS11 } }

/**
 * The modules of this process, each loaded once. They stay loaded, because the process may crash when it unloads a
 * library that has threads.
 */
const loaded = new Map<string, { readonly calls: PKCS11; uses: number }>()

let atWork: Promise<unknown> = Promise.resolve()

/**
 * Runs calls about objects one after another, because SoftHSM does not support such calls at the same time: it lists
 * an object twice, or fails permanently. Without turns they would overlap, because generating a key takes long and
 * runs in its own thread. The signing call itself does not need a turn.
 */
export function inTurn<T>(calls: () => T | Promise<T>): Promise<T> {
  const turn = atWork.then(calls)
  atWork = turn.catch(() => undefined)
  return turn
}

/**
 * Loads and initialises a module.
 * @throws StartupError when the file is missing, is not a module or does not start, or when pkcs11js is not installed
 * or built
 */
export async function openCryptoki(path: string, addon = importAddon): Promise<Cryptoki> {
  const { PKCS11 } = (await addon()).default
  await access(path).catch(() => {
    throw new StartupError(`AUTH4AGENT_PKCS11_MODULE must be the path of a PKCS#11 module; ${path} does not exist`)
  })
  const entry = loaded.get(path) ?? { calls: load(PKCS11, path), uses: 0 }
  loaded.set(path, entry)
  try {
    initialize(entry.calls)
  } catch (error) {
    throw new StartupError(`The PKCS#11 module ${path} does not start: ${describeError(error)}`, { cause: error })
  }
  entry.uses += 1
  return {
    calls: entry.calls,
    restart() {
      if (entry.uses > 1) return
      attemptCall(() => entry.calls.C_Finalize())
      initialize(entry.calls)
    },
    release() {
      entry.uses -= 1
      if (entry.uses === 0) attemptCall(() => entry.calls.C_Finalize())
    },
  }
}

/** Initialises a module for calls from several threads. Does nothing when it is initialised. */
export function initialize(calls: PKCS11): void {
  try {
    calls.C_Initialize({ flags: CKF.OS_LOCKING_OK })
  } catch (error) {
    if (codeOf(error) !== 'CKR_CRYPTOKI_ALREADY_INITIALIZED') throw error
  }
}

/**
 * Imports pkcs11js. The package is optional, and npm compiles its addon only when it may run scripts.
 * @throws StartupError with the commands that install and build it
 */
export async function importAddon(load: () => Promise<Addon> = () => import('pkcs11js')): Promise<Addon> {
  try {
    return await load()
  } catch (error) {
    throw new StartupError(
      'A PKCS#11 token needs the addon of the npm package pkcs11js, which is not built; run "npm install ' +
        '--include=optional", then "npm rebuild pkcs11js --ignore-scripts=false --foreground-scripts", which needs a C++ ' +
        'compiler, make and Python',
      { cause: error },
    )
  }
}

function load(Module: new () => PKCS11, path: string): PKCS11 {
  const calls = new Module()
  try {
    calls.load(path)
  } catch (error) {
    throw new StartupError(`${path} is not a PKCS#11 module: ${describeError(error)}`, { cause: error })
  }
  return calls
}
