// From text to the values of settings and flags. Each throws an Error whose
// message is the rule, to stand behind the name of what broke it, and never
// quotes the text: it may be a secret.

/** `127.0.0.1:7700`, `[::1]:7700`, `localhost:0`. */
export function hostPort(text: string): { host: string; port: number } {
  const [, six, plain, digits] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = six ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) {
    throw new Error('must be HOST:PORT, for example 127.0.0.1:7700 or [::1]:7700');
  }
  return { host, port };
}

export type GatewayAddress =
  | { readonly path: string }
  | { readonly host: string; readonly port: number };

/** The longest path that a Unix socket may have, less its end: 104 bytes on some systems, 108 on others. */
const LONGEST_SOCKET_PATH = 103;

/** `unix:/run/warder/gateway.sock`, or as `hostPort`. */
export function gatewayAddress(text: string): GatewayAddress {
  const [, path] = /^unix:(\/[^\0]+)$/.exec(text) ?? [];
  if (path !== undefined && Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return { path };
  if (!text.startsWith('unix:')) {
    try {
      return hostPort(text);
    } catch {
      // The rule is another here.
    }
  }
  throw new Error(
    `must be unix:/PATH of ${LONGEST_SOCKET_PATH} bytes at most, or HOST:PORT, for example 127.0.0.1:7701`,
  );
}

/** What two programs know each other by; a newline may follow, as files have it. */
export function gatewaySecret(text: string): string {
  const trimmed = text.replace(/\r?\n$/, '');
  if (!/^[\x21-\x7e]{32,512}$/.test(trimmed)) {
    throw new Error('must hold 32 to 512 printable characters without spaces, and nothing else');
  }
  return trimmed;
}

/** An address without a slash at its end. */
export function webAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const plain = url !== null && !url.username && !url.password && !url.search && !url.hash;
  if (!plain || !/^https?:$/.test(url.protocol)) {
    throw new Error(
      'must be an http:// or https:// address without user name, query or fragment, for example http://127.0.0.1:7700',
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** A newline may follow, as files have it; what stands in it is read where it is connected to. */
export function databaseUrl(text: string): string {
  const url = text.trimEnd();
  if (/^postgres(ql)?:\/\/\S*$/.test(url)) return url;
  throw new Error('must be postgres://USER:PASSWORD@HOST:PORT/NAME');
}

export function path(text: string): string {
  if (text === '' || text.includes('\0')) throw new Error('must be a path');
  return text;
}

/** Items separated by commas. */
export function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Names separated by commas; `none` for none at all. */
export function names(text: string): string[] {
  const found = list(text);
  if (!found.every((name) => NAME.test(name)) || found.length === 0) {
    throw new Error('must be names separated by commas, or none');
  }
  return found.length === 1 && found[0] === 'none' ? [] : found;
}

const NAME = /^[a-z][a-z0-9-]*$/;

export interface NamedAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** `cobo=127.0.0.1:7710,onepin=[::1]:0`. */
export function namedAddresses(text: string): NamedAddress[] {
  const found = list(text).map((item) => {
    const [, name = '', address = ''] = /^([^=]*)=(.*)$/.exec(item) ?? [];
    return NAME.test(name) ? { name, ...hostPort(address) } : null;
  });
  const whole = found.filter((one) => one !== null);
  const different = new Set(whole.map(({ name }) => name));
  if (found.length === 0 || different.size < found.length) {
    throw new Error(
      'must be NAME=HOST:PORT, several separated by commas and no name twice, for example cobo=127.0.0.1:7710',
    );
  }
  return whole;
}

export interface DialectOptionGiven {
  readonly dialect: string;
  readonly option: string;
  readonly value: string;
}

/** `onepin.token_prefix=pk_live_,phaseo.scopes=array`. */
export function dialectOptions(text: string): DialectOptionGiven[] {
  const found = list(text).map((item) => {
    const [, dialect, option, value] =
      /^([a-z][a-z0-9-]*)\.([a-z][a-z0-9_]*)=(.*)$/.exec(item) ?? [];
    return dialect && option && value !== undefined ? { dialect, option, value } : null;
  });
  const whole = found.filter((one) => one !== null);
  const different = new Set(whole.map(({ dialect, option }) => `${dialect}.${option}`));
  if (found.length === 0 || different.size < found.length) {
    throw new Error(
      'must be NAME.OPTION=VALUE, several separated by commas and none twice, for example onepin.token_prefix=pk_live_',
    );
  }
  return whole;
}

export function yesOrNo(text: string): boolean {
  return word(['true', 'false'])(text) === 'true';
}

export function word<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((one) => one === text);
    if (found === undefined) throw new Error(`must be one of ${words.join(', ')}`);
    return found;
  };
}

/** One printable word; a newline may follow, as files have it. */
export function oneWord(text: string): string {
  const trimmed = text.replace(/\r?\n$/, '');
  if (!/^[\x21-\x7e]+$/.test(trimmed)) {
    throw new Error('must hold one key and nothing else');
  }
  return trimmed;
}

/** 32 bytes as 64 hexadecimal digits; a newline may follow. */
export function secret(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]{64}\r?\n?$/.test(text)) {
    throw new Error('must hold 64 hexadecimal digits and nothing else');
  }
  return Uint8Array.from(Buffer.from(text.slice(0, 64), 'hex'));
}

/** One `<version>:<64 hexadecimal digits>` a line. */
export function peppers(text: string): { version: number; key: Uint8Array }[] {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const found = lines.map((line) => {
    const [, version, hex] = /^([1-9]\d{0,8}):([0-9a-fA-F]{64})$/.exec(line) ?? [];
    return { version: Number(version), key: Uint8Array.from(Buffer.from(hex ?? '', 'hex')) };
  });
  const versions = new Set(found.map(({ version }) => version));
  const whole = found.every(({ key }) => key.length === 32);
  if (found.length === 0 || !whole || versions.size < found.length) {
    throw new Error(
      'must hold one line <version>:<64 hexadecimal digits> for each pepper, no version twice',
    );
  }
  return found;
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/** `90s`, `45m`, `12h`, `30d` or `2w`, as seconds. */
export function duration(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,9})([smhdw])$/.exec(text) ?? [];
  if (count === undefined) {
    throw new Error('must be a whole number and s, m, h, d or w, for example 30d');
  }
  // The pattern allows no other letter.
  return Number(count) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS];
}

/** The same up to an hour, or `0s`, as milliseconds. */
export function staleLimit(text: string): number {
  const milliseconds = text === '0s' ? 0 : duration(text) * 1000;
  if (milliseconds <= 3_600_000) return milliseconds;
  throw new Error('must be at most 1h, for example 5s');
}

const MEBIBYTE = 1024 ** 2;
const MOST_BYTES = 4 * 1024 ** 3;

/** `67108864`, `512k`, `64m` or `2g`, as bytes: 1 MiB to 4 GiB. */
export function size(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,11})([kmgKMG]?)$/.exec(text) ?? [];
  const bytes = Number(count) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase());
  if (bytes >= MEBIBYTE && bytes <= MOST_BYTES) return bytes;
  throw new Error('must be a size from 1m to 4g, in bytes or with k, m or g, for example 64m');
}

export interface LimitGiven {
  readonly name: string;
  readonly limit: number;
  readonly window_seconds: number;
  readonly override?: { readonly limit: number; readonly until: string };
}

/** `minute=100/60s`, or with another limit for a time `day=5000/1d,9000@2027-01-31T00:00:00Z`. */
export function limit(text: string): LimitGiven {
  const [, name, count, window, other, until] =
    /^([^=]+)=(\d{1,15})\/([1-9]\d{0,9}[smhdw]?)(?:,(\d{1,15})@(\S+))?$/.exec(text) ?? [];
  if (name === undefined || window === undefined) {
    throw new Error(
      'must be NAME=LIMIT/WINDOW, for example minute=100/60s, and for a time another limit: day=5000/1d,9000@2027-01-31T00:00:00Z',
    );
  }
  return {
    name,
    limit: Number(count),
    window_seconds: /\d$/.test(window) ? Number(window) : duration(window),
    ...(until === undefined ? {} : { override: { limit: Number(other), until } }),
  };
}

const MOST_WORKERS = 64;

/** `4`, or `auto`. */
export function workers(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const count = /^[1-9]\d?$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MOST_WORKERS) return count;
  throw new Error(`must be a whole number from 1 to ${MOST_WORKERS}, or auto`);
}

/** `1000/month`. */
export function refill(text: string): { amount: number; interval: string } {
  const [, amount, interval] = /^([1-9]\d{0,14})\/(day|week|month|year)$/.exec(text) ?? [];
  if (amount === undefined || interval === undefined) {
    throw new Error('must be a whole number and day, week, month or year, for example 1000/month');
  }
  return { amount: Number(amount), interval };
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error('must be a whole number');
  return Number(text);
}

/** `0.05`: from 0 to 1. */
export function share(text: string): number {
  if (/^(?:0(?:\.\d{1,9})?|1(?:\.0{1,9})?)$/.test(text)) return Number(text);
  throw new Error('must be a number from 0 to 1, for example 0.05');
}

/** A whole number within those bounds. */
export function someOf(least: number, most: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (count >= least && count <= most) return count;
    throw new Error(`must be a whole number from ${least} to ${most}`);
  };
}

/** `name=value`, or a JSON object, whose `null`s remove members. */
export function metadata(text: string): Record<string, unknown> {
  if (!text.startsWith('{')) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (name !== undefined && value !== undefined) return { [name]: value };
  } else {
    try {
      // An object, because of how it begins.
      return JSON.parse(text) as Record<string, unknown>;
    } catch {}
  }
  throw new Error('must be name=value or a JSON object, for example plan=pro or {"seats": 5}');
}
