import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs, seededBytes } from '../../../tests/fixtures/domain.ts';
import {
  BASE62,
  checksumHolds,
  type DrawnToken,
  drawCharacters,
  drawToken,
  ENVIRONMENTS,
  inspectToken,
  MAX_TOKEN_LENGTH,
  readToken,
  redactTokens,
  type TokenFormat,
  WARDER_FORMAT,
} from './token.ts';

const random = seededBytes();
const draw = (prefix = 'wdr', environment: 'live' | 'test' = 'live'): DrawnToken =>
  drawToken(WARDER_FORMAT, prefix, environment, random);
const hidden = (alphabet: string, { secret, prefix, start, end }: DrawnToken, tail: number) =>
  (secret.length - prefix.length - start.length - end.length - tail) * Math.log2(alphabet.length);
const anyPrefix = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/),
  fc.constantFrom('wdr', 'live', 'test', 'a', 'abcdefghijk'),
);
const anyToken = fc.tuple(anyPrefix, fc.constantFrom(...ENVIRONMENTS)).map((of) => draw(...of));

describe('drawing', () => {
  it('a token with the default prefix is 55 bytes of one double-clickable word', () => {
    expect(draw().secret).toMatch(/^wdr_live_[0-9A-Za-z]{46}$/);
    expect(draw('wdr', 'test').secret).toMatch(/^wdr_test_\w{46}$/);
  });

  it('any prefix leaves 32 to 40 random characters in 55 bytes and reads back', () => {
    fc.assert(
      fc.property(anyPrefix, fc.constantFrom(...ENVIRONMENTS), (prefix, environment) => {
        const token = draw(prefix, environment);
        const drawn = token.secret.length - token.prefix.length - 6;
        expect(token.prefix).toBe(`${prefix}_${environment}_`);
        expect(token.secret.length).toBeLessThanOrEqual(55);
        expect(drawn).toBeGreaterThanOrEqual(32);
        expect(drawn).toBeLessThanOrEqual(40);
        expect(readToken(token.secret)).toEqual(token);
        expect(inspectToken(token.secret)).toBe('well_formed');
      }),
      { numRuns: runs(300, 20_000) },
    );
  });

  it('bytes beyond the largest multiple of the alphabet are drawn again, not folded', () => {
    const asked: number[] = [];
    const unfair = (bytes: number) => {
      asked.push(bytes);
      // 248..255 would fold onto the first eight characters.
      return new Uint8Array(bytes).fill(asked.length < 4 ? 248 + asked.length : 61);
    };
    expect(drawCharacters(40, BASE62, unfair)).toBe('z'.repeat(40));
    expect(asked).toHaveLength(4);
    expect(drawCharacters(3, 'ab', () => Uint8Array.of(254, 255, 0))).toBe('aba');
  });

  it('many tokens hold no duplicate and every character is as likely in every place', () => {
    const count = runs(20_000, 1_000_000);
    const seen = new Set<string>();
    const tally = new Float64Array(40 * 62);
    for (let i = 0; i < count; i++) {
      const { secret } = draw();
      seen.add(secret);
      for (let at = 0; at < 40; at++) {
        const cell = at * 62 + BASE62.indexOf(secret.charAt(9 + at));
        tally[cell] = (tally[cell] ?? 0) + 1;
      }
    }
    expect(seen.size).toBe(count);
    const expected = count / 62;
    for (let at = 0; at < 40; at++) {
      const square = tally
        .subarray(at * 62, at * 62 + 62)
        .reduce((sum, times) => sum + (times - expected) ** 2 / expected, 0);
      // 61 degrees of freedom: more than 127 happens once in a million; folded bytes give 190.
      expect(square).toBeLessThan(127);
    }
  });
});

describe('the checksum', () => {
  it('is the CRC-32 of zlib in six base62 characters', () => {
    fc.assert(
      fc.property(anyToken, ({ secret }) => {
        const digits = [...secret.slice(-6)].map((digit) => BASE62.indexOf(digit));
        expect(digits.reduce((sum, digit) => sum * 62 + digit, 0)).toBe(crc32(secret.slice(0, -6)));
      }),
      { numRuns: runs(300, 20_000) },
    );
  });

  it('finds every single-character slip, in every place', () => {
    for (const { secret, prefix } of fc.sample(anyToken, runs(20, 500))) {
      for (let at = 0; at < secret.length; at++) {
        for (const other of BASE62) {
          if (other === secret[at]) continue;
          const slip = secret.slice(0, at) + other + secret.slice(at + 1);
          // One in front may leave a text of nobody's form: it is no token, though perhaps an imported key.
          const refused = readToken(slip) === null && !checksumHolds(slip);
          if (!refused || (at >= prefix.length && inspectToken(slip) !== 'malformed')) {
            expect.fail(`${slip} passes`);
          }
        }
      }
    }
  });

  it('finds two neighbours that changed places', () => {
    for (const { secret, prefix } of fc.sample(anyToken, runs(100, 5_000))) {
      for (let at = prefix.length; at < secret.length - 1; at++) {
        const [a, b] = [secret.charAt(at), secret.charAt(at + 1)];
        if (a === b) continue;
        expect(inspectToken(secret.slice(0, at) + b + a + secret.slice(at + 2))).toBe('malformed');
      }
    }
  });
});

describe('the shown ends', () => {
  it('leave at least 128 bits unshown for every prefix', () => {
    for (let length = 1; length <= 11; length++) {
      const token = draw('a'.repeat(length));
      expect(hidden(BASE62, token, 6)).toBeGreaterThanOrEqual(128);
      expect(token.start.length).toBeGreaterThanOrEqual(4);
      expect(token.secret.startsWith(token.prefix + token.start)).toBe(true);
      expect(token.secret.slice(0, -6).endsWith(token.end)).toBe(true);
    }
  });

  it('leave at least 128 bits unshown in every format, and nothing is shown of a weaker one', () => {
    const alphabets = ['01', '0123456789abcdef', BASE62, `${BASE62}-_`];
    const anyFormat = fc.record({ alphabet: fc.constantFrom(...alphabets), length: fc.nat(200) });
    fc.assert(
      fc.property(anyFormat, ({ alphabet, length }) => {
        const format: TokenFormat = {
          name: 'any',
          alphabet,
          checksum: false,
          lead: () => 'op_',
          groups: () => [length],
          shown: { start: 8, end: 8 },
        };
        const token = drawToken(format, '', 'live', random);
        const bits = length * Math.log2(alphabet.length);
        expect(hidden(alphabet, token, 0)).toBeGreaterThanOrEqual(Math.min(bits, 128));
        expect(token.start.length).toBeLessThanOrEqual(8);
        expect(token.end.length).toBeLessThanOrEqual(8);
      }),
      { numRuns: runs(500, 20_000) },
    );
  });
});

describe('inspecting', () => {
  const token = draw().secret;
  const refused = {
    nothing: '',
    'a space': `${token} `,
    'a new line': `${token}\n`,
    NUL: `wdr_live_\0${'a'.repeat(45)}`,
    'an emoji': '🔑'.repeat(10),
    'a lone surrogate': 'key\ud800',
    'a letter that looks like another': token.replace('w', 'ｗ'),
    '10 KB': 'a'.repeat(10_240),
    'one character too many': 'a'.repeat(MAX_TOKEN_LENGTH + 1),
  };
  for (const [name, text] of Object.entries(refused)) {
    it(`refuses ${name}`, () => expect(inspectToken(text)).toBe('malformed'));
  }

  it('lets printable text of any other form be looked up, as an imported key may be', () => {
    for (const text of ["'OR'1'='1", 'a"b`c\\d%_', 'sk-12345', 'x', 'a'.repeat(MAX_TOKEN_LENGTH)]) {
      expect(inspectToken(text)).toBe('well_formed');
      expect(readToken(text)).toBeNull();
    }
  });

  it('answers any text at all, and only a real token reads back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(['well_formed', 'malformed']).toContain(inspectToken(text));
        expect(readToken(text)).toBeNull();
      }),
      { numRuns: runs(500, 50_000) },
    );
  });
});

describe('redacting', () => {
  const places: Record<string, (token: string) => string> = {
    'by itself': (token) => token,
    'a JSON line': (token) => JSON.stringify({ msg: 'refused', key: token, nested: [token] }),
    'JSON in JSON': (token) => JSON.stringify(JSON.stringify({ key: token })),
    'a URL': (token) => `https://example.test/v1?key=${token}&x=1#${token}`,
    'a header': (token) => `Authorization: Bearer ${token}\r\n`,
    'letters before it': (token) => `ABCabcdefghijklmnop1${token}`,
    'letters after it': (token) => `${token}ABCabc0123456789`,
    'letters around it': (token) => `zz9${token}${token.slice(-20)}`,
    'another token before and after it': (token) => `${token}${token}${token}`,
    'underscores around it': (token) => `_live_${token}_test_${token}_`,
  };
  for (const [name, place] of Object.entries(places)) {
    it(`leaves no token where there is ${name}`, () => {
      for (const { secret, prefix, start } of fc.sample(anyToken, runs(100, 5_000))) {
        const redacted = redactTokens(place(secret));
        expect(redacted).not.toContain(secret);
        expect(redacted).toContain(`${prefix}${start}…`);
        expect(redacted.split('…').length).toBe(place(secret).split(secret).length);
      }
    });
  }

  it('leaves no token behind the beginning of another, or what looks like one', () => {
    for (const { secret } of fc.sample(anyToken, runs(100, 5_000))) {
      for (const before of [secret.slice(0, -3), `x_live_${'A'.repeat(40)}`]) {
        expect(redactTokens(before + secret)).not.toContain(secret.slice(-30));
      }
    }
  });

  it('shows four random characters of a token of another form, or of one that is mistyped', () => {
    const { secret } = draw();
    const random = 'aB3dE6gH9'.repeat(5);
    expect(redactTokens(secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0'))).toBe(
      `${secret.slice(0, 13)}…`,
    );
    for (const lead of ['sk_live_', 'dn_', 'caw_', 'op_live_', 'aistats_v1_sk_abcdefghijkl_']) {
      expect(redactTokens(`a ${lead}${random} b`)).toBe(`a ${lead}aB3d… b`);
      const inUrl = lead.replaceAll('_', '%5F');
      expect(redactTokens(`?key=${inUrl}${random}&`)).toBe(`?key=${inUrl}aB3d…&`);
    }
  });

  it('leaves everything else as it was', () => {
    const { secret } = draw();
    const digest = createHash('sha256').update(secret).digest('hex');
    for (const text of ['', 'wdr_live_', `trace_${digest.slice(0, 32)}`, digest, '$& $1 _test_']) {
      expect(redactTokens(text)).toBe(text);
    }
    fc.assert(
      fc.property(anyToken, fc.string(), fc.string(), ({ secret, prefix, start }, a, b) => {
        expect(redactTokens(`${a} ${secret} ${b}`)).toBe(`${a} ${prefix}${start}… ${b}`);
      }),
    );
  });

  it('100 KB made to be slow is read in no time', () => {
    const pieces = ['a', 'a_', '_live_', 'a_live_', `a_live_${'A'.repeat(38)}`, 'live_test_', '1a'];
    for (const piece of pieces) {
      const text = piece.repeat(100_000 / piece.length);
      const began = performance.now();
      redactTokens(text);
      readToken(text);
      inspectToken(text);
      expect(performance.now() - began).toBeLessThan(1_000);
    }
  });
});
