import { expect } from 'chai';
import fc from 'fast-check';
import { ChecksumFileError, parseChecksums, type ParsedChecksum } from '../../../src/download/checksums.js';

const A = 'a07952feb2f9f0239143daf6cc061a396e09bbb3e26d8fbf38eeb21d0251bde0';
const B = '29f143ddbe888be489d3147c3c0f11e8c6a6fb57cb19be93516b7926bdf0fd81';
const SHA512 = A + B;
const ISO = 'openEuler-22.03-LTS-x86_64-dvd.iso';

function parse(text: string, isSidecar = false): ParsedChecksum {
  return parseChecksums(text, { isoFileName: ISO, isSidecar });
}

function problem(text: string, isSidecar = false): string {
  try {
    parse(text, isSidecar);
  } catch (error) {
    if (error instanceof ChecksumFileError) return error.problem;
    throw error;
  }
  return 'none';
}

describe('parseChecksums', () => {
  const dialects: Readonly<Record<string, [text: string, dialect: string]>> = {
    'a text line': [`${A}  ${ISO}\n`, 'gnu'],
    'a binary line': [`${A} *${ISO}\n`, 'gnu'],
    'a line with a path': [`${A}  ./iso/${ISO}\n`, 'gnu'],
    'a BSD line': [`SHA256 (${ISO}) = ${A}\n`, 'bsd'],
    'a BSD line without blanks': [`SHA256(${ISO})= ${A}`, 'bsd'],
    'the bare hash': [`${A}\n`, 'bare'],
    'upper case': [`${A.toUpperCase()}  ${ISO}\n`, 'gnu'],
    CRLF: [`${B}  other.iso\r\n${A}  ${ISO}\r\n`, 'gnu'],
    'a BOM': [`\uFEFF${A}  ${ISO}\n`, 'gnu'],
    'no newline at the end': [`${A}  ${ISO}`, 'gnu'],
    'many lines': [`${B}  a.iso\n${A}  ${ISO}\n${B}  ${ISO}.torrent\n`, 'gnu'],
    'other algorithms beside it': [`SHA512 (${ISO}) = ${SHA512}\nSHA256 (${ISO}) = ${A}\n`, 'bsd'],
    'the same sum twice': [`${A}  ${ISO}\n${A}  x/${ISO}\n`, 'gnu'],
  };
  for (const [name, [text, dialect]] of Object.entries(dialects)) {
    it(`reads ${name}`, () => {
      expect(parse(text)).to.include({ sha256: A, dialect });
    });
  }

  it('reads comments, and the size in them', () => {
    const text = `# ${ISO}: 3643801600 bytes\nSHA256 (${ISO}) = ${A}\n# other.iso: 5 bytes\nSHA256 (other.iso) = ${B}\n`;
    expect(parse(text)).to.include({ sha256: A, sizeBytes: 3643801600 });
  });

  it('reads escaped file names', () => {
    expect(parseChecksums(`\\${A}  a\\\\b\\nc.iso\n`, { isoFileName: 'a\\b\nc.iso' }).sha256).to.equal(A);
    expect(parseChecksums(`${A}  a\\\\b.iso\n`, { isoFileName: 'a\\\\b.iso' }).sha256).to.equal(A);
  });

  it('reads what is clear-signed, and nothing around it', () => {
    const signed = [
      `SHA256 (${ISO}) = ${B}`,
      '-----BEGIN PGP SIGNED MESSAGE-----',
      'Hash: SHA256',
      '',
      `- -- a dash`,
      `SHA256 (${ISO}) = ${A}`,
      '-----BEGIN PGP SIGNATURE-----',
      '',
      'iQIzBAEBCAAdFiEE',
      '-----END PGP SIGNATURE-----',
      `SHA256 (${ISO}) = ${B}`,
    ];
    expect(parse(signed.join('\r\n'))).to.include({ sha256: A, isClearSigned: true });
    expect(problem(signed.slice(0, 6).join('\n'))).to.equal('not-a-checksum');
  });

  it('takes the only line of a sidecar, whatever it names', () => {
    const text = `${A}  openEuler-Build710-x86_64-dvd.iso\n`;
    expect(parse(text, true)).to.include({ sha256: A, fileName: 'openEuler-Build710-x86_64-dvd.iso' });
    expect(problem(text, false)).to.equal('not-listed');
    expect(problem(`${text}${B}  x.iso\n`, true)).to.equal('ambiguous');
  });

  it('says what is wrong', () => {
    expect(problem('')).to.equal('not-a-checksum');
    expect(problem('try again later')).to.equal('not-a-checksum');
    expect(problem('\n <!DOCTYPE html><html>404</html>')).to.equal('web-page');
    expect(problem(`${B}  x.iso\n`)).to.equal('not-listed');
    expect(problem(`${A}  ${ISO}\n${B}  ${ISO}\n`)).to.equal('ambiguous');
    expect(problem(`${A}\n${B}\n`)).to.equal('ambiguous');
    expect(problem(`${SHA512}  ${ISO}\n`)).to.equal('unsupported');
    expect(problem(`${A.slice(1)}  ${ISO}\n`)).to.equal('not-a-checksum');
  });

  it('never fails in another way, and never gives what is not in the text', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(`${A}  ${ISO}`, `SHA256 (${ISO}) = ${B}`, A, '-----BEGIN PGP SIGNED MESSAGE-----', ''),
      fc.constantFrom('-----BEGIN PGP SIGNATURE-----', `- ${A}  ${ISO}`, `\\${B}  ${ISO}`),
    );
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), (lines, isSidecar) => {
        const text = lines.join('\n');
        if (problem(text, isSidecar) === 'none') expect(text.toLowerCase()).to.include(parse(text, isSidecar).sha256);
      }),
    );
  });
});
