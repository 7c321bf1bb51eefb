/**
 * The fields of a line of `/proc/<pid>/stat`, from the third on, which is the state. The second
 * one, the name of the program in parentheses, may hold spaces and parentheses itself, so what
 * follows the last of these counts.
 */
export function statFields(line: string): readonly string[] {
  return line.slice(line.lastIndexOf(')') + 2).split(' ')
}
