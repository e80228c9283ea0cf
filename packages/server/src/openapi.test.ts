import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openRoute, route } from './dialect.ts';
import { native } from './dialects/native/dialect.ts';
import { type ApiDocument, describeApi } from './openapi.ts';
import { referencePage } from './reference.ts';

const document = describeApi(native, '1.2.3', null);

describe('the document', () => {
  it('has one operation for each route of the table, with a name of its own', () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const names = operations.map(({ operationId }) => operationId);
    expect(names.toSorted()).toEqual(native.routes.map((one) => one.operationId).sort());
    expect(new Set(names).size).toBe(names.length);
  });

  it('refers only to schemas that it has, and has none that nothing refers to', () => {
    const text = JSON.stringify(document);
    const referred = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect([...new Set(referred)].sort()).toEqual(Object.keys(document.components.schemas).sort());
  });

  it('lets no reply carry a member that it does not name, and no body either', () => {
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      if (schema.type === 'object')
        expect([name, schema.additionalProperties]).toEqual([name, false]);
    }
    expect(JSON.stringify(document)).not.toMatch(/digest|pepper/);
  });

  it('names its server only where its address is known', () => {
    expect(document.servers).toBeUndefined();
    const url = 'https://keys.example.org';
    expect(describeApi(native, '1.2.3', url).servers).toEqual([{ url }]);
  });

  it('is the same each time, and small enough to read', () => {
    expect(JSON.stringify(describeApi(native, '1.2.3', null))).toBe(JSON.stringify(document));
    expect(JSON.stringify(document).length).toBeLessThan(200_000);
  });
});

describe('the reference page', () => {
  const evil = `<script>alert("x")</script>&'`;
  const page = (of: ApiDocument) => referencePage(of);

  it('escapes whatever a table may say', () => {
    const dialect = {
      ...native,
      title: evil,
      description: evil,
      routes: [
        route({
          method: 'GET' as const,
          path: `/v1/${evil}/{id}`,
          operationId: evil,
          summary: evil,
          description: evil,
          permission: 'keys:read',
          params: z.object({ [evil]: z.string().describe(evil) }),
          body: z.object({}),
          replies: { 200: z.object({}).describe(evil) },
          run: async () => ({}),
          out: () => ({ status: 200, body: {} }),
        }),
        openRoute({
          method: 'GET',
          path: '/',
          operationId: 'open',
          summary: evil,
          replies: { 200: z.string() },
          answer: async () => ({ status: 200, body: '' }),
        }),
      ],
      schemas: { [evil]: z.object({ [evil]: z.string() }), Problem: native.errorSchema },
    };
    const html = page(describeApi(dialect, evil, null));
    expect(html).not.toContain('<script');
    expect(html).not.toContain('alert("x")');
    expect(html).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;');
  });

  it('has a section for each call and loads nothing from anywhere', () => {
    const html = page(document);
    for (const { operationId } of native.routes) expect(html).toContain(`<h2 id="${operationId}">`);
    expect(html).not.toMatch(/<(script|img|link|iframe|object|form)|src=|https?:\/\/|\son\w+=/i);
    for (const [, anchor] of html.matchAll(/href="#([^"]+)"/g)) {
      expect(html).toContain(`id="${anchor}"`);
    }
  });
});
