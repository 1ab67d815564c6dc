import { describe, expect, it } from 'vitest'
import { NOW } from '../../../../../test/support/attestation/make-certificate.ts'
import { PATH_CASES } from '../../../../../test/support/attestation/paths/all-cases.ts'
import type { PathInput } from '../../../../../test/support/attestation/paths/path-case.ts'
import { readCertificate } from './certificate.ts'
import { CertificateError } from './certificate-error.ts'
import { readCrl } from './crl.ts'
import { validatePath } from './validate-path.ts'

function refusalOf({ chain, roots, crls, purposes, maxPath }: PathInput): string | undefined {
  try {
    validatePath(chain.map(readCertificate), {
      roots: roots.map(readCertificate),
      crls: crls?.map(readCrl),
      extendedKeyUsage: purposes,
      maxPath,
      now: NOW,
      skewMs: 60_000,
    })
    return undefined
  } catch (error) {
    if (error instanceof CertificateError) return error.message
    throw error
  }
}

describe('validatePath accepts', () => {
  it.each(PATH_CASES.filter(({ refusal }) => refusal === undefined))('$name', ({ make }) => {
    expect(refusalOf(make())).toBeUndefined()
  })
})

describe('validatePath refuses', () => {
  it.each(PATH_CASES.filter(({ refusal }) => refusal !== undefined))('$name', ({ make, refusal }) => {
    expect(refusalOf(make())).toContain(refusal)
  })
})
