/**
 * Makes names under `demo.test` mean this machine, as DNS would, and lets this process trust a certificate for them.
 * So an MCP server and its client have https addresses without any account elsewhere. A real one has names in DNS and
 * a certificate of its own, and needs nothing of this file.
 */
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/** Valid until 2126. Everybody can read its key, so no other process must trust it. */
export const certificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBoTCCAUigAwIBAgIUStf3d8c4hnhF3HDOPkPrrJYxT7swCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJZGVtby50ZXN0MCAXDTI2MTIwMjIyMTE1M1oYDzIxMjYxMTA4
MjIxMTUzWjAUMRIwEAYDVQQDDAlkZW1vLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATwvvUwCydAMB/pj9MttFOS7iPAKeSq7CD/D5HMlEoHKOzbVDA2oPHl
qNyV7WL6sxxwn5aiTdhGwIFDvCD0TglQo3YwdDAdBgNVHQ4EFgQUV4BgaMLuElrP
tdP4fn7zF+6PX7YwHwYDVR0jBBgwFoAUV4BgaMLuElrPtdP4fn7zF+6PX7YwIQYD
VR0RBBowGIIJZGVtby50ZXN0ggsqLmRlbW8udGVzdDAPBgNVHRMBAf8EBTADAQH/
MAoGCCqGSM49BAMCA0cAMEQCIGmUyXVNZlVG34zIE5ErlA61lWOqQjQtT6ZA5u8/
7By5AiBfaPckfXQZiVgfp83dukqP5f6bKXVwyMSbO3EJCgbgNQ==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3ocud5OUqc+/+sCN
sViVYqb00EnwfeDQjGJupL4g4+ihRANCAATwvvUwCydAMB/pj9MttFOS7iPAKeSq
7CD/D5HMlEoHKOzbVDA2oPHlqNyV7WL6sxxwn5aiTdhGwIFDvCD0TglQ
-----END PRIVATE KEY-----
`,
}

const HERE = [{ address: '127.0.0.1', family: 4 }]
const { lookup } = dns
dns.lookup = (name, options, callback) =>
  name.endsWith('.demo.test') && options.all ? callback(null, HERE) : lookup(name, options, callback)
syncBuiltinESMExports()
setDefaultCACertificates([...getCACertificates(), certificate.cert])

/** Tells the program that has started this one what to know. */
export const tell = (facts) => process.stdout.write(`${JSON.stringify(facts)}\n`)

// Whoever has started this program keeps its input open. It ends with that, also after a crash.
process.stdin.resume().on('end', () => process.exit())
