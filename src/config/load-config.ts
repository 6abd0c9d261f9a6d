import { Iso2RootfsError } from '../errors.js';
import { suggest } from '../suggest.js';
import { configFiles } from './directories.js';
import { readConfigText } from './read-config-file.js';
import { SETTING_NAMES, settingOf, variableOf, type SettingName, type Settings } from './settings.js';

/** Where a value comes from. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line?: number | undefined }
  | { readonly kind: 'variable'; readonly variable: string }
  | { readonly kind: 'flag'; readonly flag: string };

export interface Config {
  readonly values: Settings;
  readonly origins: Readonly<Record<SettingName, Origin>>;
  /** The files that were looked at, least weight first; they need not exist. */
  readonly files: readonly string[];
}

export interface ConfigSources {
  /** Default: `process.env`. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Least weight first. Default: {@link configFiles}. */
  readonly files?: readonly string[];
  /** Flags of the command by name; undefined is not given, and those that belong to no setting are passed over. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

/**
 * The effective settings: defaults < files < variables < flags.
 * @throws Iso2RootfsError CONFIG_INVALID (a file or variable), PERMISSION (a file), USAGE (a flag).
 */
export async function loadConfig(sources: ConfigSources = {}): Promise<Config> {
  const environment = sources.environment ?? process.env;
  const files = sources.files ?? configFiles(environment);
  refuseUnknownVariables(environment);
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  const set = (name: SettingName, value: unknown, origin: Origin): void => {
    values[name] = value;
    origins[name] = origin;
  };
  for (const name of SETTING_NAMES) {
    const { fallback, basis } = settingOf(name);
    const isBased = basis !== undefined && (environment[basis] ?? '') !== '';
    set(name, fallback(environment), isBased ? { kind: 'variable', variable: basis } : { kind: 'default' });
  }
  for (const file of files) {
    const text = await readConfigText(file);
    if (text === '') continue;
    const { parseConfigFile } = await import('./parse-config-file.js');
    for (const [name, { value, line }] of parseConfigFile(file, text)) set(name, value, { kind: 'file', file, line });
  }
  for (const name of SETTING_NAMES) {
    const variable = variableOf(name);
    const said = environment[variable];
    if (said !== undefined && said !== '')
      set(name, readVariable(name, variable, said), { kind: 'variable', variable });
    const { flag } = settingOf(name);
    const given = sources.flags?.[flag];
    if (given !== undefined) set(name, readFlag(name, given), { kind: 'flag', flag });
  }
  return { values: values as Settings, origins: origins as Config['origins'], files };
}

function readVariable(name: SettingName, variable: string, said: string): unknown {
  const { read, wanted } = settingOf(name);
  const value = read(said);
  if (value !== undefined) return value;
  throw new Iso2RootfsError('CONFIG_INVALID', `environment variable ${variable}: expected ${wanted}, not '${said}'`, {
    hint: `Correct or unset ${variable}.`,
    data: { variable, path: name },
  });
}

function readFlag(name: SettingName, given: unknown): unknown {
  const { flag, read, wanted } = settingOf(name);
  const value = read(given);
  if (value !== undefined) return value;
  throw new Iso2RootfsError('USAGE', `--${flag} ${String(given)}: expected ${wanted}`, {
    hint: `Give ${wanted}.`,
  });
}

/** A misspelt variable would silently do nothing. Only names that begin like ours are judged: others may be other programs'. */
function refuseUnknownVariables(environment: NodeJS.ProcessEnv): void {
  const known = SETTING_NAMES.map(variableOf);
  const prefixes = [...new Set(known.map((variable) => variable.split('_').slice(0, 2).join('_') + '_'))];
  const unknown = Object.keys(environment).find(
    (variable) => prefixes.some((prefix) => variable.startsWith(prefix)) && !known.includes(variable),
  );
  if (unknown === undefined) return;
  const [nearest] = suggest(unknown, known);
  throw new Iso2RootfsError('CONFIG_INVALID', `environment variable ${unknown}: there is no such setting`, {
    hint: nearest !== undefined ? `Did you mean ${nearest}?` : 'iso2rootfs config --help lists the variables.',
    data: { variable: unknown },
  });
}
