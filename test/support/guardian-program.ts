import { createDataFolder } from './data-folder.ts'
import { startNats } from './nats-server.ts'
import { startOwnPostgres } from './own-postgres.ts'
import { startServer } from './server.ts'

/**
 * Starts the kinds of programs that tests start, prints one line of JSON with the folders that it created, and waits
 * until it is killed. By then one server and one database are frozen, as in an interrupted test, and one database has
 * lost its server.
 */
const folders = await Promise.all([createDataFolder(), createDataFolder(), createDataFolder()])
const servers = await Promise.all(folders.map(({ path }) => startServer({ AUTH4AGENT_DATA_DIR: path })))
await startNats()
const postgres = await startOwnPostgres()
await postgres.freeze()
servers[1]?.freeze()
await servers[2]?.kill()
process.stdout.write(`${JSON.stringify({ folders: folders.map(({ path }) => path) })}\n`)
process.stdin.resume()
