export function installNames(): () => void
