// A method of a server as the dispatcher runs it.

import type { InputSchema } from './input.ts';

export interface Handler {
  readonly name: string;
  readonly stream: boolean;
  readonly input: InputSchema | undefined;
  readonly run: (...args: unknown[]) => unknown;
}
