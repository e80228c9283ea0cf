import { drawToken, WARDER_FORMAT } from '@warder/core';
import { describe, expect, it } from 'vitest';
import { seededBytes } from '../../../tests/fixtures/domain.ts';
import { createLog } from './log.ts';

const { secret, start } = drawToken(WARDER_FORMAT, 'wdr', 'live', seededBytes());

function logged(write: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  write(createLog('debug', (line) => lines.push(line)));
  return lines;
}

describe('a line of the log', () => {
  it('shows the preview of a token in place of the token, wherever it stands', () => {
    const lines = logged((log) => {
      log.info(`a key ${secret}.`);
      log.info({ authorization: `Bearer ${secret}`, deep: [{ [secret]: 1 }] }, 'called');
      log.error({ err: new Error(`no row for "${secret}"`) }, 'failed');
      log.warn({ url: `/v1/keys/${secret}?a=${secret}`, glued: `x${secret}${secret}_live_` });
    });
    expect(lines.length).toBe(4);
    for (const line of lines) {
      expect(line).not.toContain(secret);
      expect(line).not.toContain(secret.slice(20));
      expect(line).toContain(`wdr_live_${start}…`);
      expect(() => JSON.parse(line)).not.toThrow();
    }
  });

  it('is one line of JSON with its level and its time, whatever is in it', () => {
    const evil = 'a\r\n{"level":"error"}\u001b[31m\u2028';
    const [line = '', ...more] = logged((log) => log.info({ name: evil, [evil]: 1 }, evil));
    expect(more).toEqual([]);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(line)).toMatchObject({ level: 'info', name: evil, msg: evil });
    expect(JSON.parse(line).time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });
});
