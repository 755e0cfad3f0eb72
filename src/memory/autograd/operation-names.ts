const names: string[] = [];
const indices = new Map<string, number>();

/** The number of an operation's name; the same name always has the same number. */
export function operation(name: string): number {
  const known = indices.get(name);
  if (known !== undefined) return known;
  names.push(name);
  indices.set(name, names.length - 1);
  return names.length - 1;
}

/** All names so far, by number. */
export function operationNames(): readonly string[] {
  return names;
}

export const operationName = (number: number): string => names[number]!;
