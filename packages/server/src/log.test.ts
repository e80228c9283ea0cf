import { drawToken, type TokenFormat, WARDER_FORMAT } from '@warder/core';
import { describe, expect, it } from 'vitest';
import { seededBytes } from '../../../tests/fixtures/domain.ts';
import { coboFormat } from './dialects/cobo/token.ts';
import { dreadnodeFormat } from './dialects/dreadnode/token.ts';
import { onepinFormat } from './dialects/onepin/token.ts';
import { createLog } from './log.ts';
import { phaseoFormat } from './phaseo-token.ts';

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

  const error = (text: string) => new Error(text);
  /** Every place that a line may carry a text in, as somebody careless would put it there. */
  const places: Record<string, (text: string, log: ReturnType<typeof createLog>) => void> = {
    'its message': (text, log) => log.info(text),
    'what a message is made with': (text, log) => log.info('no %s, nor %j', text, [text]),
    'a member': (text, log) => log.warn({ key: text }),
    "a member's name": (text, log) => log.warn({ [text]: 1, deep: { [text]: [] } }),
    'a list in a list': (text, log) => log.debug({ rows: [[{ a: [text] }]] }),
    'an error': (text, log) => log.error({ err: error(text) }),
    'an error that is logged by itself': (text, log) => log.error(error(text), text),
    "an error's stack": (text, log) => {
      log.error({ err: Object.assign(error('x'), { stack: `at ${text}:1` }) });
    },
    "an error's cause, and the cause of that": (text, log) => {
      log.error({ err: new Error('a', { cause: new Error('b', { cause: error(text) }) }) });
    },
    'errors in an error': (text, log) => {
      log.error({ err: new AggregateError([error(text), new TypeError('x', { cause: text })]) });
    },
    "an error's own members": (text, log) => {
      log.error({ err: Object.assign(error('x'), { query: text, args: [text] }) });
    },
    'headers in turn': (text, log) => log.info({ raw: ['authorization', `Bearer ${text}`] }),
    'a URL': (text, log) => log.info({ url: new URL(`https://a.test/${text}?k=${text}#${text}`) }),
    'a URL that writes underscores otherwise': (text, log) => {
      log.info({ url: `/v1?key=${text.replaceAll('_', '%5f')}` });
    },
    'what is written as JSON twice': (text, log) => log.info(JSON.stringify({ a: text })),
    'something that says itself how it is written': (text, log) => {
      log.info({ it: { toJSON: () => ({ text }) } });
    },
    bytes: (text, log) => log.info({ raw: Buffer.from(text), more: [Buffer.from(text)] }),
    'an array of bytes': (text, log) => log.info({ raw: new TextEncoder().encode(text) }),
    'text on all sides': (text, log) => log.info(`x9${text}ü${text}\u2028"${text}\\${text}\n`),
    'something that holds itself': (text, log) => {
      const ring: Record<string, unknown> = { text };
      ring.self = ring;
      log.info({ ring });
    },
  };
  const formats: TokenFormat[] = [
    WARDER_FORMAT,
    ...[coboFormat('caw_'), dreadnodeFormat('dn_'), onepinFormat('op_live_')],
    phaseoFormat('aistats_v1_sk_'),
  ];
  it.each(Object.entries(places))('has no token of any product in %s', (_, put) => {
    for (const format of formats) {
      const { secret } = drawToken(format, 'wdr', 'live', seededBytes(format.name.length));
      const random = secret.slice(-32);
      const lines = logged((log) => put(secret, log));
      expect(lines).toHaveLength(1);
      for (const line of lines) {
        expect(line).not.toContain(random.slice(0, 16));
        expect(line).not.toContain(random.slice(16));
        expect(line).not.toContain(Buffer.from(secret).join(',').slice(60, 120));
        expect(line).not.toContain(`:${secret.charCodeAt(20)},"21":${secret.charCodeAt(21)}`);
        expect(line).toMatch(/…|\(bytes\)/);
        expect(JSON.parse(line)).toHaveProperty('level');
      }
    }
  });

  it('costs little: a megabyte of lines is looked through in a moment', () => {
    const line = { code: 'not_found', request_id: 'f'.repeat(36), address: '10.0.0.1', count: 7 };
    const began = performance.now();
    const lines = logged((log) => {
      for (let i = 0; i < 7_000; i++) log.info(line, 'There is no such key_of_that_name.');
    });
    expect(lines.join('').length).toBeGreaterThan(1_000_000);
    expect(performance.now() - began).toBeLessThan(2_000);
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
