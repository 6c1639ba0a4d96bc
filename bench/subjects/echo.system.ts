/** One echo server. */
import { system } from '../../src/index.ts';

export default system(import.meta.url, {
  echo: { load: () => import('./echo.server.ts') },
});
