import type { Noun } from '../command.ts'

/** The commands of the noun `enrolment-rule`. */
export const enrolmentRule: Noun = {
  noun: 'enrolment-rule',
  summary: 'which evidence lets agents enrol themselves',
  commands: [
    {
      words: 'enrolment-rule set',
      former: ['rules set'],
      summary: 'let agents enrol themselves whose evidence meets a rule',
      load: async () => (await import('../commands/rules.ts')).setRule,
    },
    {
      words: 'enrolment-rule list',
      former: ['rules list'],
      summary: 'list the enrolment rules',
      load: async () => (await import('../commands/rules.ts')).listRules,
    },
    {
      words: 'enrolment-rule test',
      former: ['rules test'],
      summary: 'explain what evidence would give, and why',
      load: async () => (await import('../commands/try-rules.ts')).testRules,
    },
    {
      words: 'enrolment-rule delete',
      former: ['rules delete'],
      summary: 'delete an enrolment rule, and end the tokens of its agents',
      load: async () => (await import('../commands/rules.ts')).deleteRule,
    },
  ],
}
