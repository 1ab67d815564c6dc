import { Buffer } from 'node:buffer'
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { env } from 'node:process'
import { promisify } from 'node:util'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { TpmOptions } from './tpm-options.ts'

/** A TPM, and what its quotes have. */
interface TpmOrder extends Pick<TpmOptions, 'ekCertificateFile' | 'ekChainFile' | 'eventLogFile'> {
  readonly tcti: string
  readonly folder: string
  /** In ascending order. */
  readonly pcrs: readonly number[]
}

/** The keys of a TPM in base64, by the names of the attestor's type. */
export interface TpmKeys {
  readonly ek_certificate: string
  readonly ek_chain?: readonly string[]
  readonly ek_public: string
  readonly ak_public: string
}

/** What a quote answers. */
interface Quoted {
  readonly keys: TpmKeys
  readonly nonce: string
  readonly challenge: Uint8Array
  readonly signal: AbortSignal
}

const execute = promisify(execFile)
/** A TPM can take many seconds to make a key. */
const TIMEOUT_MS = 60_000
/** The NV index of the certificate of the RSA 2048 EK (TCG EK Credential Profile section 2.2.1.4). */
const EK_CERTIFICATE = '0x1c00002'
/** The first bytes of a file with a credential: the magic and the version of tpm2-tools. */
const CREDENTIAL_HEAD = Buffer.from('badcc0de00000001', 'hex')
const PCR_BYTES = 32
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Loads the attestation key, which it makes at the first time, and resolves with the keys of the TPM. Rejects with
 * Error.
 */
export async function readTpmKeys(order: TpmOrder, signal: AbortSignal): Promise<TpmKeys> {
  const { folder, ekChainFile } = order
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const run = runnerOf(order, signal)
  await run('tpm2_createek', '-c', 'ek.ctx', '-G', 'rsa', '-u', 'ek.pub', '-f', 'tss')
  await loadAk(run, folder)
  const chain = ekChainFile === undefined ? undefined : await readChain(ekChainFile)
  return {
    ek_certificate: await readEkCertificate(run, order),
    ...(chain !== undefined && { ek_chain: chain }),
    ek_public: await readBase64(join(folder, 'ek.pub')),
    ak_public: await readBase64(join(folder, 'ak.pub')),
  }
}

/** Answers a challenge for the keys, and resolves with the evidence. Rejects with Error. */
export async function quote(order: TpmOrder, { keys, nonce, challenge, signal }: Quoted): Promise<object> {
  const { folder, pcrs, eventLogFile } = order
  const run = runnerOf(order, signal)
  await writeFile(join(folder, 'credential'), readCredential(challenge), { mode: 0o600 })
  await withEkPolicy(run, (auth) =>
    run('tpm2_activatecredential', '-c', 'ak.ctx', '-C', 'ek.ctx', '-i', 'credential', '-o', 'secret', '-P', auth),
  )
  const list = `sha256:${pcrs.join(',')}`
  const data = Buffer.from(nonce, 'base64url').toString('hex')
  const files = ['-m', 'quote', '-s', 'signature', '-f', 'tss', '-o', 'pcrs', '-F', 'values']
  await run('tpm2_quote', '-c', 'ak.ctx', '-l', list, '-q', data, '-g', 'sha256', ...files)
  return {
    ...keys,
    secret: await readBase64(join(folder, 'secret')),
    quote: await readBase64(join(folder, 'quote')),
    signature: await readBase64(join(folder, 'signature')),
    pcrs: { sha256: readPcrs(await readFile(join(folder, 'pcrs')), pcrs) },
    ...(eventLogFile !== undefined && { event_log: await readBase64(eventLogFile) }),
  }
}

/** Runs a program of tpm2-tools with exactly these arguments. */
type Run = (program: string, ...args: readonly string[]) => Promise<void>

function runnerOf({ folder, tcti }: TpmOrder, signal: AbortSignal): Run {
  const settings = { cwd: folder, env: { PATH: env.PATH, TPM2TOOLS_TCTI: tcti }, timeout: TIMEOUT_MS, signal }
  const start = async (program: string, args: readonly string[]) => {
    try {
      await execute(program, args, settings)
    } catch (error) {
      signal.throwIfAborted()
      throw new Error(`${program} failed: ${reasonOf(error)}`, { cause: error })
    }
  }
  return async (program, ...args) => {
    await start(program, args)
    // Without a resource manager, keys stay in the TPM, which has room for three.
    await start('tpm2_flushcontext', ['-t'])
  }
}

/** Returns why a program has failed: the first line that it wrote, or the error of the system. */
function reasonOf(error: unknown): string {
  const { code, stderr } = Object(error)
  if (code === 'ENOENT') return 'it is not installed (the package is tpm2-tools)'
  const line = String(stderr ?? '')
    .split('\n')
    .find((text) => text.startsWith('ERROR'))
  return line ?? (error instanceof Error ? error.message : String(error))
}

/** Loads the attestation key of the folder. Makes a new one if there is none, or if it is of another TPM. */
async function loadAk(run: Run, folder: string): Promise<void> {
  if (await exists(join(folder, 'ak.priv'))) {
    const isLoaded = await withEkPolicy(run, (auth) =>
      run('tpm2_load', '-C', 'ek.ctx', '-P', auth, '-u', 'ak.pub', '-r', 'ak.priv', '-c', 'ak.ctx'),
    ).then(
      () => true,
      () => false,
    )
    if (isLoaded) return
  }
  const algorithm = ['-G', 'ecc', '-g', 'sha256', '-s', 'ecdsa']
  await run('tpm2_createak', '-C', 'ek.ctx', '-c', 'ak.ctx', ...algorithm, '-u', 'ak.pub', '-r', 'ak.priv', '-f', 'tss')
}

/** Runs work with a session that may use the EK. */
async function withEkPolicy(run: Run, work: (auth: string) => Promise<void>): Promise<void> {
  await run('tpm2_startauthsession', '--policy-session', '-S', 'session.ctx')
  try {
    await run('tpm2_policysecret', '-S', 'session.ctx', '-c', 'e')
    await work('session:session.ctx')
  } finally {
    await run('tpm2_flushcontext', 'session.ctx')
  }
}

async function readEkCertificate(run: Run, { folder, ekCertificateFile }: TpmOrder): Promise<string> {
  if (ekCertificateFile !== undefined) return readBase64(ekCertificateFile)
  await run('tpm2_nvread', EK_CERTIFICATE, '-C', 'o', '-o', 'ek.der')
  const bytes = await readFile(join(folder, 'ek.der'))
  // The NV index may be longer than the certificate. A certificate is a DER sequence with a length of two bytes.
  const isLong = bytes[0] === 0x30 && bytes[1] === 0x82 && bytes.length >= 4
  return bytes.subarray(0, isLong ? 4 + bytes.readUInt16BE(2) : undefined).toString('base64')
}

async function readChain(path: string): Promise<readonly string[]> {
  const pems = (await readFile(path, 'utf8')).match(PEM) ?? []
  return pems.map((pem) => new X509Certificate(pem).raw.toString('base64'))
}

/** Returns the file for `tpm2_activatecredential` of a challenge. */
function readCredential(challenge: Uint8Array): Buffer {
  const json: unknown = JSON.parse(Buffer.from(challenge).toString('utf8'))
  const { credential_blob: blob, secret } = isJsonObject(json) ? json : {}
  if (typeof blob !== 'string' || typeof secret !== 'string') throw new Error('The challenge has no credential')
  return Buffer.concat([CREDENTIAL_HEAD, Buffer.from(blob, 'base64'), Buffer.from(secret, 'base64')])
}

function readPcrs(values: Buffer, pcrs: readonly number[]): Readonly<Record<string, string>> {
  if (values.length !== pcrs.length * PCR_BYTES) throw new Error('The TPM has not quoted all PCRs of the bank SHA-256')
  return Object.fromEntries(
    pcrs.map((pcr, at) => [pcr, values.subarray(at * PCR_BYTES, (at + 1) * PCR_BYTES).toString('hex')]),
  )
}

async function readBase64(path: string): Promise<string> {
  return (await readFile(path)).toString('base64')
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
