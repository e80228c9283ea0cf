// The log: one JSON line an entry. The last thing that happens to a line is that
// whatever has the form and checksum of a token becomes its preview, and that bytes,
// which might be the text of one, are left out.

import { redactTokens } from '@warder/core';
import { type Logger, pino } from 'pino';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** @param write takes whole lines; standard error unless given */
export function createLog(
  level: string,
  write: (line: string) => void = (line) => process.stderr.write(line),
): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, { write: (line) => write(redactTokens(withoutBytes(line))) });
}

/** A Buffer and a Uint8Array as JSON writes them: numbers in which nobody would find a token. */
const BYTES = /\{"type":"Buffer","data":\[[\d,]*\]\}|\{"0":\d{1,3}(?:,"\d+":\d{1,3})*\}/g;

function withoutBytes(line: string): string {
  return line.replace(BYTES, '"(bytes)"');
}
