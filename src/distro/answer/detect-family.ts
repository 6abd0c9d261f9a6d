import { parseKickstart, SECTIONS } from './kickstart-syntax.js';
import type { AnswerFamily } from './types.js';

const PRESEED_LINE =
  /^[ \t]*[a-z0-9][a-z0-9.+-]*[ \t]+\S+\/\S+[ \t]+(string|boolean|select|multiselect|password|text|note|seen)\b/m;
const KICKSTART_COMMANDS = new Set([
  'lang',
  'rootpw',
  'timezone',
  'keyboard',
  'clearpart',
  'part',
  'autopart',
  'bootloader',
  'text',
  'cdrom',
  'url',
  'poweroff',
  'reboot',
  'zerombr',
  'network',
  'graphical',
  '%include',
  '%ksappend',
]);

/** Which installer reads this file; undefined where nothing tells. */
export function detectFamily(text: string): AnswerFamily | undefined {
  if (/^\uFEFF?\s*<(\?xml|!DOCTYPE profile|profile)\b/.test(text)) return 'autoyast';
  if (/^#cloud-config\b/.test(text) || /^['"]?autoinstall['"]?[ \t]*:/m.test(text)) return 'subiquity';
  if (PRESEED_LINE.test(text)) return 'debian-installer';
  const { commands, sections } = parseKickstart(text);
  const isKickstart =
    sections.some(({ name }) => SECTIONS.has(name)) || commands.some(({ name }) => KICKSTART_COMMANDS.has(name));
  return isKickstart ? 'anaconda' : undefined;
}
