/** Prints what a test measured, below its title. */
export function tell(words: string): void {
  process.stdout.write(`      ${words}\n`)
}
