// SPDX-License-Identifier: MIT
// `outrider version`, and with --verbose what somebody needs to know who looks for a fault: how the
// program was built, and the versions of its libraries, then and now.
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

// The exit status.
int version_command(int argc, char **argv);

#endif
