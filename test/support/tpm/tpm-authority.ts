import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureTpmPrograms } from './tpm-programs.ts'

/** An authority that certifies the endorsement keys of software TPMs. */
export interface TpmAuthority {
  /** Certificate of the root, PEM. */
  readonly root: string
  /** Certificate of the authority below the root, which certifies the keys, DER. */
  readonly intermediate: Uint8Array
  /** Makes the state of a TPM in a folder: endorsement keys and their certificates. */
  manufacture(folder: string): Promise<void>
  /** Certifies an endorsement key with P-256, whose coordinates are hexadecimal. Returns DER. */
  certifyEcc(x: string, y: string): Promise<Uint8Array>
  close(): Promise<void>
}

const execute = promisify(execFile)
const OPTIONS = '--platform-manufacturer Example\n--platform-version 1\n--platform-model Virtual\n'
const SPECIFICATION = '--tpm-spec-family 2.0 --tpm-spec-level 0 --tpm-spec-revision 164 --tpm2'
const DEVICE = '--tpm-manufacturer id:00001014 --tpm-model swtpm --tpm-version id:20191023'

/** Makes an authority with a root of its own. */
export async function createTpmAuthority(): Promise<TpmAuthority> {
  const programs = await ensureTpmPrograms()
  const folder = await mkdtemp(join(tmpdir(), 'a4a-tpm-ca-'))
  const file = (name: string) => join(folder, name)
  const names = { statedir: '', signingkey: 'key.pem', issuercert: 'issuer.pem', certserial: 'serial' }
  await writeFile(file('ca.conf'), settings(names, file))
  await writeFile(file('options.conf'), OPTIONS)
  const setup = { create_certs_tool_config: 'ca.conf', create_certs_tool_options: 'options.conf' }
  await writeFile(file('setup.conf'), `create_certs_tool = ${programs.localca}\n${settings(setup, file)}`)
  // The first certificate also makes the authority.
  const certifyEcc = async (x: string, y: string) => {
    const key = `--type ek --ek x=${x},y=${y},id=secp256r1 --dir ${folder} --configfile ${file('ca.conf')}`
    const options = `--optsfile ${file('options.conf')} --vmid example ${SPECIFICATION} ${DEVICE}`
    await execute(programs.localca, `${key} ${options}`.split(' '))
    return readFile(file('ek.cert'))
  }
  await certifyEcc(GENERATOR.x, GENERATOR.y)
  return {
    root: await readFile(file('swtpm-localca-rootca-cert.pem'), 'utf8'),
    intermediate: derOf(await readFile(file('issuer.pem'), 'utf8')),
    async manufacture(state) {
      const args = `--tpm2 --create-ek-cert --create-platform-cert --pcr-banks sha256 --config ${file('setup.conf')}`
      await execute(programs.setup, [...args.split(' '), '--tpmstate', state])
    },
    certifyEcc,
    close: () => rm(folder, { recursive: true }),
  }
}

/** The generator of P-256, which is a key of nobody. */
const GENERATOR = {
  x: '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296',
  y: '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
}

function settings(files: Readonly<Record<string, string>>, pathOf: (name: string) => string): string {
  return Object.entries(files)
    .map(([name, file]) => `${name} = ${pathOf(file)}\n`)
    .join('')
}

/** Returns the bytes of a certificate in PEM. */
function derOf(pem: string): Uint8Array {
  return Buffer.from(pem.replaceAll(/-----[A-Z ]+-----/g, ''), 'base64')
}
