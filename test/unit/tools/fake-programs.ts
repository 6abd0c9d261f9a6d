import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Iso2RootfsError } from '../../../src/errors.js';
import { findProgram } from '../../../src/tools/run.js';

/** A directory of executables that stand in for host programs, to be used as PATH. */
export class FakePrograms {
  private constructor(readonly directory: string) {}

  static async create(): Promise<FakePrograms> {
    const directory = await mkdtemp(path.join(tmpdir(), 'fake-programs-'));
    await mkdir(path.join(directory, 'bin'));
    return new FakePrograms(directory);
  }

  /** Nothing but the fakes (and the sbin directories, which hold no program of these tests). */
  get path(): string {
    return path.join(this.directory, 'bin');
  }

  /** @param body of a shell script. */
  async add(name: string, body: string): Promise<string> {
    const file = path.join(this.path, name);
    await writeFile(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return file;
  }

  /** Makes real programs of this machine available beside the fakes. */
  async link(...names: string[]): Promise<void> {
    for (const name of names) {
      const real = await findProgram(name, process.env['PATH'] ?? '');
      if (real === undefined) throw new Error(`this test needs ${name}`);
      await symlink(real, path.join(this.path, name));
    }
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

export async function failureOf(promise: Promise<unknown>): Promise<Iso2RootfsError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Iso2RootfsError) return error;
    throw error;
  }
  throw new Error('it should have failed');
}
