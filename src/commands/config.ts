import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../cli/base-command.js';
import { printable } from '../cli/format.js';
import { formatTable } from '../cli/table.js';
import { loadConfig, type Origin } from '../config/load-config.js';
import { SETTING_NAMES, settingOf, variableOf } from '../config/settings.js';

interface EffectiveSetting {
  /** `bytes` and `ms` are the unit of `value`; null is no bound, or nothing. */
  readonly value: unknown;
  readonly unit?: 'bytes' | 'ms';
  readonly origin: Origin;
  readonly variable: string;
  readonly flag: string;
  readonly summary: string;
}

interface ConfigReport {
  readonly files: readonly string[];
  readonly settings: Readonly<Record<string, EffectiveSetting>>;
}

const SETTINGS_HELP = SETTING_NAMES.map((name) => `  ${name.padEnd(26)}${settingOf(name).summary}`).join('\n');

export default class Config extends BaseCommand {
  static override summary = 'Show the effective settings and where each comes from.';
  static override description = `Settings come from, later ones winning: defaults, /etc/iso2rootfs/config.yaml, $XDG_CONFIG_HOME/iso2rootfs/config.yaml
(~/.config/iso2rootfs/config.yaml), environment variables, flags. Files are YAML, sizes are written 8G or 4096M, durations 90m or 2h,
and \`none\` takes a bound away:

  cache:
    directory: /srv/cache/iso2rootfs
    maxSize: 200G
  build:
    memory: 8G

SETTINGS
${SETTINGS_HELP}

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> config',
    {
      description: 'Only one value, for a script',
      command: '<%= config.bin %> config --json | jq -r \'.settings."cache.directory".value\'',
    },
  ];

  override async run(): Promise<ConfigReport> {
    const { flags } = await this.parse(Config);
    const { values, origins, files } = await loadConfig({ flags });
    if (!this.jsonEnabled()) {
      const rows = SETTING_NAMES.map((name) => [
        name,
        printable(settingOf(name).write(values[name])) || '-',
        printable(describeOrigin(origins[name])),
      ]);
      process.stdout.write(formatTable(['SETTING', 'VALUE', 'FROM'], rows));
    }
    const settings = SETTING_NAMES.map((name): [string, EffectiveSetting] => {
      const { unit, flag, summary } = settingOf(name);
      const value = values[name] === Infinity ? null : (values[name] ?? null);
      const described = { value, origin: origins[name], variable: variableOf(name), flag: `--${flag}`, summary };
      return [name, unit === undefined ? described : { ...described, unit }];
    });
    return { files, settings: Object.fromEntries(settings) };
  }
}

function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'file':
      return origin.line === undefined ? origin.file : `${origin.file}:${origin.line}`;
    case 'variable':
      return origin.variable;
    case 'flag':
      return `--${origin.flag}`;
  }
}
