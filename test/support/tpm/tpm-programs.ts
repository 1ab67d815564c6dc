import { ensureInstalled, findProgram } from '../debian-package.ts'

/** Paths of the programs of a software TPM. */
export interface TpmPrograms {
  readonly swtpm: string
  readonly setup: string
  readonly localca: string
}

const MISSING = 'The tests need a software TPM. Install it with "apt-get install swtpm swtpm-tools tpm2-tools".'

/** Finds swtpm and tpm2-tools. Installs their Debian packages if they are missing and this process is root. */
export async function ensureTpmPrograms(): Promise<TpmPrograms> {
  const swtpm = await ensure('swtpm', 'swtpm')
  const setup = await ensure('swtpm-tools', 'swtpm_setup')
  await ensure('tpm2-tools', 'tpm2_quote')
  return { swtpm, setup, localca: await ensure('swtpm-tools', 'swtpm_localca') }
}

function ensure(name: string, program: string): Promise<string> {
  return ensureInstalled({ name, find: () => findProgram(program), missing: MISSING })
}
