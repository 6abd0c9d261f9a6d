import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { readElf, type ReadPart } from '../../../src/initramfs/elf.js';
import { run } from '../../../src/tools/run.js';

const reader =
  (bytes: Buffer): ReadPart =>
  async (offset, length) =>
    Promise.resolve(bytes.subarray(offset, offset + length));

/** A program and a library that every machine has: this test runs in one, and it is linked with the other. */
async function linked(program: string): Promise<{ interpreter: string; libraries: string[] }> {
  const { stdout } = await run('ldd', [program]);
  const lines = stdout.split('\n').map((line) => line.trim());
  return {
    interpreter: lines.find((line) => line.startsWith('/'))?.split(' ')[0] ?? '',
    libraries: lines.flatMap((line) => (line.includes('=>') ? [line.split(' ')[0] ?? ''] : [])),
  };
}

describe('readElf', () => {
  it('says what a program needs, as the loader does', async () => {
    const facts = await readElf(reader(await readFile(process.execPath)));
    const { interpreter, libraries } = await linked(process.execPath);
    expect(facts?.interpreter).to.equal(interpreter);
    expect(libraries).to.include.members([...(facts?.needed ?? [])].filter((name) => !name.startsWith('ld-linux')));
    expect(facts?.needed).to.include('libc.so.6');
  });

  it('knows what is no ELF file', async () => {
    expect(await readElf(reader(Buffer.from('#!/bin/sh\n')))).to.equal(undefined);
    expect(await readElf(reader(Buffer.alloc(0)))).to.equal(undefined);
    expect(await readElf(reader(Buffer.alloc(4096)))).to.equal(undefined);
  });

  it('survives every truncation and every flipped byte of a head', async () => {
    const whole = await readFile('/bin/true');
    const check = async (bytes: Buffer): Promise<void> => {
      try {
        await readElf(reader(bytes));
      } catch (error) {
        expect(error).to.have.property('code', 'INTEGRITY');
      }
    };
    for (let length = 0; length < 1024; length += 7) await check(whole.subarray(0, length));
    for (let at = 0; at < 1024; at += 1) {
      const spoilt = Buffer.from(whole);
      spoilt[at] = 0xff;
      await check(spoilt);
    }
  });
});
