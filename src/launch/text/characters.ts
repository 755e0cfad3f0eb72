/** Character classes of names, without regular expressions: inputs are hostile and these run on every character. */

const isLetter = (c: string): boolean => (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
const isDigit = (c: string): boolean => c >= '0' && c <= '9';

/** First character of a shell or Python identifier. */
export const isNameStart = (c: string): boolean => c !== '' && (isLetter(c) || c === '_');
/** Any later character of an identifier. */
export const isNamePart = (c: string): boolean => c !== '' && (isLetter(c) || isDigit(c) || c === '_');

/** The end of the identifier that begins at `start`; `start` itself where none does. */
export function endOfName(text: string, start: number): number {
  if (!isNameStart(text.charAt(start))) return start;
  let end = start + 1;
  while (isNamePart(text.charAt(end))) end++;
  return end;
}

export const isBlank = (c: string): boolean => c === ' ' || c === '\t' || c === '\n' || c === '\r';

/** The last part of a path: `train.py` of `/app/train.py`. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
