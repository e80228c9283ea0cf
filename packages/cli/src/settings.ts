// Every setting of the program in one table. The parser, `--help`, `warder config` and
// the page of settings are made of it; config.ts reads what they are set to.

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
  /** As the parser takes it. Of a secret it names a file; one without a value says `true`. */
  readonly flag?: string;
  /** Set for a secret that is none without the password in it: then the flag has the value itself. */
  readonly flagHoldsValue?: true;
  /** A secret's file is named by the variable `<variable>_FILE`. */
  readonly variable: string;
  readonly default?: string;
  /** The file in the data folder that holds it where nothing else does. */
  readonly file?: string;
  readonly meaning: string;
  /** Its value is never shown. */
  readonly secret?: true;
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
    meaning: 'where the service listens',
    audience: ['serve'],
    parse: hostPort,
  },
  data: {
    flag: '--data <dir>',
    variable: 'WARDER_DATA',
    default: './data',
    meaning: 'folder of the database, made where it is missing',
    audience: ['serve', 'local'],
    parse: path,
  },
  database: {
    flag: '--database <url>',
    flagHoldsValue: true,
    variable: 'DATABASE_URL',
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
    meaning: 'prepare statements on the server; off (slower) behind a PgBouncer before 1.21',
    audience: ['serve'],
    parse: word(['on', 'off']),
  },
  migrate: {
    flag: '--migrate <auto|check>',
    variable: 'WARDER_MIGRATE',
    meaning:
      'what a start does about a database of an earlier version: auto migrates it, check refuses it until `warder migrate` ran (default: auto for a file, check for PostgreSQL)',
    audience: ['serve'],
    parse: word(['auto', 'check']),
  },
  bootstrapKeyFile: {
    flag: '--bootstrap-key-file <file>',
    variable: 'WARDER_BOOTSTRAP_KEY_FILE',
    meaning: 'where the first key is written, or read where it holds one (default: DATA/first-key)',
    audience: ['serve'],
    parse: path,
  },
  publicUrl: {
    flag: '--public-url <url>',
    variable: 'WARDER_PUBLIC_URL',
    meaning: 'address that others reach the service by: the base of absolute links',
    audience: ['serve'],
    parse: webAddress,
  },
  tlsCert: {
    flag: '--tls-cert <file>',
    variable: 'WARDER_TLS_CERT',
    meaning: 'certificate (PEM) to serve HTTPS with; needs --tls-key',
    audience: ['serve'],
    parse: path,
  },
  tlsKey: {
    flag: '--tls-key <file>',
    variable: 'WARDER_TLS_KEY',
    meaning: 'private key (PEM) of the certificate',
    audience: ['serve'],
    parse: path,
  },
  trustedProxies: {
    flag: '--trusted-proxies <cidrs>',
    variable: 'WARDER_TRUSTED_PROXIES',
    meaning: 'networks of proxies whose X-Forwarded-For counts, separated by commas',
    audience: ['serve'],
    parse: list,
  },
  workers: {
    flag: '--workers <n>',
    variable: 'WARDER_WORKERS',
    default: '1',
    meaning: 'how many processes share the work: 1 to 64, or auto for one a core',
    audience: ['serve'],
    parse: workers,
  },
  logLevel: {
    flag: '--log-level <level>',
    variable: 'WARDER_LOG_LEVEL',
    default: 'info',
    meaning: `least that is logged: ${LOG_LEVELS.join(', ')}`,
    audience: ['serve'],
    parse: word(LOG_LEVELS),
  },
  dialects: {
    flag: '--dialects <names>',
    variable: 'WARDER_DIALECTS',
    meaning: "products' APIs to speak, separated by commas, or none (default: all there are)",
    audience: ['serve', 'doctor'],
    parse: names,
  },
  dialectListen: {
    flag: '--dialect-listen <addresses>',
    variable: 'WARDER_DIALECT_LISTEN',
    meaning:
      'dialects that have a listener of their own too, below the path their product has, as cobo=127.0.0.1:7710,onepin=127.0.0.1:7711',
    audience: ['serve'],
    parse: namedAddresses,
  },
  dialectCors: {
    flag: '--dialect-cors',
    variable: 'WARDER_DIALECT_CORS',
    default: 'false',
    meaning: 'let browsers of any origin call the dialects that know CORS; true or false',
    audience: ['serve'],
    parse: yesOrNo,
  },
  dialectOptions: {
    flag: '--dialect-options <options>',
    variable: 'WARDER_DIALECT_OPTIONS',
    meaning:
      'what dialects leave to choose, as onepin.token_prefix=pk_live_; `warder config` lists all',
    audience: ['serve', 'doctor'],
    parse: dialectOptions,
  },
  sharedCredentials: {
    flag: '--shared-credentials <file>',
    variable: 'WARDER_SHARED_CREDENTIALS',
    meaning: 'credentials of trusted services: a JSON list, which docs/dialects.md tells of',
    secret: true,
    audience: ['serve', 'doctor'],
    parse: sharedCredentials,
  },
  gateway: {
    flag: '--gateway <file>',
    variable: 'WARDER_GATEWAY',
    meaning: 'plan of a gateway to answer, which docs/gateways.md tells of; needs --gateway-listen',
    audience: ['serve'],
    parse: path,
  },
  gatewayListen: {
    flag: '--gateway-listen <address>',
    variable: 'WARDER_GATEWAY_LISTEN',
    meaning: 'where the gateway is answered: unix:/PATH, or HOST:PORT of this machine',
    audience: ['serve'],
    parse: gatewayAddress,
  },
  gatewaySecret: {
    flag: '--gateway-secret-file <file>',
    variable: 'WARDER_GATEWAY_SECRET',
    meaning:
      'what the gateway sends in X-Warder-Gateway-Secret; needed where other machines can reach --gateway-listen',
    secret: true,
    audience: ['serve'],
    parse: gatewaySecret,
  },
  opsListen: {
    flag: '--ops-listen <host:port>',
    variable: 'WARDER_OPS_LISTEN',
    meaning:
      'where /metrics, /livez and /readyz are served too, by plain HTTP and without a key; /metrics is then there alone',
    audience: ['serve'],
    parse: hostPort,
  },
  eventsLog: {
    flag: '--events-log <file>',
    variable: 'WARDER_EVENTS_LOG',
    meaning:
      'file that each event is appended to as a line of JSON, once it is sealed; - for standard output',
    audience: ['serve'],
    parse: path,
  },
  eventsRetention: {
    flag: '--events-retention <time>',
    variable: 'WARDER_EVENTS_RETENTION',
    meaning: 'how long events are kept, for example 90d (default: for ever)',
    audience: ['serve', 'doctor'],
    parse: duration,
  },
  cacheBytes: {
    flag: '--cache-bytes <size>',
    variable: 'WARDER_CACHE_BYTES',
    default: '64m',
    meaning:
      'bound of the memory that known keys take, some 700 bytes each: from 1m to 4g; those beyond it are read anew',
    audience: ['serve'],
    parse: size,
  },
  staleLimit: {
    flag: '--stale-limit <time>',
    variable: 'WARDER_STALE_LIMIT',
    default: '5s',
    meaning:
      'for how long keys in memory answer where neither changes are heard of nor the store can be read, then 503: from 0s to 1h',
    audience: ['serve'],
    parse: staleLimit,
  },
  callsPerSecond: {
    flag: '--calls-per-second <number>',
    variable: 'WARDER_CALLS_PER_SECOND',
    default: '1000',
    meaning:
      'calls a second that one workspace, or one key of the instance, may make of each process, beside verifications, which nothing bounds',
    audience: ['serve'],
    parse: someOf(1, 1_000_000),
  },
  usageHoursRetention: {
    flag: '--usage-hours-retention <time>',
    variable: 'WARDER_USAGE_HOURS_RETENTION',
    default: '90d',
    meaning: 'how long usage is kept by the hour',
    audience: ['serve', 'doctor'],
    parse: duration,
  },
  usageDaysRetention: {
    flag: '--usage-days-retention <time>',
    variable: 'WARDER_USAGE_DAYS_RETENTION',
    default: '762d',
    meaning: 'how long usage is kept by the day; by the month it is kept for ever',
    audience: ['serve', 'doctor'],
    parse: duration,
  },
  redis: {
    flag: '--redis <url>',
    flagHoldsValue: true,
    variable: 'REDIS_URL',
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
    meaning:
      'what limits are while what counts them for several processes is away: memory (each process counts for itself), refuse (503 for keys that have any) or admit (nothing is limited)',
    audience: ['serve'],
    parse: word(LIMIT_FALLBACKS),
  },
  issuers: {
    flag: '--issuers <file>',
    variable: 'WARDER_ISSUERS',
    meaning: 'JSON file of the issuers whose JWTs sign in',
    audience: ['serve'],
    parse: path,
  },
  otlpEndpoint: {
    variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    meaning:
      'base address of an OpenTelemetry collector (OTLP over HTTP) that traces and metrics are sent to; the other OTEL_EXPORTER_OTLP_* variables and OTEL_RESOURCE_ATTRIBUTES count too',
    audience: ['serve'],
    parse: webAddress,
  },
  otlpTracesEndpoint: {
    variable: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    meaning: 'where traces are sent, by themselves or elsewhere than metrics: the whole address',
    audience: ['serve'],
    parse: webAddress,
  },
  otlpMetricsEndpoint: {
    variable: 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
    meaning: 'where metrics are sent, by themselves or elsewhere than traces: the whole address',
    audience: ['serve'],
    parse: webAddress,
  },
  telemetryDisabled: {
    variable: 'OTEL_SDK_DISABLED',
    default: 'false',
    meaning: 'send no traces and no metrics, whatever else is set; true or false',
    audience: ['serve'],
    parse: yesOrNo,
  },
  tracesRatio: {
    variable: 'OTEL_TRACES_SAMPLER_ARG',
    default: '1',
    meaning:
      'share of traces that are kept, 0 to 1, of those that begin here; of others, whoever calls decides',
    audience: ['serve'],
    parse: share,
  },
  secret: {
    variable: 'WARDER_SECRET',
    file: 'secret',
    meaning: 'secret of the installation, 64 hexadecimal digits; made at the first start',
    secret: true,
    audience: ['serve', 'local'],
    parse: secret,
  },
  pepper: {
    variable: 'WARDER_PEPPER',
    meaning: 'keys mixed into stored digests: a line <version>:<64 hexadecimal digits> for each',
    secret: true,
    audience: ['serve', 'local'],
    parse: peppers,
  },
  url: {
    flag: '--url <url>',
    variable: 'WARDER_URL',
    default: 'http://127.0.0.1:7700',
    meaning: 'where the service is that is called',
    audience: ['client'],
    parse: webAddress,
  },
  key: {
    flag: '--key-file <file>',
    variable: 'WARDER_KEY',
    file: 'first-key',
    meaning: 'the key to call with',
    secret: true,
    audience: ['client'],
    parse: oneWord,
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];
