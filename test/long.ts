/**
 * Tests that `npm test` leaves to `npm run test:all`, and why. Keys are paths or globs from the checkout. Every rule
 * that these tests check also has a shorter test elsewhere, unless it cannot be tested quickly.
 */
export const LONG: Readonly<Record<string, string>> = {
  'test/fault/*.test.ts': 'faults of all kinds hit servers for a while, and clients make calls during that time',
  'test/contract/secrets-in-traces.test.ts': 'every case of every call is sent to one server, one after the other',
  'test/contract/fields.test.ts': 'each field of each call gets each wrong value of a table, over each transport',
  'test/simulation/{delegation,foreign-log,revocation,signing-keys}/mutants.test.ts':
    'each mutant breaks one rule, and the test searches schedules or chains until one shows the broken rule',
  'test/simulation/key-events/many-logs.test.ts': 'two replayers compare 100,000 random logs of key events',
  'test/simulation/delegation/many-chains.test.ts': 'a naive evaluator checks a million random chains of grants',
  'test/conformance/delegation/biscuit.test.ts': 'Biscuits with the checks of hundreds of random chains are signed',
  'test/conformance/trust-graph/export.test.ts':
    "xmllint starts for each case, and Debian's packages may be installed first",
  'test/conformance/spiffe/go-spiffe.test.ts':
    "a program in Go is compiled, and Debian's packages may be installed first",
  'test/simulation/trust-graph/networkx.test.ts': "Debian's package of networkx may be installed first",
  'test/bench/{bench,load/load}.test.ts': 'the benchmark starts every server that it compares',
  'test/clients/packages.test.ts': 'packages are built, packed and installed into an empty project',
  'test/e2e/agent-keys/agent-keys.test.ts': 'a recovery waits for its delay and for the schedule of the server',
  'test/clients/sdk/rotation-crash.test.ts': 'a process is killed at each of dozens of steps',
  'test/clients/python-example/server.test.ts':
    'the client in Python waits until it is stale, and until a stopped server is back',
  'test/e2e/federation/federation.test.ts':
    'three deployments start, and wait until statements are read, records are looked up and knowledge is stale',
  'test/e2e/federation/server-trust.test.ts': 'verifiers read their admissions again, and wait until a log is stale',
  'test/e2e/embedded/far-database.test.ts': 'each statement of a first start takes 200 ms',
  'test/e2e/embedded/{npm-start,terminal}.test.ts': 'npm start runs and gets every signal, each time with a database',
  'test/e2e/embedded/embedded.test.ts': 'the embedded database is created, started, killed and recovered',
  'test/e2e/chains-everywhere/chains-everywhere.test.ts': 'two instances start with NATS, and two without',
  'test/e2e/key-import/key-import.test.ts': 'processes restart until an imported key signs',
  'test/e2e/key-encryption-key/key-encryption-key.test.ts':
    'every process restarts under each key, one after the other',
  'test/e2e/oauth-clients/authlib.test.ts': "Python starts for each case, and Debian's package may be installed first",
  'test/e2e/people-clients/devices.test.ts': 'devices wait between two questions as long as the server tells them',
  'test/e2e/provider-signals/crash.test.ts': 'servers are killed between the answer of a provider and their commit',
  'test/e2e/people-clients/authlib.test.ts': "Python starts, and Debian's package may be installed first",
  'test/e2e/readme-tour/delegation-python.test.ts':
    "Python starts for each case, and Debian's package may be installed first",
  'test/e2e/readme-tour/federation-page.test.ts':
    'three deployments start and read the statements of each other, and the demo runs against them',
  'test/e2e/people-clients/mcp-conformance.test.ts': "MCP's suite and a browser start for each kind of client",
  'test/e2e/people-clients/mcp-page.test.ts': 'programs of the documents run as pasted, and one in Go is compiled',
  'test/e2e/readme-tour/{delegation-mcp,delegation-page,moving-page,oauth-page,operator-keys-page,tour}.test.ts':
    'the tours of the documents are run, command by command',
  'test/e2e/workers/workers.test.ts': 'workers are killed and replaced under load',
  'services/trust/issuers/keys/behind-nginx.test.ts': 'a body is so slow that its time limit passes',
  'services/trust/issuers/domains/prove-domains-bind9.test.ts':
    "BIND starts three times, and Debian's package may be installed first",
  'test/conformance/tpm/software-tpm.test.ts':
    "software TPMs start and make keys, and Debian's packages may be installed first",
  'services/platform/db/promotion.test.ts': 'pairs of servers are started, and one of them is killed or frozen',
  'services/embedded-postgres/start.test.ts': 'a dozen databases are created, started and killed',
  'test/support/guardian.test.ts': 'servers and databases are started and then left running',
  'test/e2e/proxies/*.test.ts': "proxies are started, and Debian's packages may be installed first",
  'test/e2e/poolers/*.test.ts': "a pooler is started, and Debian's package may be installed first",
  'test/e2e/cluster/cluster.test.ts': 'npm run cluster starts a dozen processes',
  'test/e2e/attestation/many-agents.test.ts': 'a thousand agents enrol at two servers',
  'test/e2e/attestation/tpm-machine.test.ts': "a software TPM is started, and Debian's packages may be installed first",
  'test/e2e/split-smoke/{oauth,rolling-restart,split}.test.ts':
    'a dozen processes start, or are replaced one after the other',
  'test/e2e/restore/restore.test.ts':
    "a database is backed up and restored, and Debian's packages may be installed first",
  'test/e2e/upgrade/{callers,key-events,rolling,upgrade}.test.ts': 'older versions run beside this version',
  'test/e2e/agent-key-rotation/rotation-under-load.test.ts': 'agents rotate their keys a thousand times under load',
  'test/e2e/{agent-moves/agent-moves,identity-story/identity-story,operator-team/operator-team}.test.ts':
    'dozens of changes of several parties, one after the other',
  'test/e2e/embedded/waiting-start.test.ts': 'each start waits for a database that is away for seconds',
  'test/e2e/federation/{anchors,two-deployments}.test.ts': 'two deployments start, and read what the other publishes',
  'test/e2e/key-compromise/key-compromise.test.ts': 'keys are replaced, and verifiers of four processes read them',
  'test/e2e/noisy-neighbour/noisy-neighbour.test.ts': 'one operator floods a server for seconds',
  'test/e2e/readme-tour/signals-page.test.ts': 'the tutorial of the receiver runs as pasted',
  'test/e2e/signals/crashes.test.ts': 'processes are killed while they send events',
  'test/e2e/takeover/lapse.test.ts': 'the schedule looks again until a domain lapses',
  'test/clients/command-line/{demo,demo-delegation,flow}.test.ts': 'every command of a story is a process of its own',
  'test/clients/command-line/{governing,scripting,watch}.test.ts': 'every command is a process of its own',
  'test/e2e/workers/refused-start.test.ts': 'a process starts for each wrong setting',
  'test/e2e/people-clients/demo-people.test.ts': 'npm start runs, and the demo and a browser beside it',
  'test/e2e/traces/traces.test.ts': 'processes start, and export what they did',
  'test/e2e/attestation/pods.test.ts': 'an agent enrols from another process, and commands of its operator start',
  'test/contract/deploy.test.ts': "every check of the deployment's files runs for each of dozens of mistakes",
  'test/contract/stubs.test.ts': "stubs are made and compiled, and Debian's packages may be installed first",
  'test/contract/{envelope,faults}.test.ts': 'every call is sent in each wrong form, or with each failure behind it',
  'test/conformance/x509/openssl.test.ts': 'openssl starts for each case',
  'services/keys/active-key-signer.test.ts': 'keys become active at times that the test waits for',
  'test/e2e/key-rotation/{crash,key-rotation}.test.ts': 'keys are rotated many times under load',
}
