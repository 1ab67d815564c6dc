import { join } from 'node:path'
import type { EvidenceSource } from '@auth4agent/sdk'
import * as enrol from '@auth4agent/sdk/enrol'
import { usageError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import type { FlagTable } from '../flags.ts'
import { shared } from '../shared-flags.ts'
import { readEvidenceFile } from './tried-evidence.ts'

/** The names of the sources, for --with. */
const SOURCES = [
  'kubernetes',
  'github-actions',
  'gitlab',
  'gcp',
  'azure',
  'spiffe',
  'x509',
  'tpm',
  'join-token',
  'file',
] as const
type SourceName = (typeof SOURCES)[number]

/** Flags that choose the sources of evidence. */
export const sourceFlags = {
  with: {
    kind: 'list',
    value: 'SOURCE',
    help: `where the evidence comes from: ${SOURCES.join(', ')}; may be repeated`,
    choices: SOURCES,
    required: true,
  },
  attestor: {
    ...shared.attestor,
    more: 'needed if it is not that of the source with _ in place of -; only with one source',
  },
  'token-file': {
    kind: 'text',
    value: 'FILE',
    help: 'kubernetes: file of the projected token; join-token and file: file of the evidence; - for standard input',
  },
  variable: { kind: 'text', value: 'NAME', help: 'gitlab: variable of the ID token' },
  resource: { kind: 'text', value: 'URI', help: 'azure: application for which the token is' },
  socket: { kind: 'text', value: 'PATH', help: 'spiffe: socket of the Workload API' },
  certificate: { kind: 'text', value: 'FILE', help: 'x509: PEM file of the certificate and of its issuers' },
  'certificate-key': { kind: 'text', value: 'FILE', help: 'x509: PEM file of its private key' },
  device: { kind: 'text', value: 'PATH', help: 'tpm: device, by default /dev/tpmrm0' },
  tcti: { kind: 'text', value: 'TCTI', help: 'tpm: how tpm2-tools reach the TPM, in place of --device' },
  pcrs: { kind: 'text', value: 'LIST', help: 'tpm: PCRs of the quote, by default 0,2,4,7' },
  'ek-chain': { kind: 'text', value: 'FILE', help: 'tpm: PEM file of the issuers of the EK certificate' },
  'event-log': { kind: 'text', value: 'FILE', help: 'tpm: event log of the firmware' },
} as const satisfies FlagTable

type SourceContext = Pick<Context<typeof sourceFlags>, 'flags' | 'folder' | 'readStdin'>

/** Makes the sources of evidence that the flags choose. Throws CliError. */
export function readSources(context: SourceContext): readonly EvidenceSource[] {
  const { flags } = context
  const names = flags.list('with').flatMap((each) => each.split(',').map((name) => name.trim()))
  const attestor = flags.text('attestor')
  if (attestor !== undefined && names.length > 1) throw usageError('--attestor can only go with one source')
  return SOURCES.filter((name) => names.includes(name)).map((name) => makers[name](context, attestor))
}

type Maker = (context: SourceContext, attestor: string | undefined) => EvidenceSource

const makers: Readonly<Record<SourceName, Maker>> = {
  kubernetes: ({ flags }, attestor) => enrol.kubernetes({ tokenFile: flags.text('token-file'), attestor }),
  'github-actions': (_, attestor) => enrol.githubActions({ attestor }),
  gitlab: ({ flags }, attestor) => enrol.gitlab({ variable: flags.text('variable'), attestor }),
  gcp: (_, attestor) => enrol.gcp({ attestor }),
  azure: ({ flags }, attestor) => enrol.azure({ resource: needed(flags.text('resource'), '--resource'), attestor }),
  spiffe: ({ flags }, attestor) => refusing(() => enrol.spiffe({ socket: flags.text('socket'), attestor })),
  x509: ({ flags }, attestor) =>
    enrol.x509({
      certificateFile: needed(flags.text('certificate'), '--certificate'),
      keyFile: needed(flags.text('certificate-key'), '--certificate-key'),
      attestor,
    }),
  tpm: ({ flags, folder }, attestor) =>
    refusing(() =>
      enrol.tpm({
        device: flags.text('device'),
        tcti: flags.text('tcti'),
        folder: join(folder, 'tpm'),
        pcrs: flags.text('pcrs')?.split(',').map(Number),
        ekChainFile: flags.text('ek-chain'),
        eventLogFile: flags.text('event-log'),
        attestor,
      }),
    ),
  'join-token': (context, attestor = 'join_token') => ofFile(context, attestor),
  file: (context, attestor) => ofFile(context, needed(attestor, '--attestor')),
}

/** Makes a source of the file of --token-file. */
function ofFile({ flags, readStdin }: SourceContext, attestor: string): EvidenceSource {
  const path = needed(flags.text('token-file'), '--token-file')
  return { attestor, evidence: () => readEvidenceFile(path, readStdin) }
}

function needed(value: string | undefined, flag: string): string {
  if (value === undefined) throw usageError(`Missing: ${flag}, which this source needs`)
  return value
}

/** Turns the TypeError of a source into an error of the command line. */
function refusing(make: () => EvidenceSource): EvidenceSource {
  try {
    return make()
  } catch (error) {
    throw error instanceof TypeError ? usageError(error.message) : error
  }
}
