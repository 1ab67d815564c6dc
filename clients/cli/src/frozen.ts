/** What it means that an operator is frozen, for people. */
export const FROZEN =
  'The operator is frozen: its DNS record names a key that is not one of its root keys. It can only suspend and revoke agents, end tokens, object to moves and set its root keys; tokens stay valid. Publish the record of `auth4agent operator show-proof` again, then run `auth4agent operator confirm`.'
