/**
 * Who may import whom: one rule a line of the table in ARCHITECTURE.md, then the rules that
 * hold everywhere. Every comment says why, and what to do instead. `npm run check` runs them
 * through scripts/imports.mjs, which also counts what was looked at.
 */

const core = '^packages/core/src/';
const server = '^packages/server/src/';
const coreEntry = '^packages/core/src/index\\.ts$';
const tests = '\\.test\\.ts$';
/** npm packages, wherever npm put them. @param {...string} names */
const npm = (...names) => `(^|/)node_modules/(${names.join('|')})/`;
/** Node's own modules. @param {...string} names */
const node = (...names) => `^(node:)?(${names.join('|')})$`;
/** Files of the server other than the named ones and the folders beside them. @param {...string} names */
const serverExcept = (...names) => `${server}(?!(${names.join('|')})[/.])`;

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const table = [
  {
    name: 'core-imports-nothing',
    comment:
      'The domain is provably pure, so it can be tested and trusted without any runtime. ' +
      'Describe what it needs in core/src/ports.ts and let the server bring it.',
    from: { path: core, pathNot: tests },
    to: { pathNot: core },
  },
  {
    name: 'a-dialect-only-translates',
    comment:
      'A dialect turns a wire format into operations and back, so it can be added or removed alone. ' +
      'It may import the core, zod, its own folder, dialect.ts and what stands beside that for several dialects; what else it needs becomes a field of Dialect.',
    from: { path: `${server}dialects/([^/.]+)`, pathNot: tests },
    to: {
      pathNot: [
        coreEntry,
        `${server}(dialect|admission|credentials|document-route|moments|phaseo-[a-z-]+|scopes-text)\\.ts$`,
        `${server}dialects/$1[/.]`,
        npm('zod'),
      ],
    },
  },
  {
    name: 'host-is-crypto-only',
    comment:
      'Clock, randomness and hashing are one small file anybody can audit. ' +
      'It may import node:crypto and the core, whose port it fills; put anything else elsewhere.',
    from: { path: `${server}host\\.ts$` },
    to: { pathNot: [node('crypto'), '^packages/core/src/index\\.ts$'] },
  },
  {
    name: 'storage-knows-no-http',
    comment:
      'An engine is swappable only while it knows nothing of who asks. ' +
      'It may import the core, kysely, its driver, node:fs, node:os, node:worker_threads and, for a database elsewhere, node:net; give it what else it needs as an argument.',
    from: { path: `${server}storage/`, pathNot: tests },
    to: {
      pathNot: [
        coreEntry,
        serverExcept('listen', 'auth', 'dialects?', 'openapi'),
        npm('kysely', 'better-sqlite3', '@types/better-sqlite3', 'postgres'),
        node('fs', 'fs/promises', 'os', 'worker_threads', 'net'),
      ],
    },
  },
  {
    name: 'auth-only-makes-callers',
    comment:
      'A way to sign in turns a credential into a Caller and works for every dialect and engine. ' +
      'It may import the core, jose and node:fs; it is given the look-ups it needs by auth.ts.',
    from: { path: `${server}auth/`, pathNot: tests },
    to: {
      pathNot: [
        coreEntry,
        serverExcept('dialects?', 'storage', 'openapi'),
        npm('jose'),
        node('fs', 'fs/promises'),
      ],
    },
  },
  {
    name: 'the-hot-path-stays-bare',
    comment:
      'Verifying, counting and answering a gateway run in process too, without HTTP, sign-in or dialects. ' +
      'They may import the core, host.ts and their own driver; listen.ts and dialect.ts call them, not the reverse.',
    from: {
      path: `${server}((verifier|known-keys|gateway[a-z-]*|head|carriages|path-rules)\\.ts$|(limits|gateways)/)`,
      pathNot: tests,
    },
    to: {
      pathNot: [coreEntry, serverExcept('listen', 'auth', 'dialects?', 'openapi'), npm('ioredis')],
    },
  },
  {
    name: 'only-listen-knows-http',
    comment:
      'Sizes, deadlines, duplicate headers and raw paths are decided in one file. ' +
      'Take a Request and give a Response; what must be known of the socket goes through server/src/listen.ts.',
    from: {
      path: '^packages/[^/]+/src/',
      pathNot: [
        tests,
        `${server}listen(-address)?\\.ts$`,
        // A connection to a database that is given up at once is one whose socket is at hand.
        `${server}storage/postgres/connection\\.ts$`,
        '^packages/sdk/src/node\\.ts$',
      ],
    },
    to: { path: [node('https?', 'http2', 'net', 'tls')] },
  },
  {
    name: 'only-the-outside-embeds',
    comment:
      'embed.ts puts the whole service together for an app, as the command line does for operators. ' +
      'What a part of the service needs of it belongs into a file that both import.',
    from: { path: server, pathNot: [tests, `${server}(index|testing)\\.ts$`] },
    to: { path: `${server}(embed|testing)\\.ts$` },
  },
  {
    name: 'sdk-imports-nothing',
    comment:
      'The client runs everywhere and brings nothing along; only sdk/src/node.ts may import node:http(s). ' +
      'Write it by hand, or let the caller pass it in (a middleware is given a `verify`).',
    from: { path: '^packages/sdk/src/', pathNot: [tests, '^packages/sdk/src/node\\.ts$'] },
    to: { pathNot: '^packages/sdk/src/' },
  },
  {
    name: 'sdk-for-node-imports-http-only',
    comment:
      'The one file of the client that knows Node exists for node:http(s) alone. ' +
      'Anything else belongs into the files every runtime shares.',
    from: { path: '^packages/sdk/src/node\\.ts$' },
    to: { pathNot: ['^packages/sdk/src/', node('https?')] },
  },
  {
    name: 'local-commands-never-call-over-http',
    comment:
      'serve and the commands of cli/src/local work on the installation itself, also when no service answers. ' +
      'Use the server and the core; a command that talks to a running service lives outside local/.',
    from: { path: '^packages/cli/src/(serve\\.ts$|local/)', pathNot: tests },
    to: { path: '^packages/sdk/' },
  },
  {
    name: 'clients-know-the-sdk-only',
    comment:
      'What the CLI and the dashboard can do, every user of the API can do. ' +
      'Call the sdk; what works on the installation itself belongs into cli/src/local.',
    from: {
      path: '^packages/(cli|dashboard)/src/',
      pathNot: [tests, '^packages/cli/src/(serve\\.ts$|local/)'],
    },
    to: { path: '^packages/(server|core)/' },
  },
  {
    name: 'nobody-imports-tests',
    comment:
      'What ships must not lean on what proves it. ' +
      'Move what both need into the package that owns the idea.',
    from: { path: '^packages/[^/]+/src/', pathNot: tests },
    to: { path: ['^(tests|bench)/', tests] },
  },
];

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const everywhere = [
  {
    name: 'siblings-never-meet',
    comment:
      'A folder holds interchangeable siblings of one interface; one that imports another cannot be removed alone. ' +
      'Move what they share into the file beside the folder. (x.ts, x.worker.ts and x/ are one sibling.)',
    from: { path: `${server}(dialects|storage|auth|limits|gateways)/([^/.]+)` },
    to: { path: `${server}$1/`, pathNot: `${server}$1/$2[/.]` },
  },
  {
    name: 'middleware-never-meet',
    comment:
      'A middleware is a file for one framework; what two of them share goes beside the folder.',
    from: { path: '^packages/sdk/src/middleware/' },
    to: { path: '^packages/sdk/src/middleware/' },
  },
  {
    name: 'a-driver-has-one-home',
    comment:
      'One engine, one driver, one file: nothing else may run SQL or reach Redis past the Storage and limits ports. ' +
      'Add what is missing to the port.',
    from: {
      path: '^packages/[^/]+/src/',
      pathNot: [
        tests,
        `${server}(storage|slices|tables)[/.]`,
        `${server}limits/redis[/.]`,
        `${server}redis-`,
      ],
    },
    to: { path: npm('kysely', 'better-sqlite3', 'postgres', 'ioredis') },
  },
  {
    name: 'figures-have-one-way-out',
    comment:
      'The libraries that write metrics and send traces are loaded only where somebody asked for them. ' +
      'Count in metrics.ts, follow a request by tracing.ts; prometheus.ts and telemetry.ts bring it out.',
    from: {
      path: '^packages/[^/]+/src/',
      pathNot: [tests, `${server}(prometheus|telemetry)\\.ts$`],
    },
    to: { path: npm('prom-client', '@opentelemetry/[^/]+') },
  },
  {
    name: 'no-cycles',
    comment:
      'Two files that need each other are one idea or hide a third. ' +
      'Join them, or move what both need into a file of its own.',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-file-imports-its-own-index',
    comment:
      'index.ts is the public face of a package; inside it makes cycles and hides where things live. ' +
      'Import the file that has the idea.',
    from: { path: '^packages/([^/]+)/src/' },
    to: { path: '^packages/$1/src/index\\.ts$' },
  },
  {
    name: 'packages-meet-at-the-entry',
    comment:
      'Only what index.ts exports is a promise of a package. ' + 'Export it there, or do without.',
    from: { path: '^packages/([^/]+)/' },
    to: { path: '^packages/[^/]+/', pathNot: ['^packages/$1/', '^packages/[^/]+/src/index\\.ts$'] },
  },
  {
    name: 'imports-are-declared',
    comment:
      'What is not in the package.json of the importing workspace is missing where it is installed. ' +
      'Add it there, pinned exactly, with a paragraph in docs/decisions.md.',
    from: { path: '^packages/[^/]+/src/', pathNot: [tests, '^packages/cli/'] },
    to: {
      dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'],
      dependencyTypesNot: ['type-only'],
    },
  },
  {
    name: 'imports-of-the-program-are-declared',
    comment:
      'The program is built with its development dependencies inside (packages/cli/build.mjs). ' +
      'Add it there, pinned exactly, with a paragraph in docs/decisions.md.',
    from: { path: '^packages/cli/src/', pathNot: tests },
    to: {
      dependencyTypes: ['npm-no-pkg', 'npm-unknown'],
      dependencyTypesNot: ['type-only'],
    },
  },
  {
    name: 'imports-resolve',
    comment:
      'No other rule can judge an import that leads nowhere. ' +
      'Correct the path (with its .ts), or install the package.',
    from: {},
    to: { couldNotResolve: true },
  },
];

export const forbidden = [...table, ...everywhere];

/** @type {import('dependency-cruiser').ICruiseOptions} */
export const options = {
  parser: 'swc',
  tsPreCompilationDeps: true,
  doNotFollow: { path: 'node_modules' },
  enhancedResolveOptions: {
    exportsFields: ['exports'],
    conditionNames: ['warder-source', 'import', 'node', 'default', 'types'],
  },
};

export default { forbidden, options };
