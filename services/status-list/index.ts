export { describeToken } from './domain/describe-token.ts'
export { createPlaces, type Places } from './places.ts'
