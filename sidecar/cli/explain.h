// SPDX-License-Identifier: MIT
// `outrider explain`: what becomes of a request by a configuration file, and why. It asks the code
// that answers requests, and the disk; no pool and no running outrider.
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

// 0; 1 when the configuration has errors (told); 2 for arguments that are none (told).
int explain_command(int argc, char **argv);

#endif
