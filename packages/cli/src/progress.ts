// How far something long has come: one line on a terminal, redrawn in place, that
// is gone in the end. Shown only to people, and only after a second.

import type { Output } from './output.ts';

const PATIENCE_MILLISECONDS = 1_000;
const REDRAW_MILLISECONDS = 100;

export interface ProgressLine {
  /** @param share from 0 to 1 */
  tell(share: number): void;
  /** How many are done, where nobody knows of how many. */
  count(done: number): void;
  end(): void;
}

export function progressLine(output: Output, doing: string): ProgressLine {
  const { stderr } = process;
  if (output.json || !stderr.isTTY) return { tell() {}, count() {}, end() {} };
  const start = performance.now();
  let drawn = 0;
  const draw = (text: string) => {
    const now = performance.now();
    if (now - start < PATIENCE_MILLISECONDS || now - drawn < REDRAW_MILLISECONDS) return;
    drawn = now;
    stderr.write(`\r\u001b[K${doing} ${text}`);
  };
  return {
    tell: (share) => draw(`${Math.floor(share * 100)} %`),
    count: (done) => draw(String(done)),
    end() {
      if (drawn > 0) stderr.write('\r\u001b[K');
    },
  };
}
