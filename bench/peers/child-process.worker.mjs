/** The child of `child_process`: [id, name, argument] in, [id, value] out; ends when its parent is gone. */
import { handlers } from './handlers.mjs';

process.on('disconnect', () => process.exit());
process.on('message', async ([id, name, argument]) => {
  process.send([id, await handlers[name](argument)]);
});
process.send(['up']);
