// Every setting of the program in one table. The parser, `--help` and
// `warder config` are made of it, and the environment is read here alone. A flag
// counts before a variable, a variable before a file, a file before the default.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, usage } from './failure.ts';
import {
  databaseUrl,
  dialectOptions,
  duration,
  gatewayAddress,
  gatewaySecret,
  hostPort,
  list,
  namedAddresses,
  names,
  oneWord,
  path,
  peppers,
  secret,
  share,
  size,
  someOf,
  staleLimit,
  webAddress,
  word,
  workers,
  yesOrNo,
} from './parse.ts';
import { redisAddresses } from './redis-address.ts';
import { sharedCredentials } from './shared-credentials.ts';

/** `local`: commands that work on the data folder itself, without a service; `doctor`: that one of them. */
export type Audience = 'serve' | 'local' | 'doctor' | 'client';

export interface Setting {
  /** As the parser takes it; null where it has none. Of a secret it names a file; one without a value says `true`. */
  readonly flag: string | null;
  /** Set for a secret that is none without the password in it: then the flag has the value itself. */
  readonly flagHoldsValue?: true;
  /** A secret's file is named by the variable `<variable>_FILE`. */
  readonly variable: string;
  readonly default: string | null;
  /** The file in the data folder that holds it where nothing else does. */
  readonly file: string | null;
  readonly meaning: string;
  /** Its value is never shown. */
  readonly secret: boolean;
  /** Which commands it is for. */
  readonly audience: readonly Audience[];
  /** From text to value. Throws an Error whose message is the rule, never the text. */
  readonly parse: (text: string) => unknown;
}

const LIMIT_FALLBACKS = ['memory', 'refuse', 'admit'] as const;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export const SETTINGS = {
  listen: {
    flag: '--listen <host:port>',
    variable: 'WARDER_LISTEN',
    default: '127.0.0.1:7700',
    file: null,
    meaning: 'where the service listens',
    secret: false,
    audience: ['serve'],
    parse: hostPort,
  },
  data: {
    flag: '--data <dir>',
    variable: 'WARDER_DATA',
    default: './data',
    file: null,
    meaning: 'folder of the database, made where it is missing',
    secret: false,
    audience: ['serve', 'local'],
    parse: path,
  },
  database: {
    flag: '--database <url>',
    flagHoldsValue: true,
    variable: 'DATABASE_URL',
    default: null,
    file: null,
    meaning:
      'database in PostgreSQL 15 or later instead of a file: postgres://USER:PASSWORD@HOST:PORT/NAME; with a password better by the variable, since others can read the command line',
    secret: true,
    audience: ['serve', 'local'],
    parse: databaseUrl,
  },
  databaseDirect: {
    flag: '--database-direct <url>',
    flagHoldsValue: true,
    variable: 'WARDER_DATABASE_DIRECT',
    default: null,
    file: null,
    meaning:
      'the same database past a pooler such as PgBouncer, over which changes are heard; needs --database',
    secret: true,
    audience: ['serve'],
    parse: databaseUrl,
  },
  databasePrepare: {
    flag: '--database-prepare <on|off>',
    variable: 'WARDER_DATABASE_PREPARE',
    default: 'on',
    file: null,
    meaning: 'prepare statements on the server; off (slower) behind a PgBouncer before 1.21',
    secret: false,
    audience: ['serve'],
    parse: word(['on', 'off']),
  },
  migrate: {
    flag: '--migrate <auto|check>',
    variable: 'WARDER_MIGRATE',
    default: null,
    file: null,
    meaning:
      'what a start does about a database of an earlier version: auto migrates it, check refuses it until `warder migrate` ran (default: auto for a file, check for PostgreSQL)',
    secret: false,
    audience: ['serve'],
    parse: word(['auto', 'check']),
  },
  bootstrapKeyFile: {
    flag: '--bootstrap-key-file <file>',
    variable: 'WARDER_BOOTSTRAP_KEY_FILE',
    default: null,
    file: null,
    meaning: 'where the first key is written, or read where it holds one (default: DATA/first-key)',
    secret: false,
    audience: ['serve'],
    parse: path,
  },
  publicUrl: {
    flag: '--public-url <url>',
    variable: 'WARDER_PUBLIC_URL',
    default: null,
    file: null,
    meaning: 'address that others reach the service by: the base of absolute links',
    secret: false,
    audience: ['serve'],
    parse: webAddress,
  },
  tlsCert: {
    flag: '--tls-cert <file>',
    variable: 'WARDER_TLS_CERT',
    default: null,
    file: null,
    meaning: 'certificate (PEM) to serve HTTPS with; needs --tls-key',
    secret: false,
    audience: ['serve'],
    parse: path,
  },
  tlsKey: {
    flag: '--tls-key <file>',
    variable: 'WARDER_TLS_KEY',
    default: null,
    file: null,
    meaning: 'private key (PEM) of the certificate',
    secret: false,
    audience: ['serve'],
    parse: path,
  },
  trustedProxies: {
    flag: '--trusted-proxies <cidrs>',
    variable: 'WARDER_TRUSTED_PROXIES',
    default: null,
    file: null,
    meaning: 'networks of proxies whose X-Forwarded-For counts, separated by commas',
    secret: false,
    audience: ['serve'],
    parse: list,
  },
  workers: {
    flag: '--workers <n>',
    variable: 'WARDER_WORKERS',
    default: '1',
    file: null,
    meaning: 'how many processes share the work: 1 to 64, or auto for one a core',
    secret: false,
    audience: ['serve'],
    parse: workers,
  },
  logLevel: {
    flag: '--log-level <level>',
    variable: 'WARDER_LOG_LEVEL',
    default: 'info',
    file: null,
    meaning: `least that is logged: ${LOG_LEVELS.join(', ')}`,
    secret: false,
    audience: ['serve'],
    parse: word(LOG_LEVELS),
  },
  dialects: {
    flag: '--dialects <names>',
    variable: 'WARDER_DIALECTS',
    default: null,
    file: null,
    meaning: "products' APIs to speak, separated by commas, or none (default: all there are)",
    secret: false,
    audience: ['serve', 'doctor'],
    parse: names,
  },
  dialectListen: {
    flag: '--dialect-listen <addresses>',
    variable: 'WARDER_DIALECT_LISTEN',
    default: null,
    file: null,
    meaning:
      'dialects that have a listener of their own too, below the path their product has, as cobo=127.0.0.1:7710,onepin=127.0.0.1:7711',
    secret: false,
    audience: ['serve'],
    parse: namedAddresses,
  },
  dialectCors: {
    flag: '--dialect-cors',
    variable: 'WARDER_DIALECT_CORS',
    default: 'false',
    file: null,
    meaning: 'let browsers of any origin call the dialects that know CORS; true or false',
    secret: false,
    audience: ['serve'],
    parse: yesOrNo,
  },
  dialectOptions: {
    flag: '--dialect-options <options>',
    variable: 'WARDER_DIALECT_OPTIONS',
    default: null,
    file: null,
    meaning:
      'what dialects leave to choose, as onepin.token_prefix=pk_live_; `warder config` lists all',
    secret: false,
    audience: ['serve', 'doctor'],
    parse: dialectOptions,
  },
  sharedCredentials: {
    flag: '--shared-credentials <file>',
    variable: 'WARDER_SHARED_CREDENTIALS',
    default: null,
    file: null,
    meaning: 'credentials of trusted services: a JSON list, which docs/dialects.md tells of',
    secret: true,
    audience: ['serve', 'doctor'],
    parse: sharedCredentials,
  },
  gateway: {
    flag: '--gateway <file>',
    variable: 'WARDER_GATEWAY',
    default: null,
    file: null,
    meaning: 'plan of a gateway to answer, which docs/gateways.md tells of; needs --gateway-listen',
    secret: false,
    audience: ['serve'],
    parse: path,
  },
  gatewayListen: {
    flag: '--gateway-listen <address>',
    variable: 'WARDER_GATEWAY_LISTEN',
    default: null,
    file: null,
    meaning: 'where the gateway is answered: unix:/PATH, or HOST:PORT of this machine',
    secret: false,
    audience: ['serve'],
    parse: gatewayAddress,
  },
  gatewaySecret: {
    flag: '--gateway-secret-file <file>',
    variable: 'WARDER_GATEWAY_SECRET',
    default: null,
    file: null,
    meaning:
      'what the gateway sends in X-Warder-Gateway-Secret; needed where other machines can reach --gateway-listen',
    secret: true,
    audience: ['serve'],
    parse: gatewaySecret,
  },
  opsListen: {
    flag: '--ops-listen <host:port>',
    variable: 'WARDER_OPS_LISTEN',
    default: null,
    file: null,
    meaning:
      'where /metrics, /livez and /readyz are served too, by plain HTTP and without a key; /metrics is then there alone',
    secret: false,
    audience: ['serve'],
    parse: hostPort,
  },
  eventsLog: {
    flag: '--events-log <file>',
    variable: 'WARDER_EVENTS_LOG',
    default: null,
    file: null,
    meaning:
      'file that each event is appended to as a line of JSON, once it is sealed; - for standard output',
    secret: false,
    audience: ['serve'],
    parse: path,
  },
  eventsRetention: {
    flag: '--events-retention <time>',
    variable: 'WARDER_EVENTS_RETENTION',
    default: null,
    file: null,
    meaning: 'how long events are kept, for example 90d (default: for ever)',
    secret: false,
    audience: ['serve', 'doctor'],
    parse: duration,
  },
  cacheBytes: {
    flag: '--cache-bytes <size>',
    variable: 'WARDER_CACHE_BYTES',
    default: '64m',
    file: null,
    meaning:
      'bound of the memory that known keys take, some 700 bytes each: from 1m to 4g; those beyond it are read anew',
    secret: false,
    audience: ['serve'],
    parse: size,
  },
  staleLimit: {
    flag: '--stale-limit <time>',
    variable: 'WARDER_STALE_LIMIT',
    default: '5s',
    file: null,
    meaning:
      'for how long keys in memory answer where neither changes are heard of nor the store can be read, then 503: from 0s to 1h',
    secret: false,
    audience: ['serve'],
    parse: staleLimit,
  },
  callsPerSecond: {
    flag: '--calls-per-second <number>',
    variable: 'WARDER_CALLS_PER_SECOND',
    default: '1000',
    file: null,
    meaning:
      'calls a second that one workspace, or one key of the instance, may make of each process, beside verifications, which nothing bounds',
    secret: false,
    audience: ['serve'],
    parse: someOf(1, 1_000_000),
  },
  usageHoursRetention: {
    flag: '--usage-hours-retention <time>',
    variable: 'WARDER_USAGE_HOURS_RETENTION',
    default: '90d',
    file: null,
    meaning: 'how long usage is kept by the hour',
    secret: false,
    audience: ['serve', 'doctor'],
    parse: duration,
  },
  usageDaysRetention: {
    flag: '--usage-days-retention <time>',
    variable: 'WARDER_USAGE_DAYS_RETENTION',
    default: '762d',
    file: null,
    meaning: 'how long usage is kept by the day; by the month it is kept for ever',
    secret: false,
    audience: ['serve', 'doctor'],
    parse: duration,
  },
  redis: {
    flag: '--redis <url>',
    flagHoldsValue: true,
    variable: 'REDIS_URL',
    default: null,
    file: null,
    meaning:
      'Redis or Valkey that counts the windows of limits for several processes: redis://HOST:PORT, or rediss:// for TLS; nodes of a cluster separated by commas. With a password only by the variable',
    secret: true,
    audience: ['serve'],
    parse: redisAddresses,
  },
  limitsFallback: {
    flag: '--limits-fallback <what>',
    variable: 'WARDER_LIMITS_FALLBACK',
    default: 'memory',
    file: null,
    meaning:
      'what limits are while what counts them for several processes is away: memory (each process counts for itself), refuse (503 for keys that have any) or admit (nothing is limited)',
    secret: false,
    audience: ['serve'],
    parse: word(LIMIT_FALLBACKS),
  },
  issuers: {
    flag: '--issuers <file>',
    variable: 'WARDER_ISSUERS',
    default: null,
    file: null,
    meaning: 'JSON file of the issuers whose JWTs sign in',
    secret: false,
    audience: ['serve'],
    parse: path,
  },
  otlpEndpoint: {
    flag: null,
    variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    default: null,
    file: null,
    meaning:
      'base address of an OpenTelemetry collector (OTLP over HTTP) that traces and metrics are sent to; the other OTEL_EXPORTER_OTLP_* variables and OTEL_RESOURCE_ATTRIBUTES count too',
    secret: false,
    audience: ['serve'],
    parse: webAddress,
  },
  otlpTracesEndpoint: {
    flag: null,
    variable: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    default: null,
    file: null,
    meaning: 'where traces are sent, by themselves or elsewhere than metrics: the whole address',
    secret: false,
    audience: ['serve'],
    parse: webAddress,
  },
  otlpMetricsEndpoint: {
    flag: null,
    variable: 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
    default: null,
    file: null,
    meaning: 'where metrics are sent, by themselves or elsewhere than traces: the whole address',
    secret: false,
    audience: ['serve'],
    parse: webAddress,
  },
  telemetryDisabled: {
    flag: null,
    variable: 'OTEL_SDK_DISABLED',
    default: 'false',
    file: null,
    meaning: 'send no traces and no metrics, whatever else is set; true or false',
    secret: false,
    audience: ['serve'],
    parse: yesOrNo,
  },
  tracesRatio: {
    flag: null,
    variable: 'OTEL_TRACES_SAMPLER_ARG',
    default: '1',
    file: null,
    meaning:
      'share of traces that are kept, 0 to 1, of those that begin here; of others, whoever calls decides',
    secret: false,
    audience: ['serve'],
    parse: share,
  },
  secret: {
    flag: null,
    variable: 'WARDER_SECRET',
    default: null,
    file: 'secret',
    meaning: 'secret of the installation, 64 hexadecimal digits; made at the first start',
    secret: true,
    audience: ['serve', 'local'],
    parse: secret,
  },
  pepper: {
    flag: null,
    variable: 'WARDER_PEPPER',
    default: null,
    file: null,
    meaning: 'keys mixed into stored digests: a line <version>:<64 hexadecimal digits> for each',
    secret: true,
    audience: ['serve', 'local'],
    parse: peppers,
  },
  url: {
    flag: '--url <url>',
    variable: 'WARDER_URL',
    default: 'http://127.0.0.1:7700',
    file: null,
    meaning: 'where the service is that is called',
    secret: false,
    audience: ['client'],
    parse: webAddress,
  },
  key: {
    flag: '--key-file <file>',
    variable: 'WARDER_KEY',
    default: null,
    file: 'first-key',
    meaning: 'the key to call with',
    secret: true,
    audience: ['client'],
    parse: oneWord,
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

type ValueOf<Name extends SettingName> =
  | ReturnType<(typeof SETTINGS)[Name]['parse']>
  | ((typeof SETTINGS)[Name]['default'] extends string ? never : undefined);

/** Flags as the parser gives them, by the setting they belong to. */
export type Flags = Readonly<Partial<Record<SettingName, string>>>;

/** A text that a setting was given, and by what. */
export interface Given {
  readonly text: string;
  readonly source: 'flag' | 'variable' | 'file' | 'default';
  /** `--listen`, `WARDER_LISTEN`, or the path of a file; empty for a default. */
  readonly where: string;
}

/** The value of a setting; undefined where it has none. @throws Failure that names the place and the rule */
export function readSetting<Name extends SettingName>(name: Name, flags: Flags): ValueOf<Name> {
  const given = findSetting(name, flags);
  const value = given === null ? undefined : parseSetting(name, given);
  // The parser of that very row made it, which a lookup by name cannot say.
  return value as ValueOf<Name>;
}

export function parseSetting(name: SettingName, { text, where }: Given): unknown {
  const { parse, secret: isSecret } = SETTINGS[name];
  try {
    return parse(text);
  } catch (error) {
    const message = `${where} ${error instanceof Error ? error.message : 'cannot be read'}.`;
    throw isSecret ? new Failure('bad_secret', message) : usage(message);
  }
}

/** What a setting was given, unparsed; null for nothing. */
export function findSetting(name: SettingName, flags: Flags): Given | null {
  const setting: Setting = SETTINGS[name];
  const { variable } = setting;
  const flag = setting.flag?.split(' ')[0] ?? '';
  const flagged = flags[name];
  if (flagged !== undefined) {
    const namesFile = setting.secret && !setting.flagHoldsValue;
    return namesFile ? fileOf(flagged, flag) : { text: flagged, source: 'flag', where: flag };
  }
  const text = environment(variable);
  const file = setting.secret ? environment(`${variable}_FILE`) : undefined;
  if (text !== undefined && file !== undefined) {
    throw usage(`${variable} and ${variable}_FILE are both set: keep one of them.`);
  }
  if (text !== undefined) return { text, source: 'variable', where: variable };
  if (file !== undefined) return fileOf(file, `${variable}_FILE`);
  const kept = setting.file === null ? null : join(readSetting('data', flags), setting.file);
  if (kept !== null && existsSync(kept)) return fileOf(kept, null);
  return setting.default === null ? null : { text: setting.default, source: 'default', where: '' };
}

/** An empty variable counts as none. */
function environment(variable: string): string | undefined {
  return process.env[variable] || undefined;
}

function fileOf(file: string, namedBy: string | null): Given {
  try {
    return { text: readFileSync(file, 'utf8'), source: 'file', where: file };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    const by = namedBy === null ? '' : `, which ${namedBy} names,`;
    throw new Failure('unreadable_file', `The file ${file}${by} cannot be read${code}.`);
  }
}
