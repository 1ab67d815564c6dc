import { Resolver } from 'node:dns/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from './child-process.ts'
import { ensureInstalled, findProgram } from './debian-package.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

/** A real name server (BIND 9) with one zone. */
export interface NameServer {
  /** `127.0.0.1:port`. */
  readonly address: string
  /** Replaces the TXT records of the zone, by their names. Resolves when the server has loaded them. */
  publish(records: Readonly<Record<string, readonly string[]>>): Promise<void>
  stop(): Promise<void>
}

const MISSING = 'The tests need BIND 9. Install it with "apt-get install bind9", or put named in your PATH.'

/** Starts a name server for one zone. It sends more than 512 bytes only over TCP. */
export async function startBind9(zone: string): Promise<NameServer> {
  const command = await ensureInstalled({ name: 'bind9', find: () => findProgram('named'), missing: MISSING })
  const folder = await mkdtemp(join(tmpdir(), 'a4a-bind9-'))
  const port = await freePort()
  const file = join(folder, 'zone')
  let serial = 1
  const write = (records: Readonly<Record<string, readonly string[]>>) => writeFile(file, zoneFile(serial, records))
  await write({})
  const config = join(folder, 'named.conf')
  await writeFile(
    config,
    `options {
      directory "${folder}"; pid-file "${folder}/pid"; session-keyfile "${folder}/session.key";
      listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
      recursion no; dnssec-validation no; max-udp-size 512;
    };
    controls {};
    zone "${zone}" { type primary; file "${file}"; };`,
  )
  const args = ['-g', '-n', '1', '-c', config]
  const named = await startProgram({ name: 'named', command, args, isReady: / running$/ })
  const address = `127.0.0.1:${port}`
  return {
    address,
    async publish(records) {
      serial += 1
      await write(records)
      process.kill(named.pid, 'SIGHUP')
      await until(
        () => serialAt(address, zone),
        (loaded) => loaded === serial,
      )
    },
    async stop() {
      await named.end('SIGTERM')
      await rm(folder, { recursive: true })
    },
  }
}

async function serialAt(address: string, zone: string): Promise<number> {
  const resolver = new Resolver()
  resolver.setServers([address])
  return (await resolver.resolveSoa(zone)).serial
}

function zoneFile(serial: number, records: Readonly<Record<string, readonly string[]>>): string {
  const lines = Object.entries(records).flatMap(([name, texts]) =>
    texts.map((text) => `${name} IN TXT ${(text.match(/.{1,255}/g) ?? ['']).map((part) => `"${part}"`).join(' ')}`),
  )
  const soa = `@ IN SOA ns hostmaster ( ${serial} 3600 600 86400 60 )`
  return ['$TTL 60', soa, '@ IN NS ns', 'ns IN A 127.0.0.1', ...lines, ''].join('\n')
}
