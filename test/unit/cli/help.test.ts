import type { Command } from '@oclif/core';
import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../../../src/cli/help-sections.js';
import { SETTING_NAMES, settingOf } from '../../../src/config/settings.js';
import { ERROR_CODES } from '../../../src/errors.js';

const COMMANDS = path.resolve(import.meta.dirname, '../../../src/commands');

describe('the help', () => {
  for (const file of readdirSync(COMMANDS, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )) {
    it(`of ${file.replace('.ts', '').replace('/', ' ')} has a summary, examples and exit statuses`, async () => {
      const { default: command } = (await import(path.join(COMMANDS, file))) as {
        default: Omit<typeof Command, 'flags'> & { flags?: typeof Command.flags };
      };
      expect(command.summary).to.be.a('string').and.to.match(/\.$/);
      expect(command.examples).to.be.an('array').and.not.to.be.empty;
      expect(command.description).to.include(EXIT_CODES_HELP);
      const settable = SETTING_NAMES.map((name) => settingOf(name).flag);
      // A default would hide what files and variables say.
      for (const [name, flag] of Object.entries(command.flags ?? {})) {
        if (settable.includes(name)) expect(flag, `--${name}`).to.not.have.any.keys('default', 'env');
      }
    });
  }

  it('names every exit status and variable', () => {
    for (const [code, { exitStatus }] of Object.entries(ERROR_CODES)) {
      expect(EXIT_CODES_HELP).to.match(new RegExp(`^ +${exitStatus} .*\\b${code}\\b`, 'm'));
    }
    for (const name of SETTING_NAMES) expect(ENVIRONMENT_HELP).to.include(` ${name}`);
  });
});
