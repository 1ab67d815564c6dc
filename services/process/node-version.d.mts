export function isAtLeast(actual: string, least: string): boolean
export function refusalOf(version: string): string | undefined
