import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Body, type Service, startService } from '../../../tests/kit/service.ts';
import { createLog } from './log.ts';
import { createUpkeep } from './upkeep.ts';

const lines: string[] = [];
const log = createLog('debug', (line) => lines.push(line));

describe('upkeep', () => {
  it('lets a start go first, goes on at once while there is more, then only after its pause', async () => {
    vi.useFakeTimers();
    let left = 5;
    const step = vi.fn(async () => --left > 0);
    const upkeep = createUpkeep(step, log, 60_000);
    await vi.advanceTimersByTimeAsync(499);
    expect(step).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(6);
    expect(step).toHaveBeenCalledTimes(5);
    await vi.advanceTimersByTimeAsync(59_990);
    expect(step).toHaveBeenCalledTimes(5);
    await vi.advanceTimersByTimeAsync(10);
    expect(step).toHaveBeenCalledTimes(6);
    await upkeep.close();
    vi.useRealTimers();
  });

  it('logs a step that fails and goes on after its pause', async () => {
    let steps = 0;
    const upkeep = createUpkeep(
      async () => {
        if (++steps === 1) throw new Error('no disk');
        return false;
      },
      log,
      1,
    );
    await vi.waitFor(() => expect(steps).toBeGreaterThan(1));
    await upkeep.close();
    expect(lines.at(-1)).toContain('no disk');
  });

  it('closes after the step under way, and begins no other', async () => {
    const step = Promise.withResolvers<boolean>();
    let steps = 0;
    const upkeep = createUpkeep(
      () => {
        steps++;
        return step.promise;
      },
      log,
      0,
    );
    await vi.waitFor(() => expect(steps).toBe(1));
    let isClosed = false;
    const closing = upkeep.close().then(() => {
      isClosed = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    step.resolve(true);
    await closing;
    await new Promise((resolve) => setImmediate(resolve));
    expect(steps).toBe(1);
  });
});

describe('a workspace deleted with its keys', () => {
  let service: Service;
  afterEach(() => service.close());

  it('has none that is good from the reply on; they are erased in steps, also by the next start', async () => {
    service = await startService();
    const { id } = await service.createWorkspace();
    const made: Body[] = [];
    for (let i = 0; i < 260; i++) {
      made.push(
        await service.createKey({ workspace_id: id, owner_id: `o${i % 3}`, name: `n${i}` }),
      );
    }
    const codes = async () =>
      new Set(await Promise.all(made.map(async ({ key }) => (await service.verify(key)).code)));
    expect(await codes()).toEqual(new Set(['valid']));

    // One commit deletes, one is the first step; the next never happens. Sealing goes on meanwhile.
    let commits = 0;
    service.watch.before.set('commit', (changes) => {
      const sealing = /"(?:seal_event|move_head)"/.test(JSON.stringify(changes));
      if (!sealing && ++commits > 2) throw new Error('the disk is full');
    });
    await service.expectCall(200, 'DELETE', `/v1/workspaces/${id}?keys=revoke`);
    expect((await codes()).has('valid')).toBe(false);
    await service.expectCall(404, 'GET', `/v1/workspaces/${id}`);
    await vi.waitFor(() => expect(commits).toBeGreaterThan(2), { timeout: 10_000 });
    const erased = async () =>
      (await service.events()).filter(({ type }) => type === 'key.erased').length;
    expect(await erased()).toBe(100);
    expect(await codes()).toEqual(new Set(['suspended', 'revoked']));

    service.watch.before.clear();
    await service.restart();
    await vi.waitFor(async () => expect(await codes()).toEqual(new Set(['revoked'])), {
      timeout: 20_000,
    });
    expect(await erased()).toBe(260);
    const list = await service.expectCall(
      200,
      'GET',
      `/v1/keys?workspace_id=${id}&include_deleted=true&include=total`,
    );
    expect([list.data, list.total]).toEqual([[], 0]);
    // Its events stay, and its slug is free.
    const events = await service.expectCall(
      200,
      'GET',
      `/v1/events?workspace_id=${id}&include=total`,
    );
    expect(events.total).toBeGreaterThan(520);
  });
});
