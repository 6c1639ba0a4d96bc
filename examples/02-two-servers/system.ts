// Two servers that use each other, by way of explicit interfaces: each asks the other until nothing is left.

import { server, system, uses } from 'skerry';

interface Ping {
  /** @returns who hit the ball, in order, when it has gone back and forth `turns` more times. */
  ping(turns: number): Promise<string[]>;
}
interface Pong {
  pong(turns: number): Promise<string[]>;
}

const one = server({ uses: { two: uses<Pong>() } }, ({ uses: { two } }) => ({
  ping: async (turns: number): Promise<string[]> => ['ping', ...(turns > 0 ? await two.pong(turns - 1) : [])],
}));

const two = server({ uses: { one: uses<Ping>() } }, ({ uses: { one } }) => ({
  pong: async (turns: number): Promise<string[]> => ['pong', ...(turns > 0 ? await one.ping(turns - 1) : [])],
}));

export default system(import.meta.url, {
  one: { load: async () => ({ default: one }) },
  two: { load: async () => ({ default: two }) },
});
