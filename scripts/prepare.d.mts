export const ROOT: string;
export function say(text: string): void;
export function ensureInstalled(): void;
export function buildProduct(): void;
