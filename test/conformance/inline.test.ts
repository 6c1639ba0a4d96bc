import { InlineRig } from './inline-rig.ts';
import { transportConformance } from './transport.ts';

transportConformance('inline', () => new InlineRig());
