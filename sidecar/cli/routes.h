// SPDX-License-Identifier: MIT
// `outrider routes`: what a running outrider has learned, as a table for people or as the JSON of
// the admin endpoint.
#ifndef CLI_ROUTES_H
#define CLI_ROUTES_H

// The exit status.
int routes_command(int argc, char **argv);

#endif
