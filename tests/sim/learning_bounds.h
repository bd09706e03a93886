// SPDX-License-Identifier: MIT
// How many hostile networks it takes: a page, a folder, a site and an asset, learned of n honest
// networks, and then of hostile ones, who are given what they like and ask for it as often as they
// like, one after the other, before any honest one comes again.
#ifndef SIM_LEARNING_BOUNDS_H
#define SIM_LEARNING_BOUNDS_H

#define BOUNDS_MOST 32 // honest networks

// Prints the table. How often a bound is lower than what is promised.
unsigned bounds_print(void);

#endif
