/** What `work` gives, or `late` when it takes longer. The work itself goes on; its later failure harms nobody. */
export async function withinTime<T, L>(work: Promise<T>, timeMs: number, late: L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<L>((resolve) => (timer = setTimeout(resolve, timeMs, late)));
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
