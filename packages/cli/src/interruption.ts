// What work on files does when it is told to stop: it ends at once, with the exit code that a shell
// gives a program ended by that signal. What is to be cleaned up hangs on `exit`.

export function endOnSignals(): void {
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143));
}
