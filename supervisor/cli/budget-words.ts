/** What budgets leave. What was under way when they were used up may cost more than that. */
export function leftWords(left: number): string {
  if (left > 0) return `${left} left`
  return left === 0 ? 'used up' : `used up, and ${-left} more`
}
