import { ISO2ROOTFS_TOKEN_PLACEHOLDER } from './token.js';
import { isPrintableAscii } from './values.js';
import type { PostScript } from './model.js';

const SHELLS = /^#!\s*(\/usr)?\/bin\/(env\s+)?(sh|bash)\s*$/;

/**
 * A kickstart `%post` section that runs the script. Text that the kickstart's parser would take for its own
 * (`%end`), or might read in another encoding, travels in base64.
 */
export function kickstartPost(script: PostScript): string {
  const header = `%post --erroronfail${script.chroot ? '' : ' --nochroot'}`;
  const title = `# ${isPrintableAscii(script.name) ? script.name : 'a script'}`;
  if (canStandInKickstart(script.text)) {
    const firstLine = script.text.split('\n', 1)[0] ?? '';
    const interpreter = SHELLS.test(firstLine) && firstLine.includes('bash') ? ' --interpreter=/bin/bash' : '';
    return [`${header}${interpreter}`, title, script.text.replace(/\n$/, ''), '%end'].join('\n');
  }
  return [header, `${title} (in base64, to arrive as it was written)`, ...scriptFromBase64(script), '%end'].join('\n');
}

/** Shell lines that write the script to a file, run it by its own `#!` line and pass on its exit status. */
export function scriptFromBase64(script: PostScript): string[] {
  return [
    'script=$(mktemp) || exit 1',
    'base64 -d > "$script" <<\'BASE64\' || exit 1',
    ...encodeScript(script),
    'BASE64',
    'chmod 0700 "$script"',
    '"$script"',
    'status=$?',
    'rm -f "$script"',
    'exit $status',
  ];
}

/** Lines of 76 characters. A script without a `#!` line gets that of the shell. */
export function encodeScript(script: PostScript): string[] {
  const text = script.text.startsWith('#!') ? script.text : `#!/bin/sh\n${script.text}`;
  return (
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  );
}

function canStandInKickstart(text: string): boolean {
  const firstLine = text.split('\n', 1)[0] ?? '';
  return (
    (!firstLine.startsWith('#!') || SHELLS.test(firstLine)) &&
    !text.includes(ISO2ROOTFS_TOKEN_PLACEHOLDER) &&
    text.split('\n').every((line) => /^[\t\x20-\x7e]*$/.test(line) && !/^\s*%/.test(line) && !line.endsWith('\\'))
  );
}
