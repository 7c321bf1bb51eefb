/** What budgets leave. Calls that were under way when they were used up may cost more than is left. */
export function leftWords(left: number): string {
  if (left > 0) return `${left} left`
  return left === 0 ? 'used up' : `used up, and ${-left} more`
}
