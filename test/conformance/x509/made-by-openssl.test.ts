import { execFileSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createSpiffeX509 } from '../../../services/attestation/types/spiffe/create-spiffe-x509.ts'
import { createX509 } from '../../../services/attestation/types/x509/create-x509.ts'
import type { EvidenceAlgorithm } from '../../../services/platform/jwt/algorithms.ts'
import { chainContext, chainEvidence } from '../../support/attestation/chain-evidence.ts'

const folder = mkdtempSync(join(tmpdir(), 'ca-'))
afterAll(() => rmSync(folder, { recursive: true }))

const CONFIG = `
[ca]
default_ca = this
[this]
database = index.txt
default_md = sha256
crlnumber = number
[extensions_ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
nameConstraints = critical, permitted;URI:example.org
[extensions_leaf]
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = URI:spiffe://example.org/agent
`

/** Runs openssl with arguments separated by spaces. */
const openssl = (args: string) => execFileSync('openssl', args.split(' '), { cwd: folder, stdio: 'pipe' })
const read = (name: string) => readFileSync(join(folder, name), 'utf8')

/** Makes a root, a CA and a leaf, whose keys are of this kind, and a CRL of each of the two CAs. */
function makeAll(newkey: string): void {
  writeFileSync(join(folder, 'openssl.cnf'), CONFIG)
  writeFileSync(join(folder, 'index.txt'), '')
  writeFileSync(join(folder, 'number'), '01')
  const extensions = '-addext keyUsage=critical,keyCertSign,cRLSign'
  openssl(`req -x509 ${newkey} -nodes -keyout root.key -out root.pem -subj /O=Acme/CN=root -days 30 ${extensions}`)
  for (const [name, issuer] of [
    ['ca', 'root'],
    ['leaf', 'ca'],
  ]) {
    openssl(`req ${newkey} -nodes -keyout ${name}.key -out ${name}.csr -subj /O=Acme/CN=${name}`)
    const files = `-in ${name}.csr -out ${name}.pem -CA ${issuer}.pem -CAkey ${issuer}.key`
    openssl(`x509 -req ${files} -days 30 -extfile openssl.cnf -extensions extensions_${name}`)
    openssl(`ca -config openssl.cnf -gencrl -keyfile ${issuer}.key -cert ${issuer}.pem -out ${issuer}.crl -crldays 2`)
  }
}

const derOf = (name: string) => openssl(`x509 -in ${name}.pem -outform DER`).toString('base64')
const deps = { outbound: { get: () => Promise.reject(new Error('The bundle is pinned')) }, now: () => Date.now() }

describe('Evidence of certificates that openssl has made is valid', () => {
  it.each<[EvidenceAlgorithm, string]>([
    ['ES256', '-newkey ec -pkeyopt ec_paramgen_curve:P-256'],
    ['ES384', '-newkey ec -pkeyopt ec_paramgen_curve:P-384'],
    ['RS256', '-newkey rsa:2048'],
    ['PS256', '-newkey rsa:2048 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32'],
    ['EdDSA', '-newkey ed25519'],
  ])('with %s', async (alg, newkey) => {
    makeAll(newkey)
    const context = chainContext({ now: Date.now() })
    const evidence = chainEvidence([], {
      alg,
      key: createPrivateKey(read('leaf.key')),
      members: { chain: [derOf('leaf'), derOf('ca')] },
    })
    const x509 = createX509()
    const spiffe = createSpiffeX509(deps)
    const keys = [{ use: 'x509-svid', kty: 'EC', x5c: [derOf('root')] }]
    const config = x509.parseConfig({ roots: [read('root.pem')], crls: [read('root.crl'), read('ca.crl')] })

    await expect(x509.appraise(config, evidence, context)).resolves.toMatchObject({
      claims: { subject: 'CN=leaf,O=Acme', issuer: 'CN=ca,O=Acme', uris: ['spiffe://example.org/agent'] },
    })
    const trust = spiffe.parseConfig({ trust_domain: 'example.org', bundle: { keys } })
    await expect(spiffe.appraise(trust, evidence, context)).resolves.toMatchObject({
      claims: { spiffe_id: 'spiffe://example.org/agent' },
    })
  })
})
