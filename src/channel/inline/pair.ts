// A channel within one isolate: for servers of tier `inline`, and for tests. Both ends are those of the stream transport, with memory
// between them instead of sockets: values go through the codec, calls stay asynchronous and in order, and a server can be killed with
// the same fates for its calls, so that what works inline works between processes.
//
// Bound: as over sockets (window, credit), but for answers: they wait for the client's next turn without a limit.

import type { StatusCounters } from '../../memory/status.ts';
import { StreamClientEnd } from '../stream/client-end.ts';
import { LoadBoard } from '../stream/load-board.ts';
import { StreamServerEnd } from '../stream/server-end.ts';
import type { Wire, WireEvents } from '../stream/wire.ts';
import type { ClientEvents, ServerEvents } from '../transport.ts';
import { MemoryWire } from './memory-wire.ts';

/** An instance's half of a channel. */
export interface InlineServer {
  readonly end: StreamServerEnd;
  /** As if the instance's process were killed now: what it has sent arrives, nothing else does; what it had not started stays. */
  kill(): void;
}

/** What an instance has in common for all of its channels. */
export class InlineInstance {
  readonly load: LoadBoard;

  constructor(status: StatusCounters) {
    this.load = new LoadBoard(status);
  }
}

/** A mailbox without an instance yet. */
export function inlineClient(events: ClientEvents): StreamClientEnd {
  return new StreamClientEnd(events);
}

/**
 * Introduces an instance to a mailbox, the first or a successor (after `freeze` and `carry`). Requests start after `end.start()`.
 * @param suspects how many the client carried.
 */
export function introduceInline(
  client: StreamClientEnd,
  instance: InlineInstance,
  events: ServerEvents,
  suspects = 0,
): InlineServer {
  let kill = () => {};
  const end = new StreamServerEnd({ events, load: instance.load, suspects, onClose: () => {} });
  client.attach((answerEvents: WireEvents) => {
    const requests = new MemoryWire(end.requestEvents);
    const answers = new MemoryWire(answerEvents);
    end.useRequests(readerOf(requests));
    end.useAnswers(answers);
    kill = () => {
      requests.leave();
      answers.close();
      end.close();
    };
    return { requests, answers: readerOf(answers) };
  });
  return { end, kill: () => kill() };
}

/** A client and a server, joined. */
export function pair(
  clientEvents: ClientEvents,
  serverEvents: ServerEvents,
  status: StatusCounters,
): InlineServer & { readonly client: StreamClientEnd } {
  const client = inlineClient(clientEvents);
  return { client, ...introduceInline(client, new InlineInstance(status), serverEvents) };
}

/** The reader's hold on a wire: it can only leave. */
function readerOf(wire: MemoryWire): Wire {
  return { unsent: 0, write: () => {}, close: () => wire.leave() };
}
