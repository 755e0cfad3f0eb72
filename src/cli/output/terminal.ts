import pc from 'picocolors';
import type { Verdict } from '../../fit/assessment.js';

/** Where text is printed: how wide it is, and whether it shows colours. */
export interface Terminal {
  columns: number;
  colours: boolean;
}

const DEFAULT_COLUMNS = 110;
const NARROWEST = 60;
const WIDEST = 160;

/** The terminal behind standard output; a file or a pipe gets a fixed width and no colours. */
export function terminalOf(stream: { isTTY?: boolean; columns?: number }, env: NodeJS.ProcessEnv): Terminal {
  const columns = Math.min(WIDEST, Math.max(NARROWEST, stream.columns ?? DEFAULT_COLUMNS));
  const colours = stream.isTTY === true && env.NO_COLOR === undefined && env.TERM !== 'dumb';
  return { columns, colours };
}

/** Colours that a terminal shows, or none. */
export function painter({ colours }: Terminal): ReturnType<typeof pc.createColors> {
  return pc.createColors(colours);
}

/** A verdict in its colour. */
export function painted(verdict: Verdict, terminal: Terminal): string {
  const { green, cyan, yellow, red, magenta } = painter(terminal);
  const paint = {
    fits: green,
    'fits-some': cyan,
    tight: yellow,
    'will-not-fit': red,
    unschedulable: red,
    unknown: magenta,
  };
  return paint[verdict](verdict);
}

/** Breaks words into lines of at most `width` characters; words longer than that stay whole. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

/** Lines under a first line, indented as far as its lead. */
export function hanging(lead: string, text: string, width: number): string {
  const lines = wrapped(text, Math.max(20, width - lead.length));
  return lines.map((line, index) => (index === 0 ? lead : ' '.repeat(lead.length)) + line).join('\n');
}
