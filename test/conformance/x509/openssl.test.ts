import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { pem } from '../../support/attestation/der.ts'
import { NOW } from '../../support/attestation/make-certificate.ts'
import { PATH_CASES } from '../../support/attestation/paths/all-cases.ts'
import type { PathInput } from '../../support/attestation/paths/path-case.ts'

const folder = mkdtempSync(join(tmpdir(), 'paths-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, label: string, ders: readonly Buffer[]): string {
  const path = join(folder, name)
  writeFileSync(path, ders.map((each) => pem(label, each)).join(''))
  return path
}

/** Validates a path with the openssl program. Returns what it says, or undefined if the path is valid. */
function opensslRefusal({ chain: [leaf, ...cas], roots, crls, purposes }: PathInput): string | undefined {
  const options = [
    '-x509_strict',
    '-partial_chain',
    '-auth_level=2',
    `-attime=${NOW / 1_000}`,
    `-CAfile=${file('roots.pem', 'CERTIFICATE', roots)}`,
    ...(cas.length === 0 ? [] : [`-untrusted=${file('cas.pem', 'CERTIFICATE', cas)}`]),
    ...(crls === undefined ? [] : ['-crl_check_all', `-CRLfile=${file('crls.pem', 'X509 CRL', crls)}`]),
    ...(purposes === undefined ? [] : ['-purpose=sslclient']),
  ]
  try {
    const path = file('leaf.pem', 'CERTIFICATE', leaf === undefined ? [] : [leaf])
    execFileSync('openssl', ['verify', ...options, path], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    if (error instanceof Error && 'stderr' in error) return String(error.stderr)
    throw error
  }
}

describe('openssl verify agrees on every path, or the table says why not:', () => {
  it.each(PATH_CASES)('$name', ({ make, openssl, refusal, because }) => {
    const said = opensslRefusal(make())

    if (openssl === undefined) expect(said).toBeUndefined()
    else expect(said).toContain(openssl)
    expect(because !== undefined).toBe((openssl === undefined) !== (refusal === undefined))
  })
})
