/** The worker of `workerpool`, thread and process. */
import workerpool from 'workerpool';
import { handlers } from './handlers.mjs';

workerpool.worker(handlers);
