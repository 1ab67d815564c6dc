import { inject } from 'vitest'
import { recordStatements } from './record.ts'

recordStatements(inject('statementsFolder'))
