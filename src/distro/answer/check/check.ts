import { checkAutoinstall } from './check-autoinstall.js';
import { checkAutoyast } from './check-autoyast.js';
import { checkKickstart } from './check-kickstart.js';
import { checkPreseed } from './check-preseed.js';
import { checkText } from './check-text.js';
import type { AnswerFamily, Finding } from '../types.js';

/**
 * What makes an unattended build with this answer file fail: `error` where it will, `warning` where it may. In the order
 * of the file; what is missing from the whole file comes last. The installer's own validator looks at more of the syntax.
 */
export function checkAnswerFile(family: AnswerFamily, text: string): Finding[] {
  const unreadable = checkText(text);
  if (unreadable !== undefined) return [unreadable];
  switch (family) {
    case 'anaconda':
      return checkKickstart(text);
    case 'debian-installer':
      return checkPreseed(text);
    case 'subiquity':
      return checkAutoinstall(text);
    case 'autoyast':
      return checkAutoyast(text);
  }
}
