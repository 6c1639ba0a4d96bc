/** One echo server. */
import { system } from 'skerry';

export default system(import.meta.url, {
  echo: { load: () => import('./echo.server.ts') },
});
