import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { claimOutputDirectory, outputStagingDirectory, publishOutput } from '../../../src/build/output-directory.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { FakePrograms, failureOf } from '../tools/fake-programs.js';

describe('the output directory', () => {
  let directory: string;
  let tools: Toolbox;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'output-test-'));
    tools = new Toolbox({ logDirectory: directory });
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function makeOurs(output: string, content: string): Promise<string> {
    await mkdir(output);
    await writeFile(path.join(output, 'manifest.json'), JSON.stringify({ program: { name: 'iso2rootfs' } }));
    await writeFile(path.join(output, 'rootfs.tar'), content);
    return output;
  }

  it('may be new, empty, or ours', async () => {
    const fresh = path.join(directory, 'a/b/new');
    expect(await claimOutputDirectory(fresh)).to.equal(fresh);
    const empty = path.join(directory, 'empty');
    await mkdir(empty);
    expect(await claimOutputDirectory(empty)).to.equal(empty);
    const ours = await makeOurs(path.join(directory, 'ours'), '');
    expect(await claimOutputDirectory(ours)).to.equal(ours);
    await symlink(ours, path.join(directory, 'link'));
    expect(await claimOutputDirectory(path.join(directory, 'link'))).to.equal(ours);
  });

  const foreign: Readonly<Record<string, (output: string) => Promise<unknown>>> = {
    'is a file': (output) => writeFile(output, ''),
    'holds something else': async (output) => {
      await mkdir(output);
      await writeFile(path.join(output, 'thesis.tex'), '');
    },
    'has a manifest of another program': async (output) => {
      await mkdir(output);
      await writeFile(path.join(output, 'manifest.json'), '{"program":{"name":"other"}}');
    },
    'has a damaged manifest': async (output) => {
      await mkdir(output);
      await writeFile(path.join(output, 'manifest.json'), '{"program":');
    },
    'is a dangling symbolic link': (output) => symlink('/nonexistent/x', output),
  };
  for (const [what, make] of Object.entries(foreign)) {
    it(`is refused when it ${what}`, async () => {
      const output = path.join(directory, 'out');
      await make(output);
      expect((await failureOf(claimOutputDirectory(output))).code).to.equal('OUTPUT_EXISTS');
      await lstat(output);
    });
  }

  it('is refused below a file, and where it is the root directory', async () => {
    await writeFile(path.join(directory, 'file'), '');
    for (const wrong of [path.join(directory, 'file/out'), path.join(directory, 'file/a/b'), '/']) {
      expect((await failureOf(claimOutputDirectory(wrong))).code, wrong).to.equal('OUTPUT_EXISTS');
    }
  });

  async function publish(): Promise<string> {
    const output = path.join(directory, 'out');
    const staging = await makeOurs(outputStagingDirectory(output, '0123456789ab'), 'new');
    await publishOutput(tools, staging, output);
    expect(await readdir(directory))
      .to.include('out')
      .and.not.include(path.basename(staging));
    return readFile(path.join(output, 'rootfs.tar'), 'utf8');
  }

  it('is put into its place', async () => {
    expect(await publish()).to.equal('new');
  });

  it('is replaced', async () => {
    await makeOurs(path.join(directory, 'out'), 'old');
    expect(await publish()).to.equal('new');
    expect(await readdir(directory)).to.deep.equal(['out']);
  });

  it('is replaced where two directories cannot be exchanged', async () => {
    const fakes = await FakePrograms.create();
    await fakes.add('python3', 'exit 1');
    tools = new Toolbox({ logDirectory: directory, toolsPath: fakes.path });
    await makeOurs(path.join(directory, 'out'), 'old');
    expect(await publish()).to.equal('new');
    expect(await readdir(directory)).to.deep.equal(['out']);
    await fakes.remove();
  });

  it('is not replaced when it has been filled by somebody else meanwhile', async () => {
    const output = path.join(directory, 'out');
    const staging = await makeOurs(outputStagingDirectory(output, '0123456789ab'), 'new');
    await mkdir(output);
    await writeFile(path.join(output, 'thesis.tex'), '');
    expect((await failureOf(publishOutput(tools, staging, output))).code).to.equal('OUTPUT_EXISTS');
    expect(await readdir(output)).to.deep.equal(['thesis.tex']);
  });
});
