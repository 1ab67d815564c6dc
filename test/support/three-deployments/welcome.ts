import { relative } from 'node:path'
import { CAST } from './cast.ts'
import type { ExampleDeployment, ExampleDeployments } from './start-servers.ts'

/** Says where the deployments are, what is signed, and which commands to try. */
export function welcome(deployments: ExampleDeployments, folder: string): string {
  const { alpha, beta, gamma } = deployments
  const near = relative(process.cwd(), folder)
  const keys = near === '' || near.startsWith('..') ? folder : near
  const { acme, bolt } = CAST.alpha.operators
  const { cargo } = CAST.beta.operators
  const api = `https://api.${cargo}/v1`
  const asCargo = `--config ${keys}/cargo`
  return [
    '',
    'Three Auth4Agent deployments are running. They share a DNS and nothing else.',
    '',
    ...[alpha, beta, gamma].flatMap((deployment, index) => describe(deployment, 'ABC'[index] ?? '')),
    'B has admitted A and C, and C has admitted A. These statements are signed:',
    '',
    '  cargo  accepts-members-of  guild      guild  member     acme',
    '  hall   accepts-members-of  guild      dock   lets-call  acme',
    '  acme   lets-call           bolt       acme   chains-to  B',
    '',
    `Each operator has its folder for --config, such as ${keys}/acme.`,
    '',
    'Try, in a second shell in this folder:',
    '',
    '# The whole story',
    'npx auth4agent demo --federation',
    '',
    '# May acme call cargo? May bolt?',
    `npx auth4agent trust explain ${asCargo} --from ${acme} --to ${api} --scope orders:read`,
    `npx auth4agent trust explain ${asCargo} --from ${bolt} --to ${api} --scope orders:read`,
    '',
    '# acme gets a token at A, and B verifies it for cargo',
    `npx auth4agent token issue --config ${keys}/acme --scope orders:read --aud ${api} --output ${keys}/token`,
    `npx auth4agent token verify ${asCargo} --token @${keys}/token --foreign-issuer ${alpha.issuer} --aud ${api} --scope read`,
    '',
    `# The graph in a browser: ${beta.url}/trust`,
    '# The graph as a picture, and the issuers of B',
    `npx auth4agent trust show-graph ${asCargo} --format svg > ${keys}/trust.svg`,
    `npx auth4agent issuer list --server ${beta.url} --issuer ${beta.issuer} --key ${keys}/beta/admin-key.pem`,
    '',
    '# C stops to answer. After 5 seconds its statements do not count: ask again about acme, then let C continue',
    `kill -STOP ${gamma.server.pid}`,
    `kill -CONT ${gamma.server.pid}`,
    '',
    'Stop with Ctrl-C. It removes the deployments, their data and all keys.',
    '',
  ].join('\n')
}

function describe({ name, issuer, url, server, adminKeyFile, logFile }: ExampleDeployment, letter: string): string[] {
  return [
    `  ${letter}  ${name.padEnd(9)}${issuer}`,
    `     operators  ${Object.values(CAST[name].operators).join(', ')}`,
    `     REST       ${url}   gRPC ${server.grpcAddress.replace('127.0.0.1', 'localhost')}   pid ${server.pid}`,
    `     admin key  ${adminKeyFile}`,
    `     log        ${logFile}`,
    '',
  ]
}
