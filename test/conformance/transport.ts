// The conformance suite of src/channel/transport.ts, with Channel and Dispatcher on top as the runtime uses them. Every transport
// passes it: ring.test.ts, stream.test.ts, inline.test.ts.

import { callCases } from './call-cases.ts';
import { idCases } from './id-cases.ts';
import { notifyCases } from './notify-cases.ts';
import { payloadCases } from './payload-cases.ts';
import { releaseCases } from './release-cases.ts';
import type { Rig } from './rig.ts';
import { streamCases } from './stream-cases.ts';
import { successionCases } from './succession-cases.ts';
import { suspectCases } from './suspect-cases.ts';

export function transportConformance(name: string, makeRig: () => Rig): void {
  callCases(name, makeRig);
  payloadCases(name, makeRig);
  streamCases(name, makeRig);
  successionCases(name, makeRig);
  suspectCases(name, makeRig);
  releaseCases(name, makeRig);
  notifyCases(name, makeRig);
  idCases(name, makeRig);
}
