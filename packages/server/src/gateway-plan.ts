// An operator's plan of a gateway, from the text of a file: read once, at the start,
// and wholly right or refused. Faults name the field and the rule that it broke.

import { ENVIRONMENTS, isScope, parseScopeQuery, SCOPE_RULE } from '@warder/core';
import { pathOf } from './canonical-path.ts';
import { type Carriage, headerOf } from './carriages.ts';
import type { GatewayKind, GatewayPlan } from './gateway.ts';
import { envoy } from './gateways/envoy.ts';
import { forwardAuth } from './gateways/forward-auth.ts';
import { nginx } from './gateways/nginx.ts';
import { type PathRule, shadows } from './path-rules.ts';

export const GATEWAYS: readonly GatewayKind[] = [nginx, forwardAuth, envoy];

const TOKEN = /^[!#$%&'*+.^`|~\w-]+$/;
/** Headers that say something else than who calls, or that a gateway sets. */
const NO_CARRIAGE =
  /^(authorization|connection|content-.*|cookie|forwarded|host|te|transfer-encoding|upgrade|x-forwarded-.*|x-original-.*|x-real-ip|x-warder-.*)$/;

/** @throws Error whose message is the field and its rule, to stand behind the name of the file */
export function parseGatewayPlan(text: string): GatewayPlan {
  const fields = new Fields(objectIn(text), '', [
    'kind',
    'environment',
    'workspace',
    'carriages',
    'client_address',
    'rules',
  ]);
  const named = (name: string) => GATEWAYS.find((kind) => kind.name === name);
  const kinds = GATEWAYS.map(({ name }) => name);
  const kind = named(fields.text('kind')) ?? fields.broken('kind', `must be ${either(kinds)}`);
  const environment = fields.text('environment');
  const served = ENVIRONMENTS.find((one) => one === environment) ?? null;
  if (served === null && environment !== '*') {
    fields.broken('environment', `must be ${either([...ENVIRONMENTS, '*'])}`);
  }
  const workspace = fields.text('workspace');
  if (!/^(\*|[\w-]{1,64})$/.test(workspace)) {
    fields.broken('workspace', 'must be an id, a slug, or * for every workspace');
  }
  const clientAddress = fields.text('client_address', 'x-forwarded-for').toLowerCase();
  if (!TOKEN.test(clientAddress)) fields.broken('client_address', 'must be the name of a header');
  return {
    kind,
    environment: served,
    workspace: workspace === '*' ? null : workspace,
    carriages: carriagesIn(fields),
    clientAddress,
    rules: rulesIn(fields),
  };
}

function carriagesIn(fields: Fields): readonly Carriage[] {
  const carriages = fields.texts('carriages', ['bearer', 'header:x-api-key']).map((text, i) => {
    const carriage = carriageOf(text);
    if (carriage !== null) return carriage;
    const rule = 'must be bearer, header:NAME or query:NAME, the name one that means nothing else';
    return fields.broken(`carriages[${i}]`, rule);
  });
  const places = carriages.map((one) => headerOf(one) ?? `?${one.in === 'query' && one.name}`);
  if (carriages.length === 0 || new Set(places).size < places.length) {
    fields.broken('carriages', 'must name one place at least, and none twice');
  }
  return carriages;
}

function carriageOf(text: string): Carriage | null {
  if (text === 'bearer') return { in: 'bearer' };
  const [, place, name = ''] = /^(header|query):(.+)$/.exec(text) ?? [];
  if (place === 'query') return { in: 'query', name };
  const header = name.toLowerCase();
  return place === 'header' && TOKEN.test(header) && !NO_CARRIAGE.test(header)
    ? { in: 'header', name: header }
    : null;
}

function rulesIn(fields: Fields): readonly PathRule[] {
  const rules = fields.list('rules').map((rule, i) => ruleOf(rule, `rules[${i}]`));
  if (rules.length === 0) fields.broken('rules', 'must have one rule at least');
  for (const [i, later] of rules.entries()) {
    const before = rules.slice(0, i).findIndex((earlier) => shadows(earlier, later));
    if (before < 0) continue;
    fields.broken(`rules[${i}]`, `is never reached: rules[${before}] fits before it; swap them`);
  }
  return rules;
}

function ruleOf(value: unknown, at: string): PathRule {
  if (!isObject(value)) throw new Error(`${at} must be an object`);
  const fields = new Fields(value, `${at}.`, ['methods', 'path', 'scopes', 'query']);
  const methods = fields.has('methods') ? fields.texts('methods') : null;
  if (
    methods !== null &&
    (methods.length === 0 || !methods.every((one) => /^[A-Z-]+$/.test(one)))
  ) {
    fields.broken('methods', 'must be a list of methods in capitals, or absent for all of them');
  }
  const scopes = fields.texts('scopes');
  const wrong = scopes.find((scope) => !isScope(scope));
  if (wrong !== undefined) fields.broken('scopes', `must be scopes: ${SCOPE_RULE}`);
  const query = fields.has('query') ? parseScopeQuery(fields.text('query')) : undefined;
  if (typeof query === 'string') return fields.broken('query', query);
  return { methods, ...patternOf(fields), scopes, query };
}

/** `/files`, `/files/*` for one segment more, `/files/**` for any number, none among them. */
function patternOf(fields: Fields): Pick<PathRule, 'segments' | 'open'> {
  const path = fields.text('path');
  const open = path.endsWith('/**');
  const written = open ? path.slice(0, -3) : path;
  const parts = written === '' || written === '/' ? [] : written.slice(1).split('/');
  const canonical = pathOf(written === '' ? '/' : written)?.segments;
  const sound =
    (open || written !== '') &&
    canonical?.length === parts.length &&
    canonical.every((one, i) => one === parts[i] && (one === '*' || !one.includes('*')));
  if (!sound) {
    return fields.broken(
      'path',
      'must begin with / and be canonical (no encoded unreserved characters, no dot segments, no slash at its end), a whole segment * for any one, /** at the end for any number',
    );
  }
  return { open, segments: parts.map((part) => (part === '*' ? null : part)) };
}

function objectIn(text: string): object {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isObject(parsed)) return parsed;
  } catch {
    // The rule says more than where a parser stopped.
  }
  throw new Error('must hold a JSON object');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function either(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** The members of an object, each read as what it has to be. */
class Fields {
  readonly #members: ReadonlyMap<string, unknown>;
  readonly #at: string;

  constructor(from: object, at: string, names: readonly string[]) {
    this.#members = new Map(Object.entries(from));
    this.#at = at;
    for (const name of this.#members.keys()) {
      if (!names.includes(name)) this.broken(name, `is no field: there are ${names.join(', ')}`);
    }
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  text(name: string, otherwise?: string): string {
    const value = this.#members.get(name) ?? otherwise;
    return typeof value === 'string' ? value : this.broken(name, 'must be a text');
  }

  list(name: string, otherwise?: readonly string[]): readonly unknown[] {
    const value = this.#members.get(name) ?? otherwise;
    return Array.isArray(value) ? value : this.broken(name, 'must be a list');
  }

  texts(name: string, otherwise?: readonly string[]): readonly string[] {
    const isText = (value: unknown) => typeof value === 'string';
    const values = this.list(name, otherwise);
    return values.every(isText) ? values : this.broken(name, 'must be a list of texts');
  }

  broken(name: string, rule: string): never {
    throw new Error(`${this.#at}${name} ${rule}`);
  }
}
