import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Handle, PKCS11, Template } from 'pkcs11js'
import { CKS_RW_USER_FUNCTIONS } from '../../services/keys/pkcs11/constants.ts'
import { ensureSoftHsm, type SoftHsm } from './softhsm-program.ts'

/** A hardware token (PKCS #11) that SoftHSM emulates, with its own files. */
export interface SoftToken {
  readonly module: string
  readonly tokenLabel: string
  readonly pin: string
  /** The environment that a process needs before it initialises the module, to see the hardware token. */
  readonly env: { readonly SOFTHSM2_CONF: string }
  /** Creates another hardware token beside it, with the same PIN. */
  readonly addToken: (label: string) => Promise<void>
  /** Removes the hardware token, and its name from this process's environment. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of createToken. `config` is further lines of softhsm2.conf. */
export interface SoftTokenOptions {
  readonly label?: string
  readonly config?: string
}

/** Direct access to the hardware token, in the process of the provider. Test and provider see each other's changes. */
export interface TokenInHand {
  readonly calls: PKCS11
  readonly slot: Handle
  /** A session that is logged in. */
  readonly session: Handle
  readonly find: (template: Template) => Handle[]
}

const run = promisify(execFile)
const PIN = 'one-two-three'

/** Creates a hardware token in a new folder, and makes it visible to this process, which sees only one at a time. */
export async function createToken({ label = 'auth4agent', config = '' }: SoftTokenOptions = {}): Promise<SoftToken> {
  const softHsm = await ensureSoftHsm()
  const folder = await mkdtemp(join(tmpdir(), 'a4a-token-'))
  const env = { SOFTHSM2_CONF: join(folder, 'softhsm2.conf') }
  await mkdir(join(folder, 'tokens'))
  const lines = [
    `directories.tokendir = ${join(folder, 'tokens')}`,
    'objectstore.backend = file',
    'log.level = ERROR',
    config,
  ]
  await writeFile(env.SOFTHSM2_CONF, `${lines.join('\n')}\n`)
  const addToken = (name: string) => initialise(softHsm, env, name)
  await addToken(label)
  Object.assign(process.env, env)
  return {
    module: softHsm.module,
    tokenLabel: label,
    pin: PIN,
    env,
    addToken,
    async [Symbol.asyncDispose]() {
      if (process.env['SOFTHSM2_CONF'] === env.SOFTHSM2_CONF) delete process.env['SOFTHSM2_CONF']
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function initialise({ util }: SoftHsm, env: SoftToken['env'], label: string): Promise<void> {
  const args = ['--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', `${PIN}-so`]
  await run(util, args, { env: { ...process.env, ...env } })
}

/** Opens direct access to a hardware token that a provider has already opened and initialised. */
export async function takeInHand({ module, tokenLabel, pin }: SoftToken): Promise<TokenInHand> {
  const { default: pkcs11js } = await import('pkcs11js')
  const calls = new pkcs11js.PKCS11()
  calls.load(module)
  const slot = calls.C_GetSlotList(true).find((each) => calls.C_GetTokenInfo(each).label.trimEnd() === tokenLabel)
  if (slot === undefined) throw new Error(`Unknown hardware token ${tokenLabel}`)
  const session = calls.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION)
  if (calls.C_GetSessionInfo(session).state !== CKS_RW_USER_FUNCTIONS) calls.C_Login(session, pkcs11js.CKU_USER, pin)
  return {
    calls,
    slot,
    session,
    find(template) {
      calls.C_FindObjectsInit(session, template)
      const found = calls.C_FindObjects(session, 100)
      calls.C_FindObjectsFinal(session)
      return found
    },
  }
}
