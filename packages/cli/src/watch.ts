// What a command shows, drawn again and again on a terminal, until it is
// interrupted.

import { setTimeout as pause } from 'node:timers/promises';
import { usage } from './failure.ts';
import type { Output } from './output.ts';

const REDRAW_MILLISECONDS = 2_000;

export const WATCH = ['--watch', 'on a terminal: show it anew every 2 seconds'] as const;

/** Draws once, or for ever where it is asked to. @throws Failure where nobody could watch */
export async function drawn(
  watching: unknown,
  output: Output,
  draw: () => Promise<void>,
): Promise<void> {
  if (watching !== true) return draw();
  if (output.json || !process.stdout.isTTY) throw usage('--watch is for people at a terminal.');
  for (;;) {
    // The cursor to the top and everything below it cleared: no flicker, no scrolling.
    process.stdout.write('\u001b[H\u001b[J');
    await draw();
    await pause(REDRAW_MILLISECONDS);
  }
}
