/** A process of its own that downloads: `download-child.ts URL PARTIAL [SHA256]`. Tells its parent how far it is. */
import { downloadFile } from '../../../src/download/download-file.js';

const [, , url = '', destinationPartial = '', expectedSha256] = process.argv;
const result = await downloadFile({
  urls: [url],
  destinationPartial,
  expectedSha256,
  emit: (event) => process.send?.(event),
});
process.send?.({ type: 'result', result });
