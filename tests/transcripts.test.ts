// Each dialect keeps a transcript beside its table: every route, every error, request
// and exact reply. They are replayed here, each on a service of its own.

import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { describeApi } from '../packages/server/src/openapi.ts';
import { dialectsOf, PRODUCTS } from '../packages/server/src/products.ts';
import { addCast, startCastIssuer } from './kit/cast.ts';
import { createContract } from './kit/contract.ts';
import { exchange } from './kit/http.ts';
import { type Service, startService } from './kit/service.ts';
import {
  filled,
  found,
  type Step,
  settled,
  type Transcript,
  type Values,
} from './kit/transcript.ts';

const COBO_SECRET = 'cobo-service-credential-of-the-transcripts';
const PHASEO_SECRET = 'phaseo-internal-token-of-the-transcripts-'.repeat(4);

const transcriptOf = (name: string): Transcript =>
  JSON.parse(
    readFileSync(
      fileURLToPath(
        new URL(`../packages/server/src/dialects/${name}/transcript.json`, import.meta.url),
      ),
      'utf8',
    ),
  );

describe.each(PRODUCTS.map(({ name }) => name))('the transcript of %s', (name) => {
  const transcript = transcriptOf(name);
  const [dialect] = dialectsOf([name]);
  if (dialect === undefined) throw new Error(`there is no dialect ${name}`);

  it('has a step for every route that succeeds, and one for every error there can be', () => {
    const shown = transcript.steps.filter(({ operation }) => operation !== null);
    const succeeded = shown.filter(({ error }) => error === undefined);
    expect(new Set(succeeded.map(({ operation }) => operation))).toEqual(
      new Set(dialect.routes.map(({ operationId }) => operationId)),
    );
    const errors = new Set(shown.flatMap(({ error }) => error ?? []));
    const unreachable = Object.keys(transcript.unreachable);
    expect([...errors, ...unreachable].sort()).toEqual(Object.keys(dialect.errors).sort());
  });

  it('is of an API whose document is sound OpenAPI 3.1', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const source = JSON.stringify(describeApi(dialect, '0.0.0', 'https://keys.example.org'));
    const problems = await lintFromString({ source, config });
    const found = problems.map(({ ruleId, location }) => [ruleId, location[0]?.pointer]);
    expect(found.filter(([ruleId]) => ruleId !== 'info-license')).toEqual([]);
  });

  it('is what the service answers', async () => {
    const { issuer, row } = await startCastIssuer(() => service.clock.at);
    const service: Service = await startService({
      dialects: [dialect],
      issuers: [row],
      sharedCredentials: [
        { surface: 'cobo', label: 'assistant', secret: COBO_SECRET, workspaces: ['default'] },
        { surface: 'phaseo', label: 'control', secret: PHASEO_SECRET, workspaces: ['other'] },
      ],
    });
    const agent = new Agent({ keepAlive: true });
    const contract = createContract(describeApi(dialect, '0.0.0', null));
    const values: Values = new Map([
      ['instance', service.firstKey],
      ['default_workspace', service.defaultWorkspaceId],
      ['cobo_service', COBO_SECRET],
      ['phaseo_internal', PHASEO_SECRET],
      ['long', 'x'.repeat(300_000)],
      ['service_url', service.url],
    ]);
    // Whoever takes no members sees none of what the cast needs.
    const cast = dialect.admits.members === null ? {} : await addCast(service, issuer);
    for (const [name, value] of Object.entries(cast)) values.set(name, value);
    const tokens = Object.entries(cast).filter(([name]) => name.startsWith('token_'));
    const secrets: string[] = [service.firstKey, COBO_SECRET, PHASEO_SECRET];
    secrets.push(...tokens.map(([, token]) => token));

    let held = true;
    service.watch.before.set('recordUses', () => {
      if (held) throw new Error('uses are written when a step says so');
    });

    const play = async (step: Step) => {
      service.clock.at += step.advance ?? 0;
      if (step.flush) {
        held = false;
        await service.warder.flush();
        held = true;
      }
      const { request, reply } = step;
      if (request === undefined || reply === undefined) return;
      const { method, path, headers = {}, body, raw } = filled(request, values);
      const scene = step.operation === null;
      const { failing } = step;
      issuer.outage(step.outage ? 'refuse' : null);
      if (failing) {
        service.watch.before.set(failing, () => {
          throw new Error('the store is broken on purpose');
        });
      }
      const received = await exchange(service.url, agent, {
        method,
        path: scene ? path : dialect.base + path,
        headers: {
          ...(scene ? { authorization: `Bearer ${service.firstKey}` } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
      });
      if (failing) service.watch.before.delete(failing);
      const said = `${step.title}: ${received.status} ${received.text}`;
      expect(received.status, said).toBe(reply.status);
      const shown = step.shows && values.get(step.shows);
      expect(
        secrets.filter((secret) => secret !== shown && received.text.includes(secret)),
        said,
      ).toEqual([]);
      if (!scene) expect(contract.replyFault(method, path, received), said).toBeNull();

      const actual = received.text === '' ? undefined : JSON.parse(received.text);
      const expected = reply.text ? JSON.parse(reply.text) : reply.body;
      for (const [member, kind, value] of found(expected, actual)) {
        values.set(member, value);
        if (kind === 'secret') {
          secrets.push(value);
          service.canaries.add(value);
        }
      }
      const exact = settled({ body: expected ?? null }, values).body;
      if (expected === undefined && reply.text === undefined) return;
      if (scene) expect(actual ?? null, said).toMatchObject(Object(exact));
      else expect(actual ?? null, said).toEqual(exact);
      // The order of members is part of what a page shows.
      if (!scene) expect(JSON.stringify(actual ?? null)).toBe(JSON.stringify(exact));
      if (reply.text !== undefined) expect(received.text).toBe(settled(reply.text, values));
      for (const [header, value] of Object.entries(reply.headers ?? {})) {
        expect(received.headers[header] ?? null, `${step.title}: ${header}`).toBe(
          value && settled(value, values),
        );
      }
    };
    for (const step of transcript.steps) await play(step);
    held = false;
    agent.destroy();
    await service.close();
    await issuer.close();
  });
});
