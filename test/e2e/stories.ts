/**
 * Stories that run in one mode only, and why. Every other story runs with one process and on the cluster. Keys are
 * paths from the checkout.
 */
export const ONE_MODE_STORIES: Readonly<Record<string, string>> = {
  'test/e2e/clock-skew/clock-skew.test.ts':
    'a process with a wrong clock is never ready, and a split deployment waits until all are ready',
  'test/e2e/cluster/cluster.test.ts': 'npm run cluster starts its own processes',
  'test/e2e/embedded/embedded.test.ts': 'the embedded database belongs to one process',
  'test/e2e/embedded/npm-start.test.ts': 'npm start is one process',
  'test/e2e/embedded/refused-start.test.ts': 'the test starts a single process that fails',
  'test/e2e/embedded/terminal.test.ts': 'a terminal shows one process',
  'test/e2e/embedded/waiting-start.test.ts': 'the test starts a single process that waits',
  'test/e2e/embedded/far-database.test.ts': 'the test starts a single process',
  'test/e2e/federation/federation.test.ts':
    'three deployments apart would be up to forty processes; two-deployments.test.ts runs in every mode',
  'test/e2e/key-encryption-key/key-encryption-key.test.ts':
    'the processes that have the key restart one after the other, with all their services',
  'test/e2e/key-import/key-import.test.ts': 'the key file is a setting of one process',
  'test/e2e/key-rotation/crash.test.ts': 'the database blocks every connection of one process',
  'test/e2e/key-rotation/key-rotation.test.ts': 'one of two processes has wrong clocks for all its services',
  'test/e2e/poolers/pgbouncer.test.ts': 'the pooler stands before the database, which is the same in every mode',
  'test/e2e/proxies/apache-oidc.test.ts': 'a proxy calls the public port, which is the same in every mode',
  'test/e2e/proxies/caddy.test.ts': 'a proxy calls the public port, which is the same in every mode',
  'test/e2e/proxies/haproxy-jwks.test.ts': 'a proxy calls the public port, which is the same in every mode',
  'test/e2e/proxies/haproxy-lua.test.ts': 'a proxy calls the public port, which is the same in every mode',
  'test/e2e/proxies/nginx.test.ts': 'a proxy calls the public port, which is the same in every mode',
  'test/e2e/readme-tour/delegation-mcp.test.ts': 'the page starts one process',
  'test/e2e/readme-tour/delegation-page.test.ts': 'the page starts one process',
  'test/e2e/readme-tour/delegation-python.test.ts': 'the page starts one process',
  'test/e2e/readme-tour/federation-page.test.ts': 'npm run cluster starts its own processes',
  'test/e2e/readme-tour/identity-page.test.ts': 'the page starts one process',
  'test/e2e/readme-tour/oauth-page.test.ts': 'the page starts one process',
  'test/e2e/readme-tour/operator-keys-page.test.ts': 'the page starts one process',
  'test/e2e/readme-tour/signals-page.test.ts': 'the page starts one process',
  'test/e2e/readme-tour/tour.test.ts': 'the README starts one process',
  'test/e2e/secrets-in-logs/data-folder.test.ts': 'the data folder and its secrets belong to one process',
  'test/e2e/signals/crashes.test.ts':
    'one process is killed and started again, and a pushed event does not come sooner from split services',
  'test/e2e/split-smoke/oauth.test.ts': 'the story starts split services itself',
  'test/e2e/split-smoke/rolling-restart.test.ts': 'the story starts split services itself',
  'test/e2e/split-smoke/split.test.ts': 'the story starts split services itself',
  'test/e2e/traces/one-trace.test.ts': 'the story starts split services itself',
  'test/e2e/traces/traces.test.ts': 'a gateway in its own process does not learn whether the caller has signed',
  'test/e2e/upgrade/callers.test.ts': 'the older version is one process',
  'test/e2e/upgrade/key-events.test.ts': 'the older version is one process',
  'test/e2e/upgrade/rolling.test.ts': 'each of the two processes behind a balancer runs all parts',
  'test/e2e/upgrade/upgrade.test.ts': 'version 1 is one process',
  'test/e2e/workers/apart.test.ts': 'the story starts split services itself',
  'test/e2e/workers/refused-start.test.ts': 'the workers that fail to start belong to one process',
  'test/e2e/workers/workers.test.ts': 'the workers that share ports belong to one process',
}

/**
 * Stories that also run with split services: one process of each part, which call each other over sockets without TLS.
 * The cluster runs every story with the same parts apart, so these are those that pass every call between parts, or
 * depend on the number of processes.
 */
export const SPLIT_STORIES: readonly string[] = [
  'test/e2e/attestation/enrolment.test.ts',
  'test/e2e/connect-client/flow.test.ts',
  'test/e2e/delegation/delegation.test.ts',
  'test/e2e/federation/two-deployments.test.ts',
  'test/e2e/grpc-stubs/*.test.ts',
  'test/e2e/key-compromise/key-compromise.test.ts',
  'test/e2e/oauth-clients/token-exchange.test.ts',
  'test/e2e/operator-keys/operator-keys.test.ts',
  'test/e2e/proxy-checks/*.test.ts',
  'test/e2e/revocation-everywhere/revocation-everywhere.test.ts',
  'test/e2e/signals/poll.test.ts',
  'test/e2e/single-use/single-use.test.ts',
  'test/e2e/suspend-race/suspend-race.test.ts',
  'test/e2e/takeover/takeover.test.ts',
  'test/e2e/two-instances/two-instances.test.ts',
  'test/e2e/version-1-client/*.test.ts',
]
