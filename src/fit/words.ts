const GIB = 1024 ** 3;

/** Bytes as people read them beside a graphics card: `71.2 GiB`. */
export function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

/** Bytes as a Kubernetes quantity with one decimal: `71.2Gi`. */
export function gi(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)}Gi`;
}

/** `1 node`, `3 nodes`. */
export function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

/** `a`, `a and b`, `a, b and c`; beyond `limit` the rest is counted: `a, b and 3 more`. */
export function listed(items: readonly string[], limit = 4): string {
  const shown = items.length > limit ? [...items.slice(0, limit - 1), `${items.length - limit + 1} more`] : items;
  if (shown.length < 2) return shown[0] ?? '';
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
