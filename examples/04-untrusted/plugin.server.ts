// Runs one plugin, in a process of its own: what it does to its process it does to nobody else.

import { options, server } from 'skerry';

/** What a plugin's module exports by default. */
export type Plugin = (n: number) => unknown;

export default server({ options: options<{ plugin: () => Promise<{ default: Plugin }> }>() }, async ({ options }) => {
  const { default: plugin } = await options.plugin();
  return {
    run: async (n: number): Promise<unknown> => plugin(n),
    alive: (): boolean => true,
  };
});
