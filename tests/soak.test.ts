// At full speed, with keys ended all the time and unknown ones asked for beside them: no
// verification that began after an end was acknowledged says valid, and none of a key
// that nobody ended says anything else. Seconds in a normal run, five minutes in the long one.

import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { drawToken, WARDER_FORMAT } from '@warder/core';
import { expect, test } from 'vitest';
import { runs, seededBytes } from './fixtures/domain.ts';
import { newFolder, serve } from './fixtures/program.ts';

const SECONDS = runs(4, 300);
const KEYS = 200;
const VERIFIERS = 16;
const UNKNOWN_A_BATCH = 500;

interface Held {
  readonly id: string;
  readonly secret: string;
  /** When its end was asked for, and when it was acknowledged. */
  asked: number;
  ended: number;
}

interface Judged {
  readonly valid: boolean;
  readonly code: string;
}

const agent = new Agent({ keepAlive: true });

function post(url: string, key: string, path: string, body: object): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const call = request(url + path, { method: 'POST', agent, headers }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('end', () => resolve([reply.statusCode ?? 0, Buffer.concat(chunks).toString()]));
    });
    call.on('error', reject).end(JSON.stringify(body));
  });
}

test('an end that was acknowledged holds for whatever begins after it, at full speed', {
  timeout: (SECONDS + 60) * 1000,
}, async () => {
  const cwd = newFolder();
  const service = await serve(cwd);
  const manager = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
  const ask = async <Answer>(path: string, body: object, status = 200): Promise<Answer> => {
    const [got, text] = await post(service.url, manager, path, body);
    expect(got, text).toBe(status);
    return JSON.parse(text) as Answer;
  };
  const limits = [{ name: 'day', limit: 1_000_000_000, window_seconds: 86_400 }];
  const create = async (): Promise<Held> => {
    const made = await ask<{ id: string; key: string }>('/v1/keys', { limits }, 201);
    return { id: made.id, secret: made.key, asked: Infinity, ended: Infinity };
  };

  const held = await Promise.all(Array.from({ length: KEYS }, create));
  const random = (count: number) => Math.floor(Math.random() * count);
  const wrong: string[] = [];
  const done = { verified: 0, refused: 0, ended: 0, unknown: 0 };
  let over = false;
  const until = async (step: () => Promise<void>) => {
    while (!over) await step();
  };

  const verify = async () => {
    // Also those that ended a moment ago: their place is taken only now and then.
    const key = held[random(held.length)];
    if (key === undefined) return;
    const began = performance.now();
    const { code } = await ask<Judged>('/v1/keys/verify', { key: key.secret });
    if (code === 'valid' && began > key.ended) wrong.push(`${key.id} was valid after its end`);
    if (code !== 'valid' && performance.now() < key.asked) wrong.push(`${key.id} was ${code}`);
    done[code === 'valid' ? 'verified' : 'refused']++;
  };
  const end = async () => {
    const place = random(held.length);
    const key = held[place];
    if (key === undefined) return;
    if (key.ended === Infinity) {
      key.asked = performance.now();
      await ask(`/v1/keys/${key.id}/${random(2) ? 'revoke' : 'disable'}`, {});
      key.ended = performance.now();
      done.ended++;
    } else {
      held[place] = await create();
    }
  };
  const bytes = seededBytes(Date.now());
  const askUnknown = async () => {
    const keys = Array.from({ length: UNKNOWN_A_BATCH }, () => ({
      key: drawToken(WARDER_FORMAT, 'wdr', 'live', bytes).secret,
    }));
    const { data } = await ask<{ data: readonly Judged[] }>('/v1/keys/verify-batch', { keys });
    if (data.some(({ code }) => code !== 'not_found')) wrong.push('an unknown key was known');
    done.unknown += data.length;
  };

  setTimeout(() => {
    over = true;
  }, SECONDS * 1000);
  await Promise.all([
    ...Array.from({ length: VERIFIERS }, () => until(verify)),
    until(end),
    until(askUnknown),
  ]);
  agent.destroy();
  expect(wrong).toEqual([]);
  expect(done.verified).toBeGreaterThan(50 * SECONDS);
  expect(Math.min(done.refused, done.ended, done.unknown)).toBeGreaterThan(SECONDS);
  service.kill('SIGTERM');
  expect((await service.ended).code).toBe(0);
});
