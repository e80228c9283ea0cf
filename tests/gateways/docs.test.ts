// The commands on the page about gateways and in the examples, done as they stand there
// with other ports, and what they show.

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GATEWAYS } from '../../packages/server/src/gateway-plan.ts';
import { STATUSES } from '../../packages/server/src/gateway-refusals.ts';
import { newFolder, PROGRAM, type Running, startAny } from '../fixtures/program.ts';
import { exampleAt, freePort, isInstalled, listensAt, withPorts } from '../kit/real-gateway.ts';

const page = readFileSync(
  fileURLToPath(new URL('../../docs/gateways.md', import.meta.url)),
  'utf8',
);

function shellIn(text: string): string[] {
  return Array.from(text.matchAll(/^```sh\n(.*?)^```$/gms), ([, block = '']) => block);
}

/** Starts commands in a folder, with `warder` as it is and ports that are free. */
async function shellAt(cwd: string) {
  const ports = {
    7700: await freePort(),
    7701: await freePort(),
    8080: await freePort(),
    9000: await freePort(),
  };
  const warder = [process.execPath, ...PROGRAM].map((word) => `'${word}'`).join(' ');
  const env = {
    WARDER_LISTEN: `127.0.0.1:${ports[7700]}`,
    WARDER_URL: `http://127.0.0.1:${ports[7700]}`,
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  };
  const begin = (block: string, go = ''): Running => {
    const text = withPorts(block, ports).replace(/^(node)\b/gm, `'${process.execPath}'`);
    const before = `set -eo pipefail\nwarder() { ${go}${warder} "$@"; }\n`;
    return startAny('bash', ['-c', before + (go ? text.replace(/^(?!warder)/gm, go) : text)], {
      cwd,
      env,
    });
  };
  return {
    ports,
    /** Runs a block to its end. */
    async paste(block: string): Promise<string> {
      const { code, stdout, stderr } = await begin(block).ended;
      expect(code, `${block}\n${stderr}`).toBe(0);
      return stdout;
    },
    /** Starts the one command of a block, in the place of the shell. */
    async keep(block: string, port: number): Promise<void> {
      const running = begin(block.trimEnd(), 'exec ');
      // In order: what is killed leaves processes of its own behind.
      onTestFinished(async () => {
        running.child.kill('SIGTERM');
        await running.ended;
      });
      await listensAt(port, running.ended, () => running.stdout() + running.stderr());
    },
  };
}

const statuses = (shown: string) =>
  Array.from(shown.matchAll(/^HTTP\/1\.1 (\d{3})/gm), ([, status]) => Number(status));

test('the page: a plan, the listener, and a gateway that is played', async () => {
  const { ports, paste, keep } = await shellAt(newFolder());
  const [plan = '', serve = '', play = ''] = shellIn(page);
  await paste(plan);
  await keep(serve, ports[7701]);
  await listensAt(ports[7700], new Promise(() => {}), () => '');
  const shown = await paste(play);
  expect(statuses(shown)).toEqual([200, 403]);
  expect(shown).toMatch(/^X-Warder-Owner-Id: acme\r$/m);
  expect(shown).toMatch(/^X-Warder-Reason: insufficient_scope\r$/m);
});

test('the page has every reason with its status for every gateway', () => {
  const rows = Array.from(page.matchAll(/^\| (`\w+`.*?) \| (\d+) \| (\d+) \| (\d+) \|$/gm));
  const told = rows.flatMap(([, names = '', ...own]) =>
    Array.from(names.matchAll(/`(\w+)`/g), ([, name = '']) => [name, own.map(Number)] as const),
  );
  expect(told.map(([name]) => name).sort()).toEqual(Object.keys(STATUSES).sort());
  for (const [name, own] of told) {
    const statusesOf = GATEWAYS.map((kind) => kind.statuses[name as keyof typeof STATUSES]);
    expect([name, own]).toEqual([name, statusesOf]);
  }
});

describe.each([
  ['gateway-nginx', 'nginx', 'nginx.conf'],
  ['gateway-caddy', 'caddy', 'Caddyfile'],
  ['gateway-haproxy', 'haproxy', 'haproxy.cfg'],
])('the commands of examples/%s', (example, program, file) => {
  test.runIf(isInstalled(program))('show a request that passes and one that does not', async () => {
    const folder = newFolder();
    cpSync(exampleAt('.'), folder, { recursive: true });
    const cwd = join(folder, example);
    const { ports, paste, keep } = await shellAt(cwd);
    const [serve = '', echo = '', gateway = '', requests = ''] = shellIn(
      readFileSync(join(cwd, 'README.md'), 'utf8'),
    );
    const configuration = join(cwd, file);
    writeFileSync(configuration, withPorts(readFileSync(configuration, 'utf8'), ports));
    await keep(serve, ports[7701]);
    await listensAt(ports[7700], new Promise(() => {}), () => '');
    await keep(`${echo.trimEnd()} 127.0.0.1:${ports[9000]}`, ports[9000]);
    await keep(gateway, ports[8080]);
    const shown = await paste(requests);
    expect(statuses(shown)).toEqual([200, 403]);
    expect(shown).toContain('"acme"');
    expect(shown).toMatch(/^x-warder-reason: insufficient_scope\r$/im);
  });
});
