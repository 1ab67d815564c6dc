import type pg from 'pg'
import { createKnowledge, type Knowledge } from '../../../services/trust/decide/knowledge.ts'

/** Creates what a process knows of issuers and statements, where nobody owns an audience. */
export function knowledgeOf(pool: pg.Pool): Knowledge {
  return createKnowledge({ pool, operators: { lookupAudienceOwner: async () => ({ operatorId: '', rules: [] }) } })
}
