// A secret as text. A token reads `<prefix>_<environment>_<random><checksum>`:
// letters, digits and underscores, so a double click selects it whole, and a
// CRC-32 at its end, so a slip is refused without a look-up. The checksum stops
// typing mistakes, never attackers: a key is found by the digest of its text.

export const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Longest text that is ever looked up; anything longer is malformed. */
export const MAX_TOKEN_LENGTH = 512;

export type Environment = 'live' | 'test';
export const ENVIRONMENTS: readonly Environment[] = ['live', 'test'];

/** How the tokens of one product are written. Dialects bring their own. */
export interface TokenFormat {
  /** What a key made in it carries as `format`. */
  readonly name: string;
  readonly alphabet: string;
  /** Whether the text ends in a CRC-32 of what stands before it. */
  readonly checksum: boolean;
  /** How many random characters may be shown at either end, where enough stay unshown. */
  readonly shown: { readonly start: number; readonly end: number };
  /** The fixed text in front of the random part. */
  lead(prefix: string, environment: Environment): string;
  /** How many random characters follow that prefix, in groups joined by `_`. */
  groups(prefix: string): readonly number[];
}

/** What a key keeps of its token: enough to recognise it, too little to guess it. */
export interface TokenPreview {
  readonly prefix: string;
  readonly start: string;
  readonly end: string;
}

export interface DrawnToken extends TokenPreview {
  readonly secret: string;
}

const CHECKSUM_LENGTH = 6;
const LONGEST_RANDOM = 40;
const LONGEST_PREFIX = 11;
const UNSHOWN_BITS = 128;

export const DEFAULT_PREFIX = 'wdr';
/** Prefixes a workspace may choose. Longer ones would leave less than 190 random bits in 55 bytes. */
export const PREFIX_PATTERN = /^[a-z][a-z0-9]{0,10}$/;

/** Warder's own format: 55 bytes at most, which is one SHA-256 block. */
export const WARDER_FORMAT: TokenFormat = {
  name: 'warder',
  alphabet: BASE62,
  checksum: true,
  shown: { start: 8, end: 8 },
  lead: (prefix, environment) => `${prefix}_${environment}_`,
  groups: (prefix) => [randomLength(prefix)],
};

function randomLength(prefix: string): number {
  return LONGEST_RANDOM - Math.max(0, prefix.length - DEFAULT_PREFIX.length);
}

/**
 * Draws a new token.
 * @param random gives that many bytes of a CSPRNG; asked again for those that rejection sampling drops.
 */
export function drawToken(
  format: TokenFormat,
  prefix: string,
  environment: Environment,
  random: (bytes: number) => Uint8Array,
): DrawnToken {
  const lead = format.lead(prefix, environment);
  const drawn = format
    .groups(prefix)
    .map((length) => drawCharacters(length, format.alphabet, random))
    .join('_');
  const text = lead + drawn;
  const secret = format.checksum ? text + checksum(text) : text;
  return { secret, prefix: lead, ...shown(drawn, format) };
}

/** Characters of an alphabet without modulo bias: bytes past its largest multiple are drawn again. */
export function drawCharacters(
  length: number,
  alphabet: string,
  random: (bytes: number) => Uint8Array,
): string {
  const fair = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of random(length - text.length + 8)) {
      if (byte < fair && text.length < length) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}

/** The two ends that may be shown: as many as the format says, at least 128 bits staying unshown. */
function shown(drawn: string, format: TokenFormat): Pick<TokenPreview, 'start' | 'end'> {
  const hidden = Math.ceil(UNSHOWN_BITS / Math.log2(format.alphabet.length));
  const budget = Math.max(0, drawn.length - hidden);
  const wanted = format.shown;
  const fits = wanted.start + wanted.end <= budget;
  const end = fits ? wanted.end : Math.min(wanted.end, Math.floor(budget / 2));
  const start = fits ? wanted.start : Math.min(wanted.start, budget - end);
  return { start: drawn.slice(0, start), end: drawn.slice(drawn.length - end) };
}

/** Reads a text of Warder's own form back into its parts; null for any other, or one whose checksum does not hold. */
export function readToken(text: string): DrawnToken | null {
  if (!hasWarderForm(text) || !checksumHolds(text)) return null;
  const prefix = text.slice(0, text.lastIndexOf('_') + 1);
  const drawn = text.slice(prefix.length, -CHECKSUM_LENGTH);
  return { secret: text, prefix, ...shown(drawn, WARDER_FORMAT) };
}

const FORM = /^([a-z][a-z0-9]{0,10})_(?:live|test)_[0-9A-Za-z]+$/;
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * Whether a text may be looked up. `malformed` is what can be told from the
 * text alone: empty, too long, not printable ASCII, or of Warder's own form
 * with a checksum that does not hold. Any other text may be an imported key.
 */
export function inspectToken(text: string): 'well_formed' | 'malformed' {
  if (text.length > MAX_TOKEN_LENGTH || !PRINTABLE.test(text)) return 'malformed';
  return hasWarderForm(text) && !checksumHolds(text) ? 'malformed' : 'well_formed';
}

function hasWarderForm(text: string): boolean {
  const prefix = FORM.exec(text)?.[1];
  if (prefix === undefined) return false;
  const lead = prefix.length + '_live_'.length;
  return text.length === lead + randomLength(prefix) + CHECKSUM_LENGTH;
}

/** Whether the last six characters are the CRC-32 of what stands before them. */
export function checksumHolds(text: string): boolean {
  const body = text.slice(0, -CHECKSUM_LENGTH);
  return text.slice(-CHECKSUM_LENGTH) === checksum(body);
}

const ENVIRONMENT_IN_TEXT = /_(?=(?:live|test)_)/g;

/** Replaces each token in a text by its preview: the last step of whatever leaves the process. */
export function redactTokens(text: string): string {
  let redacted = '';
  let done = 0;
  for (const { index } of text.matchAll(ENVIRONMENT_IN_TEXT)) {
    const token = findToken(text, done, index);
    if (token === null) continue;
    const from = index + '_live_'.length - token.prefix.length;
    redacted += `${text.slice(done, from)}${token.prefix}${token.start}…`;
    done = from + token.secret.length;
  }
  return (redacted + text.slice(done)).replace(RANDOM_RUN, redactRun);
}

/**
 * The random part of a token of another form, or of one whose underscores were written as a URL may.
 * An id of a trace is as long, in lower-case hex.
 */
const RANDOM_RUN = /(?<=_|%5[Ff])[0-9A-Za-z]{32,}/g;

function redactRun(run: string): string {
  return /^[0-9a-f]+$/.test(run) ? run : `${run.slice(0, 4)}…`;
}

// Other text may be glued to both sides, so each beginning that a prefix may have is tried.
function findToken(text: string, least: number, lead: number): DrawnToken | null {
  for (let from = Math.max(least, lead - LONGEST_PREFIX); from < lead; from++) {
    const length = randomLength(text.slice(from, lead)) + CHECKSUM_LENGTH;
    const token = readToken(text.slice(from, lead + '_live_'.length + length));
    if (token) return token;
  }
  return null;
}

/** CRC-32 (IEEE 802.3, as in zlib) of an ASCII text, as six base62 characters. */
function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = BASE62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i++) {
    crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ text.charCodeAt(i)) & 0xff] ?? 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
