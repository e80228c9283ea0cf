// Who writes the file, and how it is heard of who else did: a thread of this process
// with the board it keeps, or the supervisor of several workers.

import type { Storage } from '@warder/core';
import { newBoard, TRUSTED_MILLISECONDS, watchBoard } from './others.ts';
import { openWriter, type Writer } from './writer.ts';

export interface Writing extends Pick<Storage, 'watch' | 'obeyed'> {
  readonly writer: Writer;
}

/** A thread of this process writes. @param busyMilliseconds how long a job waits while another process writes */
export function writeHere(file: string, busyMilliseconds = BUSY_MILLISECONDS): Writing {
  const board = newBoard();
  return {
    writer: openWriter({ file, busyMilliseconds, board }),
    watch: (heard) => watchBoard(board, heard),
    async obeyed() {
      // Who else has the file open is not known, but what anybody trusts without having looked since.
      const asked = performance.now();
      await new Promise((resolve) => setTimeout(resolve, TRUSTED_MILLISECONDS));
      return { obeyedBy: 1, of: 1, afterMilliseconds: Math.round(performance.now() - asked) };
    },
  };
}

const BUSY_MILLISECONDS = 5_000;
