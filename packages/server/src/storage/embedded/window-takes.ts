// Takes of the writing thread: windows as they are stored, what is decided of them,
// and what changed written back. One at a time writes, so nothing comes in between.

import { decideTakes, type WindowReturn, type WindowsTaken, type WindowTake } from '@warder/core';
import { rowOfWindow, type WindowRow, windowOf } from '../../rows.ts';
import type { Statements } from '../../storage.ts';
import type { Connected } from './connection.ts';

/** The clock of the machine, as the engine tells it. */
const CLOCK = { sql: "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now", parameters: [] };

/** For within a transaction. */
export function takeWindowsIn({ row, affected }: Connected, texts: Statements) {
  return (
    takes: readonly WindowTake[],
    returned: readonly WindowReturn[],
  ): readonly WindowsTaken[] => {
    const asked = [...takes.flatMap(({ windows }) => windows), ...returned];
    const ids = [...new Set(asked.map(({ id }) => id))];
    const found = ids.flatMap((id) => {
      const stored = row<WindowRow>(texts.window.with({ id }));
      return stored === null ? [] : windowOf(stored);
    });
    const now = row<{ now: number }>(CLOCK)?.now ?? 0;
    const { answers, changed } = decideTakes(found, takes, returned, now);
    for (const window of changed) affected(texts.recordWindow.with(rowOfWindow(window)));
    return answers;
  };
}
