// What a campaign tells the servers of its system, by environment variables.

export const LEDGER_FILE = 'FAULTS_LEDGER_FILE';
/** Where those who do something wrong say so, right before. */
export const MARKS_FILE = 'FAULTS_MARKS_FILE';
/** Port of the echo server outside of the system, which `driver` uses. */
export const ECHO_PORT = 'FAULTS_ECHO_PORT';
/** An addon whose loading is a segmentation fault; not there without a compiler. */
export const CRASH_ADDON = 'FAULTS_CRASH_ADDON';
/** Has the ledger do wrong, to see that the checker notices. */
export const SABOTAGE = 'FAULTS_SABOTAGE';

export const VARIABLES = [LEDGER_FILE, MARKS_FILE, ECHO_PORT, CRASH_ADDON, SABOTAGE];
