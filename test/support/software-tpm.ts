import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { guard } from './guardian.ts'
import type { TpmAuthority } from './tpm/tpm-authority.ts'
import { ensureTpmPrograms } from './tpm/tpm-programs.ts'
import { until } from './until.ts'

/** A TPM 2.0 in software (swtpm). */
export interface SoftwareTpm {
  /** How tpm2-tools reach it: the value of `TPM2TOOLS_TCTI`, or of their option `-T`. */
  readonly tcti: string
  /** Runs a program of tpm2-tools with arguments separated by spaces. It reads and writes the files of this TPM. */
  run(command: string): Promise<string>
  read(file: string): Promise<Buffer>
  write(file: string, bytes: Uint8Array): Promise<void>
  close(): Promise<void>
}

const execute = promisify(execFile)

/**
 * Starts a TPM with an endorsement key (RSA, handle 0x81010001) that the authority has certified (NV index 0x1c00002),
 * and with a certificate of its platform (NV index 0x1c08000).
 */
export async function startSoftwareTpm(authority: TpmAuthority): Promise<SoftwareTpm> {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-tpm-'))
  await authority.manufacture(folder)
  const socket = join(folder, 'socket')
  const swtpm = await startSwtpm(folder, socket)
  const tcti = `swtpm:path=${socket}`
  const run = async (command: string) => {
    const [program = '', ...args] = command.split(' ')
    const { stdout } = await execute(program, args, { cwd: folder, env: { PATH, TPM2TOOLS_TCTI: tcti } })
    return stdout
  }
  return {
    tcti,
    async run(command) {
      const output = await run(command)
      // tpm2-tools leave keys in the TPM, which has room for three.
      await run('tpm2_flushcontext -t')
      return output
    },
    read: (file) => readFile(join(folder, file)),
    write: (file, bytes) => writeFile(join(folder, file), bytes),
    async close() {
      const exited = once(swtpm, 'exit')
      swtpm.kill('SIGTERM')
      await exited
      await rm(folder, { recursive: true })
    },
  }
}

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`

/** Starts swtpm. Resolves when it listens on both sockets: for commands, and for control. */
async function startSwtpm(folder: string, socket: string): Promise<ChildProcess> {
  const control = `${socket}.ctrl`
  const sockets = `--server type=unixio,path=${socket} --ctrl type=unixio,path=${control}`
  const args = `socket --tpm2 --flags startup-clear --tpmstate dir=${folder} ${sockets}`.split(' ')
  const { swtpm } = await ensureTpmPrograms()
  const child = spawn(swtpm, args, { cwd: '/', stdio: 'ignore', env: { PATH } })
  guard(child, 'SIGTERM')
  const isListening = () =>
    Promise.all([access(socket), access(control)]).then(
      () => true,
      () => false,
    )
  await until(isListening, (isReady) => isReady || child.exitCode !== null)
  if (child.exitCode !== null) throw new Error(`swtpm ended with ${child.exitCode}`)
  return child
}
