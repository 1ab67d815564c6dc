/** Returns the text of `authorization_details` for capabilities and their constraints. */
export function detailsOf(tools: Readonly<Record<string, object>>): string {
  return JSON.stringify([{ type: 'attenuating_agent_token', tools }])
}

/** Capabilities at audiences that nobody owns. */
export const DETAILS = detailsOf({ 'https://api.free.test#read': {}, 'files.free.test#write': {} })
