/** One echo server, without a warm spare. */
import { system } from 'skerry';

export default system(import.meta.url, { echo: { load: () => import('./echo.server.ts') } }, { spares: 0 });
