// From a method and a path, exactly as sent, to a route. Each route has one
// spelling: a doubled or trailing slash, a dot segment, another case or an encoded
// slash where none belongs is not found. A parameter is one segment, decoded once.

import { WarderError } from '@warder/core';
import type { Route } from './dialect.ts';
import { textFault } from './json.ts';

export interface Found {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** @throws not_found; method_not_allowed, whose fields name the methods there are */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Found {
  const table = routes.map((route) => ({ route, segments: route.path.split('/') }));

  return (method, path) => {
    const sent = path.split('/');
    const allowed: Route['method'][] = [];
    for (const { route, segments } of table) {
      const params = match(segments, sent);
      if (params === null) continue;
      if (route.method === method) return { route, params };
      allowed.push(route.method);
    }
    if (allowed.length === 0) throw new WarderError('not_found', 'There is nothing at this path.');
    throw new WarderError('method_not_allowed', `This path takes ${allowed.join(', ')} only.`, {
      allow: allowed,
    });
  };
}

function match(
  segments: readonly string[],
  sent: readonly string[],
): Readonly<Record<string, string>> | null {
  if (segments.length !== sent.length) return null;
  const params: Record<string, string> = {};
  for (const [i, segment] of segments.entries()) {
    const given = sent[i] ?? '';
    if (!segment.startsWith('{')) {
      if (segment !== given) return null;
      continue;
    }
    const value = decodeSegment(given);
    if (value === null) return null;
    params[segment.slice(1, -1)] = value;
  }
  return params;
}

function decodeSegment(given: string): string | null {
  if (given === '' || given === '.' || given === '..') return null;
  try {
    const value = decodeURIComponent(given);
    return textFault(value) === null ? value : null;
  } catch {
    return null;
  }
}
