// SPDX-License-Identifier: Apache-2.0
/*
 * Config space as text, in the form of `lspci -xxxx`, so that `lspci -F file -vv` reads it.
 */
#ifndef CORE_PCI_PRINT_H
#define CORE_PCI_PRINT_H

#include <stdbool.h>
#include <stdint.h>

/* line gets whole lines, without newline. read: one aligned cycle of 1, 2 or 4 bytes; where it
 * fails all ones are printed. */
struct pci_print {
	uint16_t domain, bdfn;
	int (*read)(void *arg, unsigned int off, unsigned int size, uint32_t *val);
	void *arg;
	void (*line)(const char *text);
};

/* The same in slices of nlines lines (at least 1): from *at on, 0 at first; *at moves on. False:
 * that was all. */
bool pci_print_slice(const struct pci_print *p, unsigned int *at, unsigned int nlines);

/* 256 bytes, or 4096 if the function has extended capabilities; and an empty line. */
void pci_print_config(const struct pci_print *p);

#endif
