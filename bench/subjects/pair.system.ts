/** Two echo servers: what `start` boots. */
import { system } from 'skerry';

const load = () => import('./echo.server.ts');

export default system(import.meta.url, {
  first: { load },
  second: { load },
});
