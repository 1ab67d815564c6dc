/**
 * The three deployments of the worked example in docs/federation.md. Their hosts and domains belong to nobody: DNS and
 * certificates exist on this machine only. Each operator has the folder of its name.
 */
export const CAST = {
  alpha: {
    host: 'auth.alpha.example.net',
    port: 8110,
    operators: { acme: 'acme.example.com', bolt: 'bolt.example.com' },
  },
  beta: {
    host: 'auth.beta.example.net',
    port: 8120,
    operators: { cargo: 'cargo.example.com', dock: 'dock.example.com' },
  },
  gamma: {
    host: 'id.gamma.example.org',
    port: 8130,
    operators: { guild: 'guild.example.org', hall: 'hall.example.org' },
  },
} as const

export type DeploymentName = keyof typeof CAST
export type OperatorName = 'acme' | 'bolt' | 'cargo' | 'dock' | 'guild' | 'hall'

/** Operators with an agent that gets tokens. */
export const WITH_AGENT: readonly OperatorName[] = ['acme', 'bolt', 'cargo']

/** The scopes of these agents at their own deployment. */
export const SCOPES = ['orders:read', 'orders:write']
