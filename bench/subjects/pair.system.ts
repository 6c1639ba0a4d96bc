/** Two echo servers: what `start` boots. */
import { system } from '../../src/index.ts';

const load = () => import('./echo.server.ts');

export default system(import.meta.url, {
  first: { load },
  second: { load },
});
